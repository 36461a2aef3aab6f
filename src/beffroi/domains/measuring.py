"""Sums over hours and steps, for the measures of several services. Pure; knows no service."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from beffroi.model.measure import HOUR_MS, Line, Reader, Span, Track

Floats = npt.NDArray[np.float64]


def hourly(tracks: Iterable[Track], span: Span) -> dict[str, Floats]:
    """By asset: the mean of each hour of the span, NaN where there is none. Of several series the
    mean of all values."""
    first = span.start_ms // HOUR_MS
    sums: dict[str, tuple[Floats, Floats]] = {}
    for track in tracks:
        total, n = sums.setdefault(track.asset, (np.zeros(span.hours), np.zeros(span.hours)))
        at = track.start_ms // HOUR_MS - first
        inside = (at >= 0) & (at < span.hours)
        np.add.at(total, at[inside], track.total[inside])
        np.add.at(n, at[inside], track.n[inside].astype(float))
    with np.errstate(invalid="ignore"):
        return {asset: np.where(n > 0, total / n, np.nan) for asset, (total, n) in sums.items()}


def heard(reader: Reader, kind: str, *props: str) -> set[str]:
    """Assets of the kind with at least one value of one of the properties in the span."""
    return {track.asset for prop in props for track in reader.tracks(kind, prop)}


def totals(tracks: Iterable[Track]) -> tuple[float, int, set[str]]:
    """(sum of all values, how many, of which assets)."""
    total, n, assets = 0.0, 0, set[str]()
    for track in tracks:
        total += float(track.total.sum())
        n += int(track.n.sum())
        assets.add(track.asset)
    return total, n, assets


def rises(line: Line, threshold: float, blink_ms: int = 0) -> int:
    """How often the value goes from below the threshold to it or above; a return within
    `blink_ms` of the fall is no new one."""
    above = line.value >= threshold
    count, fell_ms = 0, -blink_ms
    for i in np.flatnonzero(above[1:] != above[:-1]) + 1:
        if not above[i]:
            fell_ms = int(line.ts_ms[i])
        elif line.ts_ms[i] - fell_ms >= blink_ms:
            count += 1
    return count


def held_ms(line: Line, end_ms: int, hole_ms: int) -> npt.NDArray[np.int64]:
    """How long each value holds: until the next, at most `hole_ms`."""
    length = np.append(line.ts_ms[1:], end_ms) - line.ts_ms
    return np.clip(length, 0, hole_ms).astype(np.int64)


def together(one: Line, two: Line, threshold: float, end_ms: int, hole_ms: int) -> tuple[int, int]:
    """(milliseconds in which both are on the same side of the threshold, in which both hold)."""
    cuts = np.unique(
        np.concatenate(
            [x for a in (one, two) for x in (a.ts_ms, a.ts_ms + held_ms(a, end_ms, hole_ms))]
        )
    )
    if len(cuts) < 2:
        return 0, 0
    start, length = cuts[:-1], np.diff(cuts)
    sides = []
    known = np.ones(len(start), dtype=bool)
    for line in (one, two):
        at = np.searchsorted(line.ts_ms, start, "right") - 1
        until = line.ts_ms + held_ms(line, end_ms, hole_ms)
        known &= (at >= 0) & (start < until[np.maximum(at, 0)])
        sides.append(line.value[np.maximum(at, 0)] >= threshold)
    same = known & (sides[0] == sides[1])
    return int(length[same].sum()), int(length[known].sum())
