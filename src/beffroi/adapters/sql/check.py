"""Looks for damage: pages, blocks, rollups, orphans. Says in words what to do about each."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select, text

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.blocks import BlockError
from beffroi.adapters.sql.columns import HOUR_MS
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.sealed import hours_in, points_of

PROBLEMS_MAX = 100
TOLERANCE = 1e-9  # sums of the same numbers in another order


def problems(database: Database) -> list[str]:
    """At most PROBLEMS_MAX sentences; [] is sound."""
    found: list[str] = []
    with database.read() as conn:
        for look in (_pages if database.sqlite else _nothing, _orphans, _blocks, _days, _rollups):
            for sentence in look(conn):
                found.append(sentence)
                if len(found) >= PROBLEMS_MAX:
                    return found
    return found


def _nothing(_conn: Connection) -> Iterator[str]:
    yield from ()


def _pages(conn: Connection) -> Iterator[str]:
    for (line,) in conn.execute(text("PRAGMA integrity_check(20)")):
        if line != "ok":
            yield f"the database file is damaged ({line}): restore a backup"


def _orphans(conn: Connection) -> Iterator[str]:
    known = select(schema.series.c.id)
    for table in (schema.obs, schema.block):
        query = select(table.c.series_id).where(table.c.series_id.not_in(known)).distinct()
        for (number,) in conn.execute(query.limit(20)):
            yield f"{table.name} holds series {number}, which has no name: restore a backup"


def _blocks(conn: Connection) -> Iterator[str]:
    columns = schema.block.c
    query = select(
        columns.series_id,
        columns.day,
        columns.n,
        columns.first_ms,
        columns.last_ms,
        columns.last_value,
        columns.last_quality,
        columns.chk,
        columns.payload,
    )
    for row in conn.execution_options(yield_per=500).execute(query):
        try:
            points_of(tuple(row))
        except BlockError as error:
            yield str(error)


def _days(conn: Connection) -> Iterator[str]:
    columns = schema.day.c
    query = select(columns.series_id, columns.day, columns.chk, columns.payload)
    for row in conn.execution_options(yield_per=500).execute(query):
        try:
            hours_in(tuple(row))
        except BlockError as error:
            yield str(error)


def _rollups(conn: Connection) -> Iterator[str]:
    """Every hour of the log against its rollup."""
    counted = (
        "(SELECT series_id s, ts_ms - ts_ms % :hour h, COUNT(*) n, SUM(value) t "
        "FROM obs GROUP BY 1, 2) a"
    )
    pairs = "h.series_id = a.s AND h.start_ms = a.h"
    query = text(
        f"SELECT a.s, a.h, a.n, h.n, a.t, h.total FROM {counted} LEFT JOIN hour h ON {pairs} "  # noqa: S608
        f"UNION ALL SELECT h.series_id, h.start_ms, 0, h.n, 0.0, h.total FROM hour h "
        f"LEFT JOIN {counted} ON {pairs} WHERE a.s IS NULL"
    )
    for number, start, n, kept, total, kept_total in conn.execute(query, {"hour": HOUR_MS}):
        close = kept is not None and abs(total - kept_total) <= TOLERANCE * max(1.0, abs(total))
        same = n == kept and close
        if not same:
            yield (
                f"series {number}, hour {start}: {n} observations, rollup says {kept}: "
                "restore a backup or delete the hour's rollup"
            )
