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
    engine.hold_log(conn)
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
    """Status and kept value of each row against the sealed days; _NEW where no block has it."""
    status = np.zeros(len(columns.ts), np.int64)
    kept = np.full(len(columns.ts), np.nan)
    days = columns.ts // DAY_MS
    pairs = np.unique(np.stack((columns.series, days)), axis=1)
    for row in engine.blocks_at(conn, pairs[0], pairs[1]):
        mine = np.flatnonzero((columns.series == row[0]) & (days == row[1]))
        points = points_of(row)
        if not len(points.ts_ms):
            status[mine] = _CONFLICT  # purged: it cannot be told from a reading already counted
            continue
        at = np.minimum(np.searchsorted(points.ts_ms, columns.ts[mine]), len(points.ts_ms) - 1)
        hit = points.ts_ms[at] == columns.ts[mine]
        value = points.value[at]
        same = np.where(value == columns.value[mine], _DUPLICATE, _CONFLICT)
        status[mine] = np.where(hit, same, _NEW)
        kept[mine] = np.where(hit, value, np.nan)
    return status, kept
