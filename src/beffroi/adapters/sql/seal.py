"""Days move from the log into blocks, and leave when retention ends. Each step is one short
transaction that is complete in itself: a crash between two loses nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS, HOUR_MS, Columns, from_tuples
from beffroi.adapters.sql.commit import sealed_until
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.sealed import merge, points_from, points_of, purged_block, seal_block
from beffroi.model.limits import PURGE_ROWS_PER_STEP_MAX, SEAL_ROWS_PER_STEP_MAX

_obs, _block, _hour, _meter = schema.obs.c, schema.block.c, schema.hour.c, schema.meter.c
_SERIES_PER_STEP_MAX = 2_000  # also a bound on a step that finds nothing to do


def seal(database: Database, engine: Engine, before_ms: int) -> int:
    """Observations moved. Whole UTC days that ended before `before_ms` (it counts as ended)."""
    limit_ms = before_ms // DAY_MS * DAY_MS
    moved, cursor = 0, 0
    while True:
        with database.write() as conn:
            engine.hold_log(conn)
            _promise(conn, limit_ms)
            step, cursor, more = _seal_step(conn, engine, cursor, limit_ms)
        moved += step
        if not more:
            return moved


def _promise(conn: Connection, limit_ms: int) -> None:
    """From now on a commit looks into the blocks for readings older than this."""
    if sealed_until(conn) < limit_ms:
        conn.execute(
            update(schema.meter).where(_meter.name == "sealed_until_ms").values(value=limit_ms)
        )


def _seal_step(
    conn: Connection, engine: Engine, cursor: int, limit_ms: int
) -> tuple[int, int, bool]:
    """(observations moved, next series, whether there is more)."""
    moved = 0
    query = select(schema.series.c.id).where(schema.series.c.id >= cursor)
    ids = conn.execute(query.order_by(schema.series.c.id).limit(_SERIES_PER_STEP_MAX)).scalars()
    series = -1
    for series in ids.all():
        rows = _oldest(conn, series, limit_ms)
        if not len(rows.ts):
            continue
        _move(conn, engine, series, rows)
        moved += len(rows.ts)
        if moved >= SEAL_ROWS_PER_STEP_MAX:
            return moved, series, True
    return moved, series + 1, series >= 0


def _oldest(conn: Connection, series: int, limit_ms: int) -> Columns:
    """Whole days of one series, at most SEAL_ROWS_PER_STEP_MAX rows unless one day has more."""
    query = (
        select(*schema.obs.c)
        .where(_obs.series_id == series, _obs.ts_ms < limit_ms)
        .order_by(_obs.ts_ms)
    )
    rows = conn.execute(query.limit(SEAL_ROWS_PER_STEP_MAX + 1)).all()
    if len(rows) <= SEAL_ROWS_PER_STEP_MAX:
        return from_tuples(rows)
    last_day = rows[-1].ts_ms // DAY_MS
    if rows[0].ts_ms // DAY_MS < last_day:
        return from_tuples([row for row in rows if row.ts_ms // DAY_MS < last_day])
    return from_tuples(conn.execute(query.where(_obs.ts_ms < (last_day + 1) * DAY_MS)).all())


def _move(conn: Connection, engine: Engine, series: int, rows: Columns) -> None:
    days = rows.ts // DAY_MS
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
    unique = days[edges[:-1]]
    ids = np.full(len(unique), series, np.int64)
    old = {row[1]: points_of(row) for row in engine.blocks_at(conn, ids, unique)}
    made = []
    for (start, end), day in zip(pairwise(edges), unique.tolist(), strict=True):
        points = points_from(rows.take(np.arange(start, end)))
        if day in old:
            points = merge([old[day], points])
        made.append(seal_block(series, day, points))
    if old:
        conn.execute(delete(schema.block).where(_block.series_id == series, _block.day.in_(old)))
    conn.execute(insert(schema.block), made)
    conn.execute(delete(schema.obs).where(_obs.series_id == series, _obs.ts_ms <= int(rows.ts[-1])))


def purge(
    database: Database,
    engine: Engine,
    raw_before_ms: int,
    hours_before_ms: int,
    quarantine_before_ms: int,
) -> int:
    """Rows and blocks deleted. Raw days leave a mark while their hours stay, so that a reading
    that comes again is not counted again."""
    seal(database, engine, raw_before_ms)
    gone = sum(_purge_blocks(database, engine, raw_before_ms // DAY_MS))
    gone += sum(_purge_hours(database, engine, hours_before_ms // HOUR_MS * HOUR_MS))
    _drop_marks(database, engine, min(raw_before_ms, hours_before_ms) // DAY_MS)
    old = select(schema.quarantine.c.id).where(schema.quarantine.c.recv_ms < quarantine_before_ms)
    gone += sum(_delete_in_steps(database, schema.quarantine, old))
    return gone


def _purge_blocks(database: Database, engine: Engine, before_day: int) -> Iterator[int]:
    query = select(_block.series_id, _block.day).where(_block.day < before_day, _block.n > 0)
    while True:
        with database.write() as conn:
            engine.hold_log(conn)
            rows = conn.execute(query.order_by(_block.day).limit(_SERIES_PER_STEP_MAX)).all()
            if not rows:
                return
            for series, day in rows:
                mark = purged_block(series, day)
                here = (_block.series_id == series) & (_block.day == day)
                conn.execute(update(schema.block).where(here).values(mark))
        yield len(rows)


def _purge_hours(database: Database, engine: Engine, before_ms: int) -> Iterator[int]:
    with database.read() as conn:
        top = conn.execute(select(func.max(schema.series.c.id))).scalar() or 0
    for first in range(0, top + 1, _SERIES_PER_STEP_MAX):
        with database.write() as conn:
            engine.hold_log(conn)
            gone = 0
            for series in range(first, first + _SERIES_PER_STEP_MAX):
                here = (_hour.series_id == series) & (_hour.start_ms < before_ms)
                gone += conn.execute(delete(schema.hour).where(here)).rowcount
        yield gone


def _drop_marks(database: Database, engine: Engine, before_day: int) -> None:
    """Marks whose hours are gone too."""
    with database.write() as conn:
        engine.hold_log(conn)
        conn.execute(delete(schema.block).where(_block.day < before_day, _block.n == 0))


def _delete_in_steps(database: Database, table: Table, ids: object) -> Iterator[int]:
    while True:
        with database.write() as conn:
            found = list(conn.execute(ids.limit(PURGE_ROWS_PER_STEP_MAX)).scalars())  # type: ignore[attr-defined]
            if not found:
                return
            for at in range(0, len(found), 500):
                conn.execute(delete(table).where(table.c.id.in_(found[at : at + 500])))
        yield len(found)
