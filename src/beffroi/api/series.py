"""The history of one property of one asset, small enough to draw: points, or hours with extremes.

Thinning keeps the lowest and the highest value of each stretch: a spike never disappears.
Knows no HTTP.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.model.limits import SERIES_POINTS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.store import Hour, Last, ReadingStore, SeriesKey

POINTS_SPAN_MS_MAX = 8 * DAY_MS  # beyond a week the hourly extremes say more than points


class Source(NamedTuple):
    """A series and its newest value."""

    key: SeriesKey
    series_id: int
    last: Last


def sources(readings: ReadingStore, asset: str) -> dict[str, Source]:
    """By property, the series that spoke last: two devices may measure the same thing."""
    ids = readings.series_of([asset])
    newest = {last.series_id: last for last in readings.last(list(ids.values()))}
    found: dict[str, Source] = {}
    for key, series_id in ids.items():
        last = newest.get(series_id)
        known = found.get(key.prop)
        if last and (known is None or known.last.ts_ms < last.ts_ms):
            found[key.prop] = Source(key, series_id, last)
    return found


def history(readings: ReadingStore, series_id: int, start_ms: int, end_ms: int) -> dict[str, Any]:
    """{mode: "points", t, v, q} or {mode: "hours", t, v (mean), low, high, n}; t in ms."""
    if end_ms - start_ms <= POINTS_SPAN_MS_MAX:
        points = readings.points(series_id, start_ms, end_ms)
        keep = thinned(points.value, SERIES_POINTS_MAX)
        return {
            "mode": "points",
            "t": points.ts_ms[keep].tolist(),
            "v": points.value[keep].tolist(),
            "q": points.quality[keep].tolist(),
        }
    return _hours(readings.hours(series_id, start_ms, end_ms))


def thinned(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Indices to keep, in order: at most `most`, with first, last and every stretch's extremes."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    stretches = np.array_split(np.arange(n), (most - 2) // 2)
    keep = {0, n - 1}
    for stretch in stretches:
        part = values[stretch]
        keep.add(int(stretch[int(part.argmin())]))
        keep.add(int(stretch[int(part.argmax())]))
    return np.array(sorted(keep))


def _hours(hours: list[Hour]) -> dict[str, Any]:
    """Neighbouring hours are joined when there are more than can be drawn."""
    width = max(1, -(-len(hours) // SERIES_POINTS_MAX))
    joined = [hours[at : at + width] for at in range(0, len(hours), width)]
    return {
        "mode": "hours",
        "t": [part[0].start_ms for part in joined],
        "v": [sum(h.total for h in part) / max(1, sum(h.n for h in part)) for part in joined],
        "low": [min(h.low for h in part) for part in joined],
        "high": [max(h.high for h in part) for part in joined],
        "n": [sum(h.n for h in part) for part in joined],
    }
