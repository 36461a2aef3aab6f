"""A figure a day from what is stored: the mean of a property over a group of assets.

A quantity counts by its hourly rollups; a day of an asset counts when it has three quarters of the
hours that this asset usually has. A state is told when it changes: each value is weighed by the
time it held, and a day counts when three quarters of it are known. A day of the group counts when
three quarters of its assets do. Suspect readings are in it as in every other figure of the hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from statistics import mean, median
from zoneinfo import ZoneInfo

import numpy as np

from beffroi.domains.measuring import held_ms
from beffroi.model.experiment import Plan
from beffroi.model.measure import Line
from beffroi.ports.store import ReadingStore

ENOUGH = 0.75


def daily(
    readings: ReadingStore, plan: Plan, assets: Sequence[str], first: date, last: date
) -> dict[int, float]:
    """{ordinal of the day: value}, `last` included; days without enough data are left out."""
    if last < first:  # a draft whose first day before is still to come
        return {}
    tz = ZoneInfo(plan.timezone)
    days = range(first.toordinal(), last.toordinal() + 2)
    edges = [_midnight(date.fromordinal(day), tz) for day in days]
    by_day: dict[int, list[float]] = {}
    for asset in assets:
        found = (
            _shares(readings, asset, plan.prop, plan.holds_s * 1_000, days[0], edges)
            if plan.holds_s
            else _means(readings, asset, plan.prop, edges[0], edges[-1], tz)
        )
        for day, value in found.items():
            by_day.setdefault(day, []).append(value)
    least = ENOUGH * len(assets)
    return {day: mean(found) for day, found in sorted(by_day.items()) if len(found) >= least}


def _shares(
    readings: ReadingStore, asset: str, prop: str, holds_ms: int, first: int, edges: list[int]
) -> dict[int, float]:
    """Of a state: the mean over time. Of several sensors the mean counts."""
    by_day: dict[int, list[float]] = {}
    for key, ident in readings.series_of([asset]).items():
        if key.prop != prop:
            continue
        told = readings.points(ident, edges[0] - holds_ms, edges[-1])
        line = Line(asset, key.device, told.ts_ms, told.value)
        until = line.ts_ms + held_ms(line, edges[-1], holds_ms)
        for n, (start, end) in enumerate(pairwise(edges)):
            held = np.clip(np.minimum(until, end) - np.maximum(line.ts_ms, start), 0, None)
            if held.sum() >= ENOUGH * (end - start):
                by_day.setdefault(first + n, []).append(float(held @ line.value / held.sum()))
    return {day: mean(found) for day, found in by_day.items()}


def _means(
    readings: ReadingStore, asset: str, prop: str, start_ms: int, end_ms: int, tz: ZoneInfo
) -> dict[int, float]:
    """Of several sensors the mean counts."""
    total: dict[int, float] = {}
    n: dict[int, int] = {}
    hours: dict[int, set[int]] = {}
    for key, ident in readings.series_of([asset]).items():
        if key.prop != prop:
            continue
        for hour in readings.hours(ident, start_ms, end_ms):
            day = datetime.fromtimestamp(hour.start_ms / 1000, tz).toordinal()
            total[day] = total.get(day, 0.0) + hour.total
            n[day] = n.get(day, 0) + hour.n
            hours.setdefault(day, set()).add(hour.start_ms)
    if not hours:
        return {}
    least = ENOUGH * median(len(some) for some in hours.values())
    return {day: total[day] / n[day] for day in total if len(hours[day]) >= least}


def _midnight(day: date, tz: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp() * 1000)
