"""What retention no longer allows leaves the database. Steps are short, writers wait little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Table, delete, select

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.columns import DAY_MS
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.seal import seal
from beffroi.model.limits import PURGE_ROWS_PER_STEP_MAX

_SERIES_PER_STEP = 200


def purge(
    database: Database,
    engine: Engine,
    raw_before_ms: int,
    hours_before_ms: int,
    quarantine_before_ms: int,
) -> int:
    """Days, rollups and quarantined messages deleted.

    Raw days are sealed first, so that their rollups exist: as long as these stay, a reading that
    comes again is recognised as one that can no longer be told apart, and is not counted again.
    """
    seal(database, engine, raw_before_ms)
    with database.read() as conn:
        series = conn.execute(select(schema.series.c.id).order_by(schema.series.c.id)).scalars()
        ids = list(series)
    gone = sum(_days(database, schema.block, ids, raw_before_ms // DAY_MS))
    gone += sum(_days(database, schema.day, ids, hours_before_ms // DAY_MS))
    return gone + sum(_quarantine(database, quarantine_before_ms))


def _days(database: Database, table: Table, ids: Sequence[int], before_day: int) -> Iterator[int]:
    for at in range(0, len(ids), _SERIES_PER_STEP):
        old = _of(table, ids[at : at + _SERIES_PER_STEP]) & (table.c.day < before_day)
        with database.read() as conn:  # most steps find nothing and take no turn as writer
            if conn.execute(select(table.c.day).where(old).limit(1)).first() is None:
                continue
        with database.write() as conn:
            gone = conn.execute(delete(table).where(old)).rowcount
        yield gone


def _of(table: Table, ids: Sequence[int]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = table.c.series_id.in_(ids)
    return found


def _quarantine(database: Database, before_ms: int) -> Iterator[int]:
    table = schema.quarantine
    old = select(table.c.id).where(table.c.recv_ms < before_ms).limit(PURGE_ROWS_PER_STEP_MAX)
    while True:
        with database.write() as conn:
            gone = conn.execute(delete(table).where(table.c.id.in_(old))).rowcount
        if not gone:
            return
        yield gone
