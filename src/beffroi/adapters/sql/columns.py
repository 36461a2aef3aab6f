"""Readings as arrays: one pass over a batch instead of one step per reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.model.limits import TIME_MS_MAX, VALUE_ABS_MAX
from beffroi.model.reading import Row
from beffroi.ports.store import Hours, StoreError

HOUR_MS = 3_600_000
DAY_MS = 86_400_000

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ODD = [np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]


class Columns(NamedTuple):
    """Rows of the log, as arrays of equal length."""

    series: Ints
    ts: Ints
    value: Floats
    quality: Ints
    delay: Ints  # recv_ms - ts_ms

    def take(self, which: Mask | Ints | slice) -> Columns:
        return Columns._make(column[which] for column in self)

    def tuples(self) -> list[tuple[Any, ...]]:
        """In the order of the table `obs`, checksum included."""
        return list(zip(*(c.tolist() for c in self), checksums(self).tolist(), strict=True))


def columns_of(rows: Sequence[Row]) -> Columns:
    """Sorted by series and time; among equals the first given stays first.

    Raises StoreError for what is not a finite number within VALUE_ABS_MAX.
    """
    if not rows:
        return from_tuples([])
    series, ts, value, quality, recv = zip(*rows, strict=True)
    values = np.array(value, np.float64) + 0.0  # SQLite does not keep the sign of -0.0
    if not (np.abs(values) <= VALUE_ABS_MAX).all():
        raise StoreError("a reading is not a finite number: quarantine it before the store")
    times = np.array(ts, np.int64)
    if times.min() < 0 or times.max() >= TIME_MS_MAX:
        raise StoreError("a reading's time is before 1970 or after 2500: quarantine it first")
    ids = np.array(series, np.int64)
    order = np.lexsort((times, ids))
    delay = np.array(recv, np.int64) - times
    columns = Columns(ids, times, values, np.array(quality, np.int64), delay)
    return columns.take(order)


def from_tuples(rows: Sequence[Sequence[Any]]) -> Columns:
    """Rows of the table `obs` (series, ts, value, quality, delay, chk), checked."""
    if not rows:
        empty = np.empty(0, np.int64)
        return Columns(empty, empty, np.empty(0, np.float64), empty, empty)
    series, ts, value, quality, delay, chk = zip(*rows, strict=True)
    columns = Columns(
        np.array(series, np.int64),
        np.array(ts, np.int64),
        np.array(value, np.float64),
        np.array(quality, np.int64),
        np.array(delay, np.int64),
    )
    if not np.array_equal(checksums(columns), np.array(chk, np.int64)):
        raise StoreError(
            "readings in the database were damaged: run `beffroi data check`, restore a backup"
        )
    return columns


def checksums(columns: Columns) -> Ints:
    """31 bits for each row; any flipped bit of a row changes them (save one case in 2^31)."""
    a, b, c = _ODD
    mixed = columns.series.view(np.uint64) * a ^ columns.ts.view(np.uint64) * b
    mixed ^= columns.value.view(np.uint64) * c
    mixed ^= (columns.quality.view(np.uint64) + np.uint64(1)) * (a ^ b)
    mixed = (mixed ^ mixed >> np.uint64(32)) * a
    mixed ^= (columns.delay.view(np.uint64) + np.uint64(1)) * (b ^ c)
    mixed = (mixed ^ mixed >> np.uint64(29)) * b
    top: Ints = (mixed >> np.uint64(33)).astype(np.int64)
    return top


def repeats(columns: Columns) -> Mask:
    """True where (series, ts) equals that of the row before, in sorted columns."""
    same = np.zeros(len(columns.ts), np.bool_)
    same[1:] = (np.diff(columns.series) == 0) & (np.diff(columns.ts) == 0)
    return same


def hours_of(columns: Columns) -> Hours:
    """The rollups of sorted columns (at least one row)."""
    start = columns.ts // HOUR_MS * HOUR_MS
    new = np.ones(len(start), np.bool_)
    new[1:] = (np.diff(columns.series) != 0) | (np.diff(start) != 0)
    first = np.flatnonzero(new)
    n = np.diff(np.append(first, len(start)))
    return Hours(
        columns.series[first],
        start[first],
        n,
        np.add.reduceat(columns.value, first),
        np.minimum.reduceat(columns.value, first),
        np.maximum.reduceat(columns.value, first),
    )


def join_hours(parts: Sequence[Hours], start_ms: int, end_ms: int) -> Hours:
    """Those of the range, by series and hour. A late reading of a sealed day makes a second row
    for its hour: they become one."""
    joined = Hours._make(np.concatenate(column) for column in zip(EMPTY_HOURS, *parts, strict=True))
    inside = np.flatnonzero((joined.start_ms >= start_ms) & (joined.start_ms < end_ms))
    order = inside[np.lexsort((joined.start_ms[inside], joined.series_id[inside]))]
    if not len(order):
        return EMPTY_HOURS
    rows = Hours._make(column[order] for column in joined)
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(rows.series_id) != 0) | (np.diff(rows.start_ms) != 0)
    first = np.flatnonzero(new)
    return Hours(
        rows.series_id[first],
        rows.start_ms[first],
        np.add.reduceat(rows.n, first),
        np.add.reduceat(rows.total, first),
        np.minimum.reduceat(rows.low, first),
        np.maximum.reduceat(rows.high, first),
    )


EMPTY_HOURS = Hours(*(np.empty(0, np.int64),) * 3, *(np.empty(0, np.float64),) * 3)
