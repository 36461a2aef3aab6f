"""Observations: the port `ReadingStore` over log, blocks and rollups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import alarms, documents, quarantine, rollups, schema
from beffroi.adapters.sql.columns import DAY_MS, HOUR_MS, Columns, columns_of, from_tuples, hours_of
from beffroi.adapters.sql.commit import put_rows
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.purge import purge
from beffroi.adapters.sql.seal import seal
from beffroi.adapters.sql.sealed import head_of, hours_in, merge, points_from, points_of
from beffroi.model.reading import Quarantined
from beffroi.ports.store import (
    Batch,
    Committed,
    Counts,
    Hour,
    Hours,
    Last,
    Points,
    SeriesKey,
    StoreError,
)

T = TypeVar("T")
_CHUNK = 500
_KIND_CHUNK = 5_000
_LAST_CHUNK = 20_000
_STATE = msgspec.json.Decoder(dict[str, Any])
_obs, _block, _series = schema.obs.c, schema.block.c, schema.series.c


class SqlReadings:
    """See `ports.store.ReadingStore`."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._db = database
        self._engine = engine
        self._ids: dict[SeriesKey, int] = {}  # series are never deleted, so this stays true
        self._known: set[int] = set()

    def commit(self, batch: Batch) -> Committed:
        columns = columns_of(batch.rows)
        self._refuse_unknown(columns)
        with self._db.write() as conn:
            verdict = put_rows(conn, self._engine, columns)
            conflicts = quarantine.contradictions(conn, verdict)
            quarantine.put(conn, [*batch.quarantined, *conflicts])
            alarms.apply(conn, batch.alarms)
            if batch.seen:
                self._engine.seen(conn, sorted(batch.seen.items()))
            _put_states(conn, batch.states)
        return Committed(verdict.stored, verdict.duplicates, len(conflicts))

    def series_ids(self, keys: Sequence[SeriesKey]) -> list[int]:
        missing = list(dict.fromkeys(key for key in keys if key not in self._ids))
        if missing:
            self._make(missing)
        return [self._ids[key] for key in keys]

    def series_of(self, assets: Sequence[str]) -> dict[SeriesKey, int]:
        query = select(_series.chk, _series.asset, _series.device, _series.prop, _series.id)
        with self._db.read() as conn:
            if assets:
                parts = [query.where(_series.asset.in_(part)) for part in _parts(assets, _CHUNK)]
            else:
                parts = [query]
            rows = [row for part in parts for row in conn.execute(part)]
        for row in rows:
            documents.verify_words(*row[:4])
        return {SeriesKey(*row[1:4]): row[4] for row in rows}

    def last(self, series_ids: Sequence[int]) -> list[Last]:
        newest: dict[int, Last] = {}
        with self._db.read() as conn:
            for part in _parts(series_ids, _LAST_CHUNK):
                for row in map(head_of, self._engine.last_sealed(conn, part)):
                    newest[row.series] = Last(
                        row.series, row.last_ms, row.last_value, row.last_quality
                    )
                columns = from_tuples(self._engine.last_logged(conn, part))
                for n, ts, value, quality, _ in zip(*map(np.ndarray.tolist, columns), strict=True):
                    if n not in newest or newest[n].ts_ms < ts:
                        newest[n] = Last(n, ts, value, quality)
        return [newest[n] for n in dict.fromkeys(series_ids) if n in newest]

    def points(self, series_id: int, start_ms: int, end_ms: int) -> Points:
        with self._db.read() as conn:
            sealed = conn.execute(
                select(*schema.block.c)
                .where(_block.series_id == series_id)
                .where(_block.day.between(start_ms // DAY_MS, end_ms // DAY_MS))
                .order_by(_block.day)
            ).all()
            logged = conn.execute(
                select(*schema.obs.c)
                .where(_obs.series_id == series_id)
                .where(_obs.ts_ms >= start_ms, _obs.ts_ms < end_ms)
                .order_by(_obs.ts_ms)
            ).all()
        parts = [points_of(row) for row in sealed]
        everything = merge([*parts, points_from(from_tuples(logged))])
        first, last = np.searchsorted(everything.ts_ms, (start_ms, end_ms))
        return Points._make(column[first:last] for column in everything)

    def hours(self, series_id: int, start_ms: int, end_ms: int) -> list[Hour]:
        found: dict[int, Hour] = {}
        with self._db.read() as conn:
            rows = conn.execute(rollups.sealed([series_id], start_ms, end_ms)).all()
            first, end = start_ms // HOUR_MS * HOUR_MS, -(-end_ms // HOUR_MS) * HOUR_MS
            logged = conn.execute(rollups.log(series_id, first, end)).all()
        for row in rows:
            rollups.fold(found, hours_in(row))
        if logged:  # from the readings themselves: a day or two of one series
            rollups.fold(found, hours_of(from_tuples(logged)))
        return [found[at] for at in sorted(found) if start_ms <= at < end_ms]

    def hours_of_kind(
        self, domain: str, kind: str, prop: str, start_ms: int, end_ms: int
    ) -> Iterable[Hours]:
        ids = self._series_of_kind(domain, kind, prop)
        with self._db.read() as conn:
            starts = rollups.starts(conn, start_ms, end_ms)
        # One short read for each part: a long one would keep the write-ahead log from shrinking.
        for part in _parts(ids, _KIND_CHUNK):
            with self._db.read() as conn:
                hours = rollups.of_series(conn, part, starts, start_ms, end_ms)
            yield hours

    def seal(self, before_ms: int) -> int:
        return seal(self._db, self._engine, before_ms)

    def purge(self, raw_before_ms: int, hours_before_ms: int, quarantine_before_ms: int) -> int:
        return purge(self._db, self._engine, raw_before_ms, hours_before_ms, quarantine_before_ms)

    def states(self) -> dict[str, dict[str, Any]]:
        with self._db.read() as conn:
            rows = conn.execute(select(*schema.watch_state.c)).all()
        return {row.asset: documents.unpack(_STATE, row.asset, row.doc, row.chk) for row in rows}

    def quarantine(self, limit: int, after_id: int = 0) -> list[tuple[int, Quarantined]]:
        table = schema.quarantine.c
        query = select(*table).order_by(table.id.desc()).limit(limit)
        if after_id:
            query = query.where(table.id < after_id)
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [(row.id, quarantine.verified(row)) for row in rows]

    def quarantine_counts(self) -> dict[str, int]:
        reason = schema.quarantine.c.reason
        with self._db.read() as conn:
            rows = conn.execute(select(reason, func.count()).group_by(reason)).all()
        return {row[0]: row[1] for row in rows}

    def counts(self) -> Counts:
        with self._db.read() as conn:
            return counts_in(conn)

    def _refuse_unknown(self, columns: Columns) -> None:
        strange = set(np.unique(columns.series).tolist()) - self._known
        if not strange:
            return
        with self._db.read() as conn:
            for part in _parts(sorted(strange), _CHUNK):
                query = select(_series.id).where(_series.id.in_(part))
                self._known.update(conn.execute(query).scalars())
        if strange - self._known:
            raise StoreError(f"series {min(strange - self._known)} does not exist: ask series_ids")

    def _make(self, keys: Sequence[SeriesKey]) -> None:
        rows = [{**key._asdict(), "chk": documents.seal_of(*key)} for key in sorted(keys)]
        with self._db.write() as conn:
            insert = sqlite.insert if self._db.sqlite else postgresql.insert
            conn.execute(insert(schema.series).on_conflict_do_nothing(), rows)
        assets = sorted({key.asset for key in keys})
        found = self.series_of(assets)
        self._ids.update(found)
        self._known.update(found.values())

    def _series_of_kind(self, domain: str, kind: str, prop: str) -> list[int]:
        a = schema.asset.c
        query = (
            select(_series.id)
            .join_from(schema.series, schema.asset, a.id == _series.asset)
            .where(a.domain == domain, a.kind == kind, _series.prop == prop)
            .order_by(_series.id)
        )
        with self._db.read() as conn:
            return list(conn.execute(query).scalars())


def counts_in(conn: Connection) -> Counts:
    """As of the caller's transaction."""
    sealed = conn.execute(select(func.coalesce(func.sum(_block.n), 0))).scalar_one()
    logged = conn.execute(select(func.count()).select_from(schema.obs)).scalar_one()
    others = [
        conn.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (schema.quarantine, schema.alarm, schema.asset, schema.device)
    ]
    return Counts(int(sealed) + logged, *others)


def _put_states(conn: Connection, states: Mapping[str, Mapping[str, Any]]) -> None:
    if not states:
        return
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    statement = insert(schema.watch_state)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["asset"], set_={"doc": new.doc, "chk": new.chk}
    )
    rows = []
    for asset, state in sorted(states.items()):
        doc, chk = documents.pack(asset, state)
        rows.append({"asset": asset, "doc": doc, "chk": chk})
    conn.execute(statement, rows)


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
