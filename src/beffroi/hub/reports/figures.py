"""How well the town answers: delays over a set of reports. Pure.

Figures G1 (days to the first answer) and G2 (hours until a danger is made safe, 90th percentile).
What is not answered or not safe yet is counted apart, with the time it has waited so far: leaving
it out would make the figure better the worse the town works.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from beffroi.model.measure import DAY_MS, HOUR_MS
from beffroi.model.report import OPEN, Report, ReportState

_UNCOUNTED = (ReportState.DUPLICATE, ReportState.WITHDRAWN)


class Figures(NamedTuple):
    """None where there is nothing to compute from: that is "not proven", never zero."""

    received: int
    open: int
    answered: int
    unanswered: int
    answer_days_mean: float | None
    dangers: int
    safe: int
    unsafe: int
    safe_h_p90: float | None  # of all dangers; one that is not safe counts the time so far
    in_time: int  # made safe before the deadline


def figures(reports: Iterable[Report], now_ms: int) -> Figures:
    """Duplicates and withdrawn reports do not count twice, or at all."""
    counted = [one for one in reports if one.state not in _UNCOUNTED]
    waits = [
        (one.first_answer_ms - one.received_ms) / DAY_MS for one in counted if one.first_answer_ms
    ]
    dangers = [one for one in counted if one.danger]
    hours = [((one.safe_ms or now_ms) - one.received_ms) / HOUR_MS for one in dangers]
    return Figures(
        received=len(counted),
        open=sum(one.state in OPEN for one in counted),
        answered=len(waits),
        unanswered=sum(one.state in OPEN and not one.first_answer_ms for one in counted),
        answer_days_mean=sum(waits) / len(waits) if waits else None,
        dangers=len(dangers),
        safe=sum(one.safe_ms > 0 for one in dangers),
        unsafe=sum(one.unsafe for one in dangers),
        safe_h_p90=percentile(hours, 90),
        in_time=sum(0 < one.safe_ms <= one.deadline_ms for one in dangers),
    )


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Nearest rank: a value that occurred, not an average of two."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]
