"""From the reports that are open to findings: dangers not made safe, answers that are late.

Everything is said each time, also what does not hold: the hub compares with what it knew.
Times are UTC ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from beffroi.model.finding import Finding
from beffroi.model.report import OPEN, Report

DANGER = "participation.danger"
OVERDUE = "participation.danger_overdue"
LATE = "participation.answer_late"
ANSWER_DAYS = 10  # default of Beffroi; see domain.md
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def reported(reports: Sequence[Report], now_ms: int) -> Sequence[Finding]:
    """See `domains.base.Domain.reported`. Of several reports about one asset the one whose time
    runs out first speaks."""
    found: dict[tuple[str, str], Finding] = {}
    for one in sorted(reports, key=lambda r: (r.deadline_ms or r.received_ms, r.id)):
        for finding in _of(one, now_ms):
            found.setdefault((finding.rule, finding.asset), finding)
    for one in reports:  # what does not hold is said too
        for rule in (DANGER, OVERDUE, LATE):
            for about in filter(None, (one.asset, one.id)):
                found.setdefault((rule, about), Finding(rule, about, False, now_ms))
    return list(found.values())


def _of(one: Report, now_ms: int) -> list[Finding]:
    about, made = one.asset or one.id, []
    name: Mapping[str, float | str] = {"report": one.id}
    if one.unsafe:
        told = {**name, "deadline": _day_and_hour(one.deadline_ms)}
        made.append(Finding(DANGER, about, True, one.received_ms, told))
        if now_ms > one.deadline_ms:
            late = {**name, "hours": (now_ms - one.deadline_ms) / HOUR_MS}
            made.append(Finding(OVERDUE, about, True, one.deadline_ms, late))
    waits_days = (now_ms - one.received_ms) / DAY_MS
    if one.state in OPEN and not one.first_answer_ms and waits_days > ANSWER_DAYS:
        since = one.received_ms + ANSWER_DAYS * DAY_MS
        made.append(Finding(LATE, about, True, since, {**name, "days": waits_days}))
    return made


def _day_and_hour(ms: int) -> str:
    """In UTC, said so: a domain knows no time zone, and an hour of doubt must be visible."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%d/%m/%Y %H:%M} UTC"
