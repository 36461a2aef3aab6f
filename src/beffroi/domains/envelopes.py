"""How a domain writes an envelope, without repeating its grammar. Knows no service: what is
allowed, between which bounds and in which words are arguments.

Facts that every guard computes from its own clock and place: `local_minute` (0..1439), `weekday`
(0 Monday..6), `sun_mdeg` (elevation of the sun in thousandths of a degree), `night` (0 or 1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from beffroi.domains.attrs import number_or
from beffroi.domains.base import Terms
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope, Slew
from beffroi.kernel.limits import ID_CHARS_MAX, TEXT_CHARS_MAX
from beffroi.model.asset import Asset

DAY_MIN = 1_440
CLOCK_MS_MAX = 5_000  # facts of the guard's own clock are never old
READ_MS_MAX = 30_000  # what its equipment showed

Span = tuple[int, int]


def whole(*spans: Span) -> Allowed:
    """A whole number in one of these ranges, both ends included."""
    return Allowed(ranges=spans)


def among(choices: Iterable[str]) -> Allowed:
    """One of these texts, letter by letter."""
    return Allowed(choices=tuple(choices))


def while_(fact: str, *spans: Span, age_ms_max: int = READ_MS_MAX) -> Condition:
    """A permissive: the guard read `fact` itself, lately, within one of these ranges."""
    return Condition(fact, spans, age_ms_max)


def by_clock(spans: Iterable[Span]) -> Condition:
    """At these minutes of the local day."""
    return Condition("local_minute", tuple(spans), CLOCK_MS_MAX)


def on_days(days: Iterable[int]) -> Condition:
    """0 is Monday."""
    return Condition("weekday", tuple((day, day) for day in sorted(set(days))), CLOCK_MS_MAX)


def at_night(is_night: bool = True) -> Condition:
    return Condition("night", ((int(is_night), int(is_night)),), CLOCK_MS_MAX)


def day_spans(start_min: int, end_min: int, margin_min: int = 0) -> tuple[Span, ...]:
    """The minutes from `start_min` up to, not including, `end_min` less `margin_min`: what lasts
    `margin_min` is over in time. It may pass midnight. () when nothing is left."""
    length = (end_min - start_min) % DAY_MIN - margin_min
    if length <= 0:
        return ()
    last = start_min + length - 1
    if last < DAY_MIN:
        return ((start_min, last),)
    return ((0, last - DAY_MIN), (start_min, DAY_MIN - 1))


def minute_of(value: object) -> int | None:
    """Minutes after midnight of "HH:MM", None for anything else."""
    try:
        at = time.fromisoformat(str(value))
    except ValueError:
        return None
    return at.hour * 60 + at.minute


def setting(attrs: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number that the commune may choose, within bounds that it may not."""
    return min(high, max(low, round(number_or(attrs, name, default))))


def follows(param: str, step_max: int, travel_hour_max: int) -> Slew:
    """`param` moves slowly from what the equipment shows under the same name."""
    return Slew(param, param, step_max, travel_hour_max, READ_MS_MAX)


def safe_case() -> Case:
    """The safe direction without parameters: the hub alone may ask for it, at any time."""
    return Case("A", safe=True)


def organisation(authority: str) -> str:
    """The identifier, in rosters and envelopes, of an authority that is named in words."""
    flat = unicodedata.normalize("NFKD", authority).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", flat).strip("-")[:ID_CHARS_MAX] or "commune"


def envelope(
    asset: Asset,
    terms: Terms,
    actions: Mapping[str, Action],
    *,
    fleet_targets_max: int = 1_000,
    fleet_window_ms: int = 600_000,
) -> Envelope | None:
    """The envelope of an asset; None when no action is left in it."""
    if not actions:
        return None
    return Envelope(
        commune=terms.commune,
        guard=terms.guard,
        target=asset.id,
        name=(asset.name or asset.id)[:TEXT_CHARS_MAX],
        service=asset.domain,
        authority=organisation(asset.authority),
        version=terms.version,
        epoch=terms.epoch,
        expires_ms=terms.expires_ms,
        actions=actions,
        fleet_targets_max=fleet_targets_max,
        fleet_window_ms=fleet_window_ms,
    )
