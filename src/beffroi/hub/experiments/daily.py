"""A figure a day from what is stored: the mean of a property over a group of assets.

An hour counts by its rollup, so suspect readings are in it as they are in every other figure of the
hub. A day of an asset counts when it has three quarters of the hours that this asset usually has;
a day of the group when three quarters of its assets count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import mean, median
from zoneinfo import ZoneInfo

from beffroi.ports.store import ReadingStore

ENOUGH = 0.75


def daily(
    readings: ReadingStore, assets: Sequence[str], prop: str, first: date, last: date, zone: str
) -> dict[int, float]:
    """{ordinal of the day: value}, `last` included; days without enough data are left out."""
    tz = ZoneInfo(zone)
    start_ms, end_ms = _midnight(first, tz), _midnight(last + timedelta(days=1), tz)
    by_day: dict[int, list[float]] = {}
    for asset in assets:
        for day, value in _of_asset(readings, asset, prop, start_ms, end_ms, tz).items():
            by_day.setdefault(day, []).append(value)
    least = ENOUGH * len(assets)
    return {day: mean(found) for day, found in sorted(by_day.items()) if len(found) >= least}


def _of_asset(
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
