"""Alarms and their stories: the port `AlarmStore`. Knows no rule of an alarm's life."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select, update

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.ports.store import StaleVersionError

_ALARM = msgspec.json.Decoder(Alarm)
_EVENT = msgspec.json.Decoder(AlarmEvent)
_alarm, _event = schema.alarm.c, schema.alarm_event.c


def apply(conn: Connection, changes: Sequence[AlarmChange]) -> None:
    """Inside the caller's transaction; StaleVersionError when somebody was quicker."""
    for change in changes:
        _put(conn, change.alarm)
        rows = []
        for event in change.events:
            doc, chk = documents.pack(event.alarm, event)
            rows.append({"alarm": event.alarm, "doc": doc, "chk": chk})
        if rows:
            conn.execute(insert(schema.alarm_event), rows)


def _put(conn: Connection, alarm: Alarm) -> None:
    doc, chk = documents.pack(alarm.id, alarm)
    row = {
        "asset": alarm.asset,
        "domain": alarm.domain,
        "state": alarm.state.value,
        "seen_ms": alarm.seen_ms,
        "version": alarm.version,
        "doc": doc,
        "chk": chk,
    }
    before = conn.execute(select(_alarm.version).where(_alarm.id == alarm.id)).scalar()
    if (before or 0) != alarm.version - 1:
        raise StaleVersionError(
            f"alarm {alarm.id} has version {before or 0}, the change was made for "
            f"{alarm.version - 1}: read it again"
        )
    if before is None:
        conn.execute(insert(schema.alarm).values(id=alarm.id, **row))
        return
    here = (_alarm.id == alarm.id) & (_alarm.version == before)
    if conn.execute(update(schema.alarm).where(here).values(row)).rowcount != 1:
        raise StaleVersionError(f"alarm {alarm.id} was changed meanwhile: read it again")


class SqlAlarms:
    """See `ports.store.AlarmStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def apply(self, changes: Sequence[AlarmChange]) -> None:
        with self._db.write() as conn:
            apply(conn, changes)

    def alarm(self, alarm_id: str) -> Alarm | None:
        found = self._select(select(*schema.alarm.c).where(_alarm.id == alarm_id))
        return found[0] if found else None

    def open_alarms(self) -> list[Alarm]:
        states = [state.value for state in AlarmState if state is not AlarmState.CLOSED]
        query = select(*schema.alarm.c).where(_alarm.state.in_(states))
        return self._select(query.order_by(_alarm.seen_ms, _alarm.id))

    def alarms(
        self,
        states: Sequence[str],
        domain: str = "",
        asset: str = "",
        limit: int = 100,
        before_ms: int = 0,
        before_id: str = "",
    ) -> list[Alarm]:
        query = select(*schema.alarm.c)
        if states:
            query = query.where(_alarm.state.in_([str(state) for state in states]))
        if domain:
            query = query.where(_alarm.domain == domain)
        if asset:
            query = query.where(_alarm.asset == asset)
        if before_ms:
            older = _alarm.seen_ms < before_ms
            if before_id:  # alarms of one millisecond are in the order of their ids
                older |= (_alarm.seen_ms == before_ms) & (_alarm.id > before_id)
            query = query.where(older)
        return self._select(query.order_by(_alarm.seen_ms.desc(), _alarm.id).limit(limit))

    def events(self, alarm_id: str) -> list[AlarmEvent]:
        query = select(*schema.alarm_event.c).where(_event.alarm == alarm_id).order_by(_event.id)
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [documents.unpack(_EVENT, row.alarm, row.doc, row.chk) for row in rows]

    def _select(self, query: object) -> list[Alarm]:
        with self._db.read() as conn:
            rows = conn.execute(query).all()  # type: ignore[call-overload]
        return [documents.unpack(_ALARM, row.id, row.doc, row.chk) for row in rows]
