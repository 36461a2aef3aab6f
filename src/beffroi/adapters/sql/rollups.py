"""Hourly rollups: those of sealed days and those of the log, as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, func, select

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS, join_hours
from beffroi.adapters.sql.sealed import hours_in
from beffroi.ports.store import Hour, Hours

_obs, _day, _hour = schema.obs.c, schema.day.c, schema.hour.c


def sealed(ids: Sequence[int], start_ms: int, end_ms: int) -> Select[Any]:
    """Rows of `day` that may hold hours of the range, by series and day."""
    return (
        select(*schema.day.c)
        .where(_day.series_id.in_(ids))
        .where(_day.day.between(start_ms // DAY_MS, (end_ms - 1) // DAY_MS))
        .order_by(_day.series_id, _day.day)
    )


def log(series: int, start_ms: int, end_ms: int) -> Select[Any]:
    """Rows of the log of one series."""
    return (
        select(*schema.obs.c)
        .where(_obs.series_id == series)
        .where(_obs.ts_ms >= start_ms, _obs.ts_ms < end_ms)
        .order_by(_obs.ts_ms)
    )


def fold(found: dict[int, Hour], hours: Hours) -> None:
    """Add the hours of one series to those already known."""
    for row in zip(*(column.tolist() for column in hours), strict=True):
        add(found, Hour._make(row))


def add(found: dict[int, Hour], new: Hour) -> None:
    """A late reading of a sealed day makes a second row for its hour."""
    old = found.get(new.start_ms)
    if old is not None:
        new = Hour(
            new.series_id,
            new.start_ms,
            old.n + new.n,
            old.total + new.total,
            min(old.low, new.low),
            max(old.high, new.high),
        )
    found[new.start_ms] = new


def of_series(
    conn: Connection, ids: Sequence[int], starts: Sequence[int], start_ms: int, end_ms: int
) -> Hours:
    """Hours of some thousand series; `ids` ascending, `starts` the hours that the log has."""
    wanted = np.asarray(ids, np.int64)
    parts = [hours_in(row) for row in conn.execute(sealed(ids, start_ms, end_ms))]
    for start in starts:
        rows = conn.execute(_of_hour(start, ids[0], ids[-1])).all()
        if rows:
            parts.append(_array(rows))
    joined = join_hours(parts, start_ms, end_ms)
    mine = np.isin(joined.series_id, wanted)
    return Hours._make(column[mine] for column in joined)


def _of_hour(start_ms: int, first: int, last: int) -> Select[Any]:
    """One seek of the primary key; series of other kinds in between are dropped later."""
    return select(
        _hour.series_id, _hour.start_ms, _hour.n, _hour.total, _hour.low, _hour.high
    ).where(_hour.start_ms == start_ms, _hour.series_id.between(first, last))


def _array(rows: Sequence[Any]) -> Hours:
    series, start, n, total, low, high = zip(*rows, strict=True)
    return Hours(
        np.array(series, np.int64),
        np.array(start, np.int64),
        np.array(n, np.int64),
        np.array(total, np.float64),
        np.array(low, np.float64),
        np.array(high, np.float64),
    )


def starts(conn: Connection, start_ms: int, end_ms: int) -> list[int]:
    """The hours of the range that the log has: each is one seek, not a scan."""
    at, found = start_ms - 1, list[int]()
    while True:
        query = select(func.min(_hour.start_ms)).where(_hour.start_ms > at)
        at = conn.execute(query).scalar() or end_ms
        if at >= end_ms:
            return found
        found.append(at)
