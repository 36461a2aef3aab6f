"""Hourly rollups: those of sealed days and those of the log, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS, Hours
from beffroi.adapters.sql.sealed import hours_in
from beffroi.ports.store import Hour

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


def of_series(conn: Connection, ids: Sequence[int], start_ms: int, end_ms: int) -> list[Hour]:
    """Hours of a few hundred series, by series and hour."""
    found: dict[int, dict[int, Hour]] = {series: {} for series in ids}
    for row in conn.execute(sealed(ids, start_ms, end_ms)):
        fold(found[row[0]], hours_in(row))
    query = select(_hour.series_id, _hour.start_ms, _hour.n, _hour.total, _hour.low, _hour.high)
    for starts in _starts(conn, start_ms, end_ms):
        here = query.where(_hour.start_ms.in_(starts), _hour.series_id.in_(ids))
        for row in conn.execute(here):
            add(found[row[0]], Hour(*row))
    return [
        hours[at]
        for hours in (found[series] for series in ids)
        for at in sorted(hours)
        if start_ms <= at < end_ms
    ]


def _starts(conn: Connection, start_ms: int, end_ms: int) -> Iterator[list[int]]:
    """The hours that the log has, some at a time: each is one seek, not a scan."""
    at, some = start_ms - 1, []
    while True:
        query = select(func.min(_hour.start_ms)).where(_hour.start_ms > at)
        at = conn.execute(query).scalar() or end_ms
        if at >= end_ms:
            break
        some.append(at)
        if len(some) == 200:
            yield some
            some = []
    if some:
        yield some
