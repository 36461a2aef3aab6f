"""Registers: the port `RegisterStore`. Lines are added; the database refuses any other change than
to make one silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.ports.registers import Record
from beffroi.ports.store import StoreError

_RECORD = msgspec.json.Decoder(Record)
_c = schema.register.c


class SqlRegisters:
    """See `ports.registers.RegisterStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, record: Record) -> None:
        doc, chk = documents.pack(record.id, record)
        row = {"id": record.id, "book": record.book, "about": record.key, "at_ms": record.at_ms}
        with self._db.write() as conn:
            try:
                conn.execute(insert(schema.register).values(**row, silent=0, doc=doc, chk=chk))
            except IntegrityError as error:
                raise StoreError(f"the line {record.id!r} is already in a register") from error

    def record(self, record_id: str) -> Record | None:
        found = self._select(select(*schema.register.c).where(_c.id == record_id))
        return found[0] if found else None

    def records(
        self, book: str = "", key: str = "", start_ms: int = 0, end_ms: int = 0, limit: int = 0
    ) -> list[Record]:
        query = select(*schema.register.c)
        if book:
            query = query.where(_c.book == book)
        if key:
            query = query.where(_c.about == key)
        if start_ms:
            query = query.where(_c.at_ms >= start_ms)
        if end_ms:
            query = query.where(_c.at_ms < end_ms)
        if not limit:
            return self._select(query.order_by(_c.num))
        return self._select(query.order_by(_c.num.desc()).limit(limit))[::-1]

    def erase(self, record_id: str) -> bool:
        with self._db.erase() as conn:
            row = conn.execute(select(*schema.register.c).where(_c.id == record_id)).one_or_none()
            if row is None:
                return False
            known = documents.unpack(_RECORD, row.id, row.doc, row.chk)
            doc, chk = documents.pack(row.id, replace(known, actor="", facts={}, erased=True))
            change = update(schema.register).where(_c.id == record_id)
            conn.execute(change.values(silent=1, doc=doc, chk=chk))
            return True

    def _select(self, query: Select[Any]) -> list[Record]:
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [documents.unpack(_RECORD, row.id, row.doc, row.chk) for row in rows]
