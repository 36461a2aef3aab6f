"""A sealed day as a row of `block` and of `day`, checked when read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from beffroi.adapters.sql.blocks import BlockError, decode, decode_hours, encode, encode_hours
from beffroi.adapters.sql.columns import Columns, hours_of
from beffroi.ports.store import Hours, Points

_HEAD = struct.Struct("<qqqqqdq")


class Head(NamedTuple):
    """The columns of `block` without the payload."""

    series: int
    day: int
    n: int
    first_ms: int
    last_ms: int
    last_value: float
    last_quality: int
    chk: int


def seal_block(series: int, day: int, points: Points) -> dict[str, Any]:
    """The row of one day of one series; `points` in time order, at least one."""
    head = (
        series,
        day,
        len(points.ts_ms),
        int(points.ts_ms[0]),
        int(points.ts_ms[-1]),
        float(points.value[-1]) + 0.0,
        int(points.quality[-1]),
    )
    names = ("series_id", *Head._fields[1:7])
    rest = {"chk": _chk(head), "payload": encode(points)}
    return {**dict(zip(names, head, strict=True)), **rest}


def seal_hours(series: int, day: int, points: Points) -> dict[str, Any]:
    """The row of `day` with the rollups of these points."""
    whole = np.full(len(points.ts_ms), series, np.int64)
    columns = Columns(whole, points.ts_ms, points.value, whole, whole)
    payload = encode_hours(hours_of(columns))
    key = {"series_id": series, "day": day}
    return {**key, "chk": _day_chk(series, day, payload), "payload": payload}


def hours_in(row: Sequence[Any]) -> Hours:
    """The rollups of a row of `day`; BlockError when damaged."""
    series, day, chk, payload = row
    if _day_chk(series, day, payload) != chk:
        raise BlockError(f"the hours of day {series}/{day} are damaged: restore a backup")
    return decode_hours(series, payload)


def head_of(row: Sequence[Any]) -> Head:
    """Head of a row that starts with the head's columns; BlockError when damaged."""
    head = Head(*row[:8])
    if _chk(head[:7]) != head.chk:
        raise BlockError(f"the head of block {head.series}/{head.day} is damaged: restore a backup")
    return head


def points_of(row: Sequence[Any]) -> Points:
    """Points of a row (head, payload); BlockError when damaged."""
    head = head_of(row)
    points = decode(row[8])
    if (len(points.ts_ms), points.ts_ms[0], points.ts_ms[-1]) != (
        head.n,
        head.first_ms,
        head.last_ms,
    ):
        raise BlockError(
            f"block {head.series}/{head.day} holds another day's points: restore a backup"
        )
    return points


def points_from(columns: Columns) -> Points:
    """Rows of one series of the log as points."""
    return Points(
        columns.ts, columns.value, columns.quality.astype(np.int8), columns.ts + columns.delay
    )


def merge(parts: Sequence[Points]) -> Points:
    """All points in time order; for an equal time that of the earlier part stays."""
    joined = Points._make(np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(joined.ts_ms, kind="stable")
    order = order[np.diff(joined.ts_ms[order], prepend=-1) != 0]
    return Points._make(column[order] for column in joined)


def _chk(head: Sequence[Any]) -> int:
    return zlib.crc32(_HEAD.pack(*head))


def _day_chk(series: int, day: int, payload: bytes) -> int:
    return zlib.crc32(struct.pack("<qq", series, day), zlib.crc32(payload[-4:]))
