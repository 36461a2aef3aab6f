"""Looks for damage: pages, rows, blocks, rollups, orphans. Says in words what to do about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, exists, select, text

from beffroi.adapters.sql import documents, quarantine, schema
from beffroi.adapters.sql.columns import DAY_MS, HOUR_MS, Columns, from_tuples, hours_of
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.sealed import hours_in, points_of
from beffroi.ports.store import Points, StoreError

PROBLEMS_MAX = 100
EPSILON = 2.3e-16  # of one addition: sums of the same numbers in another order may differ so
_ROWS = 20_000
_BLOCKS = 500
_obs, _block, _day = schema.obs.c, schema.block.c, schema.day.c

Look = Callable[[Connection], Iterator[str]]


def problems(database: Database) -> list[str]:
    """At most PROBLEMS_MAX sentences; [] is sound. Reads everything."""
    found: list[str] = []
    looks: tuple[Look, ...] = (_records, _words, _log, _days, _overlaps, _rollups, _orphans)
    for look in (_pages, _foreign, *looks) if database.sqlite else looks:
        try:
            with database.read() as conn:
                for sentence in look(conn):
                    found.append(sentence)
                    if len(found) >= PROBLEMS_MAX:
                        return found
        except StoreError as error:  # a look that cannot even read has found something too
            found.append(str(error))
    return found


def _pages(conn: Connection) -> Iterator[str]:
    for pragma in ("PRAGMA integrity_check(20)", "SELECT rtreecheck('asset_box')"):
        for (line,) in conn.execute(text(pragma)):
            if line != "ok":
                yield f"the database file is damaged ({line}): restore a backup"


def _foreign(conn: Connection) -> Iterator[str]:
    for row in conn.execute(text("PRAGMA foreign_key_check")):
        yield f"{row[0]} points to a {row[2]} that does not exist: restore a backup"


def _records(conn: Connection) -> Iterator[str]:
    """Every document against its checksum."""
    for table in schema.metadata.sorted_tables:
        if "doc" not in table.c:
            continue
        key = table.c.alarm if table is schema.alarm_event else _natural_key(table)
        query = select(key, table.c.doc, table.c.chk)
        for row in conn.execution_options(yield_per=_ROWS).execute(query):
            try:
                documents.verify(*row)
            except StoreError as error:
                yield f"{table.name}: {error}"


def _words(conn: Connection) -> Iterator[str]:
    """Names of series, settings and quarantined messages against their checksums."""
    s, k, q = schema.series.c, schema.setting.c, schema.quarantine
    looks = (
        (select(s.chk, s.asset, s.device, s.prop), lambda row: documents.verify_words(*row)),
        (select(k.chk, k.key, k.value), lambda row: documents.verify_words(*row)),
        (select(*q.c), quarantine.verified),
    )
    for query, look in looks:
        for row in conn.execution_options(yield_per=_ROWS).execute(query):
            try:
                look(row)
            except StoreError as error:
                yield str(error)


def _natural_key(table: Table) -> Any:
    return table.c.id if "id" in table.c else next(iter(table.primary_key))


def _log(conn: Connection) -> Iterator[str]:
    """Every reading of the log against its checksum."""
    result = conn.execution_options(yield_per=_ROWS).execute(select(*schema.obs.c))
    for part in result.partitions(_ROWS):
        try:
            from_tuples(part)
        except StoreError as error:
            yield f"{error} (between series {part[0][0]} and {part[-1][0]})"


def _days(conn: Connection) -> Iterator[str]:
    """Every sealed day: it reads, and its rollups are those of its readings."""
    both = (_day.series_id == _block.series_id) & (_day.day == _block.day)
    query = select(*schema.block.c, *schema.day.c).join_from(
        schema.block, schema.day, both, isouter=True
    )
    for row in conn.execution_options(yield_per=_BLOCKS).execute(query):
        name = f"series {row[0]}, day {row[1]}"
        try:
            points = points_of(row[:9])
            if row[9] is None:
                yield f"{name}: its rollups are missing: restore a backup"
            elif not _same(points, row[9:]):
                yield f"{name}: the rollups are not those of its readings: restore a backup"
        except StoreError as error:
            yield f"{name}: {error}"
    kept = exists().where(both)  # raw readings purged: the rollups are all there is
    for row in conn.execute(select(*schema.day.c).where(~kept)):
        try:
            hours_in(row)
        except StoreError as error:
            yield str(error)


def _same(points: Points, day_row: Any) -> bool:
    whole = np.zeros(len(points.ts_ms), np.int64)
    mine = hours_of(Columns(whole, points.ts_ms, points.value, whole, whole))
    return all(np.array_equal(a, b) for a, b in zip(mine[1:], hours_in(day_row)[1:], strict=True))


def _overlaps(conn: Connection) -> Iterator[str]:
    """No reading may be in the log and in a block: it would count twice."""
    sealed = (_block.series_id == _obs.series_id) & (_block.day == _obs.ts_ms.op("/")(DAY_MS))
    query = select(*schema.block.c, _obs.ts_ms).join_from(schema.obs, schema.block, sealed)
    for row in conn.execution_options(yield_per=_BLOCKS).execute(query):
        if row[9] in points_of(row[:9]).ts_ms:
            yield (
                f"series {row[0]}: the reading of {row[9]} is in the log and in its day's block: "
                "tell the maintainers, and restore a backup"
            )


def _rollups(conn: Connection) -> Iterator[str]:
    """Every hour of the log against its rollup."""
    counted = (
        "(SELECT series_id s, ts_ms - ts_ms % :hour h, COUNT(*) n, SUM(value) t, MIN(value) l, "
        "MAX(value) m, SUM(ABS(value)) w FROM obs GROUP BY 1, 2) a"
    )
    pairs = "h.series_id = a.s AND h.start_ms = a.h"
    query = text(
        f"SELECT a.s, a.h, a.n, h.n, a.t - h.total, a.w, a.l = h.low AND a.m = h.high "  # noqa: S608
        f"FROM {counted} LEFT JOIN hour h ON {pairs} "
        f"UNION ALL SELECT h.series_id, h.start_ms, 0, h.n, h.total, 0.0, h.low > h.high "
        f"FROM hour h LEFT JOIN {counted} ON {pairs} WHERE a.s IS NULL"
    )
    for number, start, n, kept, error, weight, bounds in conn.execute(query, {"hour": HOUR_MS}):
        close = kept is not None and abs(error) <= 2 * n * EPSILON * weight
        if n != kept or not close or not bounds:
            yield (
                f"series {number}, hour {start}: {n} readings in the log, its rollup says {kept}: "
                "seal the day (`beffroi data keep`), which counts anew, or restore a backup"
            )


def _orphans(conn: Connection) -> Iterator[str]:
    known = select(schema.series.c.id)
    for table in (schema.obs, schema.hour, schema.block, schema.day):
        query = select(table.c.series_id).where(table.c.series_id.not_in(known)).distinct()
        for (number,) in conn.execute(query.limit(20)):
            yield f"{table.name} holds series {number}, which has no name: restore a backup"
