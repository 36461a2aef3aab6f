"""How long the hub was out of service: it notes signs of life, and on return how long it was gone.

A silence of more than UPTIME_HOLE_S is a stop. Says nothing of the time before it first noted.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from beffroi.model.asset import Label
from beffroi.model.limits import UPTIME_HOLE_S, UPTIME_HOLES_MAX
from beffroi.model.measure import HOUR_MS, Measured, Span, unproven
from beffroi.ports.store import PeopleStore

SETTING = "uptime"
UNKNOWN = Label("le hub ne tient ce compte que depuis peu", "the hub has not counted this yet")


class Uptime(NamedTuple):
    """`holes`: [from, to] of each stop, oldest first; times in UTC milliseconds."""

    since_ms: int = 0
    last_ms: int = 0
    holes: tuple[tuple[int, int], ...] = ()


def alive(known: Uptime, now_ms: int) -> Uptime:
    """After another sign of life. A clock that went back changes nothing."""
    if not known.since_ms:
        return Uptime(now_ms, now_ms)
    if now_ms <= known.last_ms:
        return known
    holes = known.holes
    if now_ms - known.last_ms > UPTIME_HOLE_S * 1_000:
        holes = (*holes, (known.last_ms, now_ms))[-UPTIME_HOLES_MAX:]
    return Uptime(known.since_ms, now_ms, holes)


def out_of_service(known: Uptime, span: Span) -> Measured:
    """G5: hours a year, from the part of the period in which it was counted."""
    start, end = max(known.since_ms, span.start_ms), min(known.last_ms, span.end_ms)
    if not known.since_ms or end <= start:
        return unproven(UNKNOWN)
    stops = [(max(a, start), min(b, end)) for a, b in known.holes]
    lost_ms = sum(b - a for a, b in stops if b > a)
    share = (end - start) / (span.end_ms - span.start_ms)
    count = sum(b > a for a, b in stops)
    return Measured(
        lost_ms / (end - start) * 365 * 24, share, count, parts={"h": lost_ms / HOUR_MS}
    )


def read(people: PeopleStore) -> Uptime:
    """As it was kept; nothing known when it cannot be read."""
    try:
        raw: Any = json.loads(people.setting(SETTING) or "{}")
        holes = tuple((int(a), int(b)) for a, b in raw.get("holes", ()))
        return Uptime(int(raw.get("since", 0)), int(raw.get("last", 0)), holes)
    except (ValueError, TypeError, AttributeError):
        return Uptime()


def note(people: PeopleStore, now_ms: int) -> None:
    """One sign of life, kept. Once a minute."""
    known = alive(read(people), now_ms)
    raw = {"since": known.since_ms, "last": known.last_ms, "holes": known.holes}
    people.put_setting(SETTING, json.dumps(raw))
