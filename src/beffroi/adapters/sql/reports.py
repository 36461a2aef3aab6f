"""Reports of inhabitants, their story and public photo: the port `ReportStore`. Knows no rule of a
report's life and nothing of its author."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState
from beffroi.ports.reports import Wanted
from beffroi.ports.store import StaleVersionError, StoreError

NOWHERE = 999.0  # outside every box
_REPORT = msgspec.json.Decoder(Report)
_EVENT = msgspec.json.Decoder(ReportEvent)
_report, _event, _photo = schema.report.c, schema.report_event.c, schema.report_photo.c
_DOCUMENT = (_report.id, _report.doc, _report.chk)


class SqlReports:
    """See `ports.reports.ReportStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._insert = sqlite.insert if database.sqlite else postgresql.insert

    def add(self, change: ReportChange, link_hash: str) -> None:
        row = {"id": change.report.id, "link_hash": link_hash, **_row(change.report)}
        with self._db.write() as conn:
            try:
                conn.execute(insert(schema.report).values(row))
            except IntegrityError as error:
                raise StoreError(f"the report {change.report.id!r} exists already") from error
            _tell(conn, change.event)

    def apply(self, changes: Sequence[ReportChange]) -> None:
        with self._db.erase() as conn:
            for change in changes:
                _put(conn, change.report)
                _tell(conn, change.event)

    def report(self, report_id: str) -> Report | None:
        found = self._rows(select(*_DOCUMENT).where(_report.id == report_id))
        return found[0] if found else None

    def by_link(self, link_hash: str) -> Report | None:
        found = self._rows(select(*_DOCUMENT).where(_report.link_hash == link_hash))
        return found[0] if found else None

    def unlink(self, report_id: str) -> None:
        """Its id is no hash of any link, and unique."""
        void = update(schema.report).where(_report.id == report_id).values(link_hash=report_id)
        with self._db.write() as conn:
            conn.execute(void)

    def reports(self, wanted: Wanted) -> list[Report]:
        query = select(*_DOCUMENT)
        for condition in _conditions(wanted):
            query = query.where(condition)
        if wanted.before:
            query = query.where(self._older_than(wanted.before))
        order = (_report.received_ms.desc(), _report.id.desc())
        return self._rows(query.order_by(*order).limit(wanted.limit))

    def _older_than(self, report_id: str) -> Any:
        newest = self.report(report_id)
        ms = newest.received_ms if newest else 0
        same = and_(_report.received_ms == ms, _report.id < report_id)
        return or_(_report.received_ms < ms, same)

    def events(self, report_id: str) -> list[ReportEvent]:
        query = select(_event.id, _event.doc, _event.chk).where(_event.report == report_id)
        with self._db.read() as conn:
            rows = conn.execute(query.order_by(_event.version, _event.id)).all()
        return [documents.unpack(_EVENT, *row) for row in rows]

    def blank(self, report_id: str) -> int:
        blanked = 0
        with self._db.erase() as conn:
            query = select(*schema.report_event.c).where(_event.report == report_id)
            for row in conn.execute(query).all():
                event = documents.unpack(_EVENT, row.id, row.doc, row.chk)
                if event.text:
                    doc, chk = documents.pack(row.id, replace(event, text=""))
                    here = update(schema.report_event).where(_event.id == row.id)
                    conn.execute(here.values(doc=doc, chk=chk))
                    blanked += 1
            gone = delete(schema.report_photo).where(_photo.id == report_id)
            blanked += conn.execute(gone).rowcount
        return blanked

    def put_photo(self, report_id: str, jpeg: bytes) -> None:
        new = self._insert(schema.report_photo).values(
            id=report_id, jpeg=jpeg, chk=zlib.crc32(jpeg)
        )
        kept = {"jpeg": new.excluded.jpeg, "chk": new.excluded.chk}
        with self._db.erase() as conn:
            conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=kept))

    def photo(self, report_id: str) -> bytes | None:
        with self._db.read() as conn:
            row = conn.execute(select(*schema.report_photo.c).where(_photo.id == report_id)).first()
        if row is None:
            return None
        if zlib.crc32(row.jpeg) != row.chk:
            raise StoreError(f"the photo of report {report_id!r} was damaged: restore a backup")
        return bytes(row.jpeg)

    def drop_photo(self, report_id: str) -> None:
        with self._db.erase() as conn:
            conn.execute(delete(schema.report_photo).where(_photo.id == report_id))

    def counts(self) -> dict[ReportState, int]:
        query = select(_report.state, func.count()).group_by(_report.state)
        with self._db.read() as conn:
            return {ReportState(state): n for state, n in conn.execute(query)}

    def _rows(self, query: Select[Any]) -> list[Report]:
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [documents.unpack(_REPORT, *row) for row in rows]


def _row(report: Report) -> dict[str, Any]:
    doc, chk = documents.pack(report.id, report)
    return {
        "state": report.state.value,
        "topic": report.topic,
        "asset": report.asset,
        "unsafe": int(report.unsafe),
        "public": int(report.public),
        "received_ms": report.received_ms,
        "lon": NOWHERE if report.lon is None else report.lon,
        "lat": NOWHERE if report.lat is None else report.lat,
        "version": report.version,
        "doc": doc,
        "chk": chk,
    }


def _put(conn: Connection, report: Report) -> None:
    here = (_report.id == report.id) & (_report.version == report.version - 1)
    if conn.execute(update(schema.report).where(here).values(_row(report))).rowcount != 1:
        raise StaleVersionError(f"report {report.id} was changed meanwhile: read it again")


def _tell(conn: Connection, event: ReportEvent) -> None:
    key = f"{event.report}/{event.version}"
    doc, chk = documents.pack(key, event)
    row = {"id": key, "report": event.report, "version": event.version, "doc": doc, "chk": chk}
    conn.execute(insert(schema.report_event).values(row))


def _conditions(wanted: Wanted) -> list[Any]:
    found: list[Any] = []
    if wanted.states:
        found.append(_report.state.in_([state.value for state in wanted.states]))
    for column, value in ((_report.topic, wanted.topic), (_report.asset, wanted.asset)):
        if value:
            found.append(column == value)
    for flag, asked in ((_report.unsafe, wanted.unsafe), (_report.public, wanted.public)):
        if asked is not None:
            found.append(flag == int(asked))
    if wanted.box is not None:
        found.append(_report.lat.between(wanted.box.south, wanted.box.north))
        found.append(_report.lon.between(wanted.box.west, wanted.box.east))
    if wanted.since_ms:
        found.append(_report.received_ms >= wanted.since_ms)
    if wanted.until_ms:
        found.append(_report.received_ms < wanted.until_ms)
    return found
