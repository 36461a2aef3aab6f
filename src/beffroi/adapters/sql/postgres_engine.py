"""PostgreSQL's words for the hot statements: whole columns as binary arrays, one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Connection, event

from beffroi.adapters.sql.columns import Columns, Floats, Ints, Mask, checksums, repeats
from beffroi.adapters.sql.database import Database
from beffroi.ports.store import Hours

_INSERT = """
WITH fresh AS (
  INSERT INTO obs SELECT * FROM unnest(%s, %s, %s, %s, %s, %s)
  ON CONFLICT DO NOTHING RETURNING series_id, ts_ms)
SELECT count(*), CASE WHEN count(*) < %s THEN array_agg(series_id) END,
                 CASE WHEN count(*) < %s THEN array_agg(ts_ms) END FROM fresh
"""
_VALUES = """
SELECT k.nth, o.value FROM unnest(%s, %s) WITH ORDINALITY AS k(series_id, ts_ms, nth)
JOIN obs AS o USING (series_id, ts_ms)
"""
_HOURS = """
INSERT INTO hour AS h (series_id, start_ms, n, total, low, high)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s)
ON CONFLICT (series_id, start_ms) DO UPDATE SET
  n = h.n + excluded.n, total = h.total + excluded.total,
  low = least(h.low, excluded.low), high = greatest(h.high, excluded.high)
"""
_HEADS = "b.series_id, b.day, b.n, b.first_ms, b.last_ms, b.last_value, b.last_quality, b.chk"
_BLOCKS = f"""
SELECT {_HEADS}, b.payload FROM unnest(%s, %s) AS k(series_id, day)
JOIN block AS b USING (series_id, day)
"""  # noqa: S608 - constants only
_DAYS = """
SELECT d.series_id, d.day, d.chk, d.payload FROM unnest(%s, %s) AS k(series_id, day)
JOIN day AS d USING (series_id, day)
"""
_IN_DAY = "o.series_id = k.id AND o.ts_ms >= k.day * 86400000 AND o.ts_ms < (k.day + 1) * 86400000"
_LOGGED = f"""
SELECT o.series_id, o.ts_ms, o.value, o.quality, o.delay_ms, o.chk
FROM unnest(%s, %s) AS k(id, day) JOIN obs AS o ON {_IN_DAY} ORDER BY o.series_id, o.ts_ms
"""  # noqa: S608 - constants only
_CLEAR = f"DELETE FROM obs AS o USING unnest(%s, %s) AS k(id, day) WHERE {_IN_DAY}"  # noqa: S608
_CLEAR_HOURS = """
DELETE FROM hour AS h USING unnest(%s, %s) AS k(start_ms, id)
WHERE h.start_ms = k.start_ms AND h.series_id = k.id
"""
_LAST_LOGGED = """
SELECT o.* FROM unnest(%s) AS k(id) CROSS JOIN LATERAL (
  SELECT series_id, ts_ms, value, quality, delay_ms, chk FROM obs
  WHERE series_id = k.id ORDER BY ts_ms DESC LIMIT 1) AS o
"""
_LAST_SEALED = f"""
SELECT h.* FROM unnest(%s) AS k(id) CROSS JOIN LATERAL (
  SELECT {_HEADS} FROM block AS b
  WHERE series_id = k.id ORDER BY day DESC LIMIT 1) AS h
"""  # noqa: S608 - constants only
_SEEN = """
UPDATE device AS d SET last_seen_ms = k.seen
FROM unnest(%s::text[], %s) AS k(id, seen) WHERE d.id = k.id AND d.last_seen_ms < k.seen
"""
_BOX = """
SELECT id, doc, chk FROM asset
WHERE point(lon, lat) <@ box(point(%s, %s), point(%s, %s)) AND domain = ANY(%s) LIMIT %s
"""


class Longs:
    """An int8[] that is written by numpy, not number by number."""

    def __init__(self, numbers: npt.ArrayLike) -> None:
        self.data = _array(np.asarray(numbers, np.int64), b"\x00\x00\x00\x14", ">i8")


class Doubles:
    """A float8[] that is written by numpy."""

    def __init__(self, numbers: npt.ArrayLike) -> None:
        self.data = _array(np.asarray(numbers, np.float64), b"\x00\x00\x02\xbd", ">f8")


def _array(numbers: npt.NDArray[Any], element_oid: bytes, kind: str) -> bytes:
    """The binary form of a one-dimensional array without nulls: header, then (length, value)."""
    cells = np.empty(len(numbers), [("length", ">i4"), ("number", kind)])
    cells["length"] = 8
    cells["number"] = numbers
    dimensions = np.array([len(numbers), 1], ">i4").tobytes()
    return b"\x00\x00\x00\x01\x00\x00\x00\x00" + element_oid + dimensions + cells.tobytes()


class _LongsDumper(Dumper):
    format = Format.BINARY
    oid = 1016

    def dump(self, obj: Longs) -> bytes:
        return obj.data


class _DoublesDumper(_LongsDumper):
    oid = 1022


def driver(conn: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection under a SQLAlchemy one."""
    raw = conn.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101 - for the type checker
    return raw


def _register(connection: Any, _record: Any) -> None:
    raw = getattr(connection, "driver_connection", connection)
    raw.adapters.register_dumper(Longs, _LongsDumper)
    raw.adapters.register_dumper(Doubles, _DoublesDumper)


class PostgresEngine:
    """See `engines.Engine`."""

    def __init__(self, database: Database) -> None:
        database.engine.dispose()  # connections made before now lack the dumpers
        event.listen(database.engine, "connect", _register)

    def insert(self, conn: Connection, columns: Columns) -> Mask:
        fresh: Mask = ~repeats(columns)
        if not len(fresh):
            return fresh
        rows = columns if fresh.all() else columns.take(fresh)
        n = len(rows.ts)
        series, ts, value, quality, delay = rows
        arrays = [Longs(series), Longs(ts), Doubles(value), Longs(quality), Longs(delay)]
        answer = driver(conn).execute(_INSERT, (*arrays, Longs(checksums(rows)), n, n)).fetchone()
        assert answer is not None  # noqa: S101 - an aggregate always has a row
        if answer[0] < n:
            stored = set(zip(answer[1] or (), answer[2] or (), strict=True))
            keys = zip(columns.series.tolist(), columns.ts.tolist(), strict=True)
            fresh &= np.fromiter((key in stored for key in keys), np.bool_, len(fresh))
        return fresh

    def values_at(self, conn: Connection, columns: Columns) -> tuple[Mask, Floats]:
        value = np.full(len(columns.ts), np.nan)
        found = np.zeros(len(columns.ts), np.bool_)
        keys = (Longs(columns.series), Longs(columns.ts))
        for nth, kept in driver(conn).execute(_VALUES, keys):
            found[nth - 1], value[nth - 1] = True, kept
        return found, value

    def add_hours(self, conn: Connection, hours: Hours) -> None:
        whole = [Longs(hours.series_id), Longs(hours.start_ms), Longs(hours.n)]
        real = [Doubles(hours.total), Doubles(hours.low), Doubles(hours.high)]
        driver(conn).execute(_HOURS, (*whole, *real))

    def blocks_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_BLOCKS, (Longs(series), Longs(day))).fetchall()

    def days_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_DAYS, (Longs(series), Longs(day))).fetchall()

    def logged(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_LOGGED, (Longs(series), Longs(day))).fetchall()

    def clear(self, conn: Connection, series: Ints, day: Ints, hours: Hours) -> None:
        driver(conn).execute(_CLEAR, (Longs(series), Longs(day)))
        driver(conn).execute(_CLEAR_HOURS, (Longs(hours.start_ms), Longs(hours.series_id)))

    def last_logged(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_LAST_LOGGED, (Longs(ids),)).fetchall()

    def last_sealed(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_LAST_SEALED, (Longs(ids),)).fetchall()

    def seen(self, conn: Connection, seen: Sequence[tuple[str, int]]) -> None:
        names, times = zip(*seen, strict=True)
        driver(conn).execute(_SEEN, (list(names), Longs(times)))

    def in_box(
        self,
        conn: Connection,
        box: tuple[float, float, float, float],
        domains: Sequence[str],
        limit: int,
    ) -> list[tuple[Any, ...]]:
        return driver(conn).execute(_BOX, (*box, list(domains), limit)).fetchall()
