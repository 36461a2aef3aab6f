"""SQLite's words for the hot statements: straight to the driver, because an executemany through
SQLAlchemy costs more than the insert itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from beffroi.adapters.sql.columns import Columns, Floats, Ints, Mask, repeats
from beffroi.ports.store import Hours

_INSERT = "INSERT OR IGNORE INTO obs VALUES (?, ?, ?, ?, ?, ?)"
_HOUR = """
INSERT INTO hour (series_id, start_ms, n, total, low, high) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  n = n + excluded.n, total = total + excluded.total,
  low = min(low, excluded.low), high = max(high, excluded.high)
"""
_LAST_LOGGED = """
SELECT o.series_id, o.ts_ms, o.value, o.quality, o.delay_ms, o.chk
FROM json_each(?) AS j JOIN obs AS o ON o.series_id = j.value
 AND o.ts_ms = (SELECT max(ts_ms) FROM obs WHERE series_id = j.value)
"""
_HEADS = "b.series_id, b.day, b.n, b.first_ms, b.last_ms, b.last_value, b.last_quality, b.chk"
_LAST_SEALED = f"""
SELECT {_HEADS} FROM json_each(?) AS j JOIN block AS b ON b.series_id = j.value
 AND b.day = (SELECT max(day) FROM block WHERE series_id = j.value)
"""  # noqa: S608 - constants only
_BLOCK = f"SELECT {_HEADS}, b.payload FROM block AS b WHERE series_id = ? AND day = ?"  # noqa: S608
_DAY = "SELECT series_id, day, chk, payload FROM day WHERE series_id = ? AND day = ?"
_IN_DAY = "series_id = ?1 AND ts_ms >= ?2 * 86400000 AND ts_ms < (?2 + 1) * 86400000"
_LOGGED = f"""
SELECT series_id, ts_ms, value, quality, delay_ms, chk FROM obs WHERE {_IN_DAY} ORDER BY ts_ms
"""  # noqa: S608 - constants only
_BOX = """
SELECT a.id, a.doc, a.chk FROM asset_box AS x JOIN asset AS a ON a.num = x.num
WHERE x.west <= :east AND x.east >= :west AND x.south <= :north AND x.north >= :south
  AND a.lon BETWEEN :west AND :east AND a.lat BETWEEN :south AND :north
  AND a.domain IN (SELECT value FROM json_each(:domains)) LIMIT :limit
"""


def driver(conn: Connection) -> sqlite3.Connection:
    """The sqlite3 connection under a SQLAlchemy one."""
    raw = conn.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker
    return raw


class SqliteEngine:
    """See `engines.Engine`."""

    def insert(self, conn: Connection, columns: Columns) -> Mask:
        if not len(columns.ts):
            return np.empty(0, np.bool_)
        cursor = driver(conn).cursor()
        cursor.execute("SAVEPOINT fresh")
        cursor.executemany(_INSERT, columns.tuples())
        if cursor.rowcount == len(columns.ts):
            cursor.execute("RELEASE fresh")
            return np.ones(len(columns.ts), np.bool_)
        cursor.execute("ROLLBACK TO fresh")
        cursor.execute("RELEASE fresh")
        new: Mask = ~self.values_at(conn, columns)[0] & ~repeats(columns)
        cursor.executemany(_INSERT, columns.take(new).tuples())
        return new

    def values_at(self, conn: Connection, columns: Columns) -> tuple[Mask, Floats]:
        execute = driver(conn).cursor().execute
        sql = "SELECT value FROM obs WHERE series_id = ? AND ts_ms = ?"
        pairs = zip(columns.series.tolist(), columns.ts.tolist(), strict=True)
        rows = [execute(sql, pair).fetchone() for pair in pairs]
        found = np.array([row is not None for row in rows], np.bool_)
        return found, np.array([row[0] if row else np.nan for row in rows], np.float64)

    def add_hours(self, conn: Connection, hours: Hours) -> None:
        order = np.lexsort((hours.series_id, hours.start_ms))  # as the table is: each page once
        hours = Hours._make(column[order] for column in hours)
        driver(conn).cursor().executemany(_HOUR, zip(*map(np.ndarray.tolist, hours), strict=True))

    def blocks_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        execute = driver(conn).cursor().execute
        pairs = zip(series.tolist(), day.tolist(), strict=True)
        return [row for pair in pairs if (row := execute(_BLOCK, pair).fetchone())]

    def days_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        execute = driver(conn).cursor().execute
        pairs = zip(series.tolist(), day.tolist(), strict=True)
        return [row for pair in pairs if (row := execute(_DAY, pair).fetchone())]

    def logged(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        execute = driver(conn).cursor().execute
        pairs = zip(series.tolist(), day.tolist(), strict=True)
        return [row for pair in pairs for row in execute(_LOGGED, pair)]

    def clear(self, conn: Connection, series: Ints, day: Ints, hours: Hours) -> None:
        cursor = driver(conn).cursor()
        pairs = zip(series.tolist(), day.tolist(), strict=True)
        cursor.executemany(f"DELETE FROM obs WHERE {_IN_DAY}", pairs)  # noqa: S608 - constant
        keys = zip(hours.start_ms.tolist(), hours.series_id.tolist(), strict=True)
        cursor.executemany("DELETE FROM hour WHERE start_ms = ? AND series_id = ?", keys)

    def last_logged(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_LAST_LOGGED, (json.dumps(list(ids)),)).fetchall()

    def last_sealed(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_LAST_SEALED, (json.dumps(list(ids)),)).fetchall()

    def seen(self, conn: Connection, seen: Sequence[tuple[str, int]]) -> None:
        driver(conn).cursor().executemany(
            "UPDATE device SET last_seen_ms = ?2 WHERE id = ?1 AND last_seen_ms < ?2", seen
        )

    def in_box(
        self,
        conn: Connection,
        box: tuple[float, float, float, float],
        domains: Sequence[str],
        limit: int,
    ) -> list[tuple[Any, ...]]:
        names = dict(zip(("west", "south", "east", "north"), box, strict=True))
        wanted = {"domains": json.dumps(list(domains)), "limit": limit}
        return driver(conn).execute(_BOX, {**names, **wanted}).fetchall()
