"""One batch of the ingest loop becomes durable: what is new, what was known, what contradicts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS, Columns, Floats, Ints, hours_of
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.sealed import points_of

_NEW, _DUPLICATE, _CONFLICT = 0, 1, 2


class Verdict(NamedTuple):
    """What became of a batch. `kept` is the value that stays for each conflict (nan: purged)."""

    stored: int
    duplicates: int
    conflicts: Columns
    kept: Floats


def put_rows(conn: Connection, engine: Engine, columns: Columns) -> Verdict:
    """Insert sorted rows and their rollups; the first value of a (series, ts) stays."""
    status = np.zeros(len(columns.ts), np.int8)
    kept = np.full(len(columns.ts), np.nan)
    old = np.flatnonzero(columns.ts < sealed_until(conn))
    if len(old):
        status[old], kept[old] = _against_blocks(conn, engine, columns.take(old))
    open_ = np.flatnonzero(status == _NEW)
    rows = columns.take(open_)
    fresh = engine.insert(conn, rows)
    if not fresh.all():
        known = open_[~fresh]
        _, kept[known] = engine.values_at(conn, columns.take(known))
        status[known] = np.where(kept[known] == columns.value[known], _DUPLICATE, _CONFLICT)
    if fresh.any():
        engine.add_hours(conn, hours_of(rows if fresh.all() else rows.take(fresh)))
    bad = status == _CONFLICT
    return Verdict(
        int((status == _NEW).sum()),
        int((status == _DUPLICATE).sum()),
        columns.take(bad),
        kept[bad],
    )


def sealed_until(conn: Connection) -> int:
    """Days before this instant may have sealed blocks."""
    query = select(schema.meter.c.value).where(schema.meter.c.name == "sealed_until_ms")
    return int(conn.execute(query).scalar_one())


def _against_blocks(conn: Connection, engine: Engine, columns: Columns) -> tuple[Ints, Floats]:
    """Status and kept value of each row against the sealed days; _NEW where no day has it."""
    status = np.full(len(columns.ts), _NEW, np.int64)
    kept = np.full(len(columns.ts), np.nan)
    days = columns.ts // DAY_MS
    firsts = np.flatnonzero(
        np.diff(columns.series, prepend=-1).astype(bool) | np.diff(days, prepend=-1).astype(bool)
    )
    ends = np.append(firsts, len(days))[1:]
    pairs = (columns.series[firsts], days[firsts])
    spans = {
        (series, day): slice(first, end)
        for series, day, first, end in zip(
            *map(np.ndarray.tolist, (*pairs, firsts, ends)), strict=True
        )
    }
    purged = {(row[0], row[1]) for row in engine.days_at(conn, *pairs)}
    for row in engine.blocks_at(conn, *pairs):
        span = spans[row[0], row[1]]
        purged.discard((row[0], row[1]))
        points = points_of(row)
        at = np.minimum(np.searchsorted(points.ts_ms, columns.ts[span]), len(points.ts_ms) - 1)
        hit = points.ts_ms[at] == columns.ts[span]
        same = np.where(points.value[at] == columns.value[span], _DUPLICATE, _CONFLICT)
        status[span] = np.where(hit, same, _NEW)
        kept[span] = np.where(hit, points.value[at], np.nan)
    for pair in purged:  # only hours are left: it cannot be told from a reading already counted
        status[spans[pair]] = _CONFLICT
    return status, kept
