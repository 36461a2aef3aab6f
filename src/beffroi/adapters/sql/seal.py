"""Days move from the log into blocks. Each step is one short transaction that is complete in
itself: a crash between two loses nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS, from_tuples, hours_of
from beffroi.adapters.sql.commit import sealed_until
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.sealed import merge, points_from, points_of, seal_block, seal_hours
from beffroi.model.limits import SEAL_ROWS_PER_STEP_MAX

_hour, _meter = schema.hour.c, schema.meter.c
Plan = npt.NDArray[np.int64]


def seal(database: Database, engine: Engine, before_ms: int) -> int:
    """Observations moved. Whole UTC days that ended before `before_ms` (or with it)."""
    limit_ms = before_ms // DAY_MS * DAY_MS
    moved = 0
    for step in _steps(_plan(database, limit_ms)):
        with database.write() as conn:
            _promise(conn, limit_ms)
            moved += _move(conn, engine, step)
    return moved


def _plan(database: Database, limit_ms: int) -> Plan:
    """(series, day, observations) of the log. The rollups of the log know it without a scan."""
    day = _hour.start_ms.op("/")(DAY_MS)  # integers on both engines
    query = (
        select(_hour.series_id, day, func.sum(_hour.n))
        .where(_hour.start_ms < limit_ms)
        .group_by(_hour.series_id, day)
        .order_by(_hour.series_id, day)
    )
    with database.read() as conn:
        rows = conn.execute(query).all()
    return np.array([tuple(map(int, row)) for row in rows], np.int64).reshape(-1, 3)


def _steps(plan: Plan) -> Iterator[Plan]:
    """Pieces of about SEAL_ROWS_PER_STEP_MAX observations; a day is never cut."""
    piece = plan[:, 2].cumsum() // SEAL_ROWS_PER_STEP_MAX
    for number in np.unique(piece):
        yield plan[piece == number]


def _promise(conn: Connection, limit_ms: int) -> None:
    """From now on a commit looks into the blocks for readings older than this."""
    if sealed_until(conn) < limit_ms:
        conn.execute(
            update(schema.meter).where(_meter.name == "sealed_until_ms").values(value=limit_ms)
        )


def _move(conn: Connection, engine: Engine, step: Plan) -> int:
    series, day = step[:, 0], step[:, 1]
    rows = from_tuples(engine.logged(conn, series, day))
    if not len(rows.ts):
        return 0  # another process was quicker
    old = {(row[0], row[1]): points_of(row) for row in engine.blocks_at(conn, series, day)}
    days = rows.ts // DAY_MS
    new = (np.diff(rows.series, prepend=-1) != 0) | (np.diff(days, prepend=-1) != 0)
    edges = np.flatnonzero(new)
    blocks, hours = [], []
    for first, end in zip(edges.tolist(), [*edges[1:].tolist(), len(days)], strict=True):
        key = (int(rows.series[first]), int(days[first]))
        points = points_from(rows.take(slice(first, end)))
        if key in old:
            points = merge([old[key], points])
        blocks.append(seal_block(*key, points))
        hours.append(seal_hours(*key, points))
    _replace(conn, schema.block, blocks)
    _replace(conn, schema.day, hours)
    engine.clear(conn, series, day, hours_of(rows))
    return len(rows.ts)


def _replace(conn: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in ("series_id", "day")}
    conn.execute(
        statement.on_conflict_do_update(index_elements=["series_id", "day"], set_=new), rows
    )
