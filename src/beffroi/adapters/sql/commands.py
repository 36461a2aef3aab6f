"""Commands and what belongs to them: the port `CommandStore`. Knows no rule of a command's life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.ports.commands import (
    FINAL,
    Approval,
    CommandChange,
    CommandEvent,
    CommandRow,
    Passkey,
    PlanRow,
    ReceiptRow,
    State,
    StatusRow,
    TakenError,
)
from beffroi.ports.store import StaleVersionError

T = TypeVar("T")
_ROW = msgspec.json.Decoder(CommandRow)
_EVENT = msgspec.json.Decoder(CommandEvent)
_APPROVAL = msgspec.json.Decoder(Approval)
_STATUS = msgspec.json.Decoder(StatusRow)
_RECEIPT = msgspec.json.Decoder(ReceiptRow)
_PLAN = msgspec.json.Decoder(PlanRow)
_PASSKEY = msgspec.json.Decoder(Passkey)
_command, _receipt = schema.command.c, schema.guard_receipt.c


class SqlCommands:
    """See `ports.commands.CommandStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._insert = sqlite.insert if database.sqlite else postgresql.insert

    def apply(
        self,
        changes: Sequence[CommandChange],
        approvals: Sequence[Approval] = (),
        receipts: Sequence[ReceiptRow] = (),
    ) -> None:
        with self._db.write() as conn:
            for approval in approvals:
                _approve(conn, approval)
            for change in changes:
                _put(conn, change)
            for receipt in receipts:
                self._keep(conn, receipt)

    def command(self, command_id: str) -> CommandRow | None:
        found = self._rows(select(*schema.command.c).where(_command.id == command_id))
        return found[0] if found else None

    def by_digest(self, digest: str) -> CommandRow | None:
        found = self._rows(select(*schema.command.c).where(_command.digest == digest))
        return found[0] if found else None

    def commands(
        self,
        states: Sequence[State] = (),
        *,
        target: str = "",
        plan: str = "",
        limit: int = 0,
        before_ms: int = 0,
    ) -> list[CommandRow]:
        query = select(*schema.command.c)
        if states:
            query = query.where(_command.state.in_([state.value for state in states]))
        if target:
            query = query.where(_command.target == target)
        if plan:
            query = query.where(_command.plan == plan)
        if before_ms:
            query = query.where(_command.created_ms < before_ms)
        query = query.order_by(_command.created_ms.desc(), _command.id.desc())
        return self._rows(query.limit(limit) if limit else query)

    def sent_since(self, ms: int) -> list[CommandRow]:
        query = select(*schema.command.c).where(_command.sent_ms > ms)
        return self._rows(query.order_by(_command.sent_ms, _command.id))

    def counter(self, guard: str, target: str, nonce: str, epoch: int) -> int:
        place = _place(guard, target, nonce, epoch)
        query = select(func.max(_command.counter)).where(_command.place == place)
        with self._db.read() as conn:
            return conn.execute(query).scalar() or 0

    def events(self, command_id: str) -> list[CommandEvent]:
        table = schema.command_event
        query = select(table).where(table.c.command == command_id).order_by(table.c.version)
        return self._read(query, _EVENT)

    def approvals(self, command_id: str) -> list[Approval]:
        table = schema.approval
        query = select(table).where(table.c.command == command_id)
        return self._read(query.order_by(table.c.at_ms, table.c.id), _APPROVAL)

    def put_statuses(self, rows: Sequence[StatusRow]) -> None:
        values = [_document(f"{row.guard}/{row.target}", row) for row in rows]
        if not values:
            return
        new = self._insert(schema.guard_status)
        kept = {"doc": new.excluded.doc, "chk": new.excluded.chk}
        with self._db.write() as conn:
            conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=kept), values)

    def statuses(self) -> list[StatusRow]:
        return self._read(select(schema.guard_status).order_by(schema.guard_status.c.id), _STATUS)

    def receipt(self, receipt_hash: str) -> ReceiptRow | None:
        query = select(schema.guard_receipt).where(_receipt.id == receipt_hash)
        found = self._read(query, _RECEIPT)
        return found[0] if found else None

    def receipts(self, guard: str, limit: int) -> list[ReceiptRow]:
        query = select(schema.guard_receipt).where(_receipt.guard == guard)
        return self._read(query.order_by(_receipt.num.desc()).limit(limit), _RECEIPT)

    def numbers(self, guard: str, low: int, high: int) -> set[int]:
        within = (_receipt.guard == guard) & _receipt.number.between(low, high)
        with self._db.read() as conn:
            return set(conn.execute(select(_receipt.number).where(within)).scalars())

    def put_plan(self, row: PlanRow) -> None:
        values = _document(f"{row.id}.{row.generation}", row)
        new = self._insert(schema.plan).values(name=row.id, generation=row.generation, **values)
        kept = {"doc": new.excluded.doc, "chk": new.excluded.chk}
        with self._db.write() as conn:
            conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=kept))

    def plans(self, plan_id: str = "", *, newest: bool = False) -> list[PlanRow]:
        table = schema.plan
        query = select(table).order_by(table.c.name, table.c.generation.desc())
        if newest:
            other = table.alias()
            last = select(func.max(other.c.generation)).where(other.c.name == table.c.name)
            query = query.where(table.c.generation == last.scalar_subquery())
        return self._read(query.where(table.c.name == plan_id) if plan_id else query, _PLAN)

    def put_passkey(self, passkey: Passkey) -> None:
        values = _document(passkey.id, passkey)
        with self._db.write() as conn:
            conn.execute(insert(schema.passkey).values(person=passkey.user, **values))

    def passkeys(self, user: str = "") -> list[Passkey]:
        table = schema.passkey
        query = select(table).order_by(table.c.id)
        return self._read(query.where(table.c.person == user) if user else query, _PASSKEY)

    def drop_passkey(self, passkey_id: str, user: str) -> bool:
        table = schema.passkey
        mine = (table.c.id == passkey_id) & (table.c.person == user)
        with self._db.write() as conn:
            return conn.execute(delete(table).where(mine)).rowcount > 0

    def _keep(self, conn: Connection, receipt: ReceiptRow) -> None:
        """A receipt that comes again changes nothing."""
        values = _document(receipt.hash, receipt)
        new = self._insert(schema.guard_receipt).values(
            guard=receipt.guard, number=receipt.number, **values
        )
        conn.execute(new.on_conflict_do_nothing(index_elements=["id"]))

    def _rows(self, query: Select[Any]) -> list[CommandRow]:
        return self._read(query, _ROW)

    def _read(self, query: Select[Any], kind: msgspec.json.Decoder[T]) -> list[T]:
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [documents.unpack(kind, row.id, row.doc, row.chk) for row in rows]


def _document(key: str, value: Any) -> dict[str, Any]:
    doc, chk = documents.pack(key, value)
    return {"id": key, "doc": doc, "chk": chk}


def _place(guard: str, target: str, nonce: str, epoch: int) -> str:
    return f"{guard}|{target}|{nonce}|{epoch}"


def _put(conn: Connection, change: CommandChange) -> None:
    row, event = change.row, change.event
    before = conn.execute(select(_command.version).where(_command.id == row.id)).scalar()
    if (before or 0) != row.version - 1:
        raise StaleVersionError(
            f"command {row.id} has version {before or 0}, the change was made for "
            f"{row.version - 1}: read it again"
        )
    try:
        if before is None:
            conn.execute(insert(schema.command).values(_columns(row)))
        else:
            here = (_command.id == row.id) & (_command.version == before)
            if conn.execute(update(schema.command).where(here).values(_columns(row))).rowcount != 1:
                raise StaleVersionError(f"command {row.id} was changed meanwhile: read it again")
        told = _document(f"{row.id}/{row.version}", event)
        conn.execute(
            insert(schema.command_event).values(command=row.id, version=row.version, **told)
        )
    except IntegrityError as error:
        raise TakenError(f"the place of command {row.id} is taken: make it again") from error


def _columns(row: CommandRow) -> dict[str, Any]:
    place = _place(row.guard, row.target, row.nonce, row.epoch)
    free = row.state in FINAL and not row.sent_ms  # nobody has seen it: the next may have its place
    return {
        **_document(row.id, row),
        "digest": row.digest,
        "slot": f"-{row.id}" if free else f"{place}|{row.counter}",
        "place": place,
        "counter": 0 if free else row.counter,
        "target": row.target,
        "plan": row.plan,
        "state": row.state.value,
        "created_ms": row.created_ms,
        "sent_ms": row.sent_ms,
        "version": row.version,
    }


def _approve(conn: Connection, approval: Approval) -> None:
    values = _document(f"{approval.command}/{approval.person}", approval)
    try:
        conn.execute(
            insert(schema.approval).values(command=approval.command, at_ms=approval.at_ms, **values)
        )
    except IntegrityError as error:
        raise TakenError(f"{approval.person} has approved {approval.command} already") from error
