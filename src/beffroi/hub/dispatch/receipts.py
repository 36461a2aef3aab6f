"""What guards say: verified, numbered, chained; believed, and compared with our own book.

Receipts end commands and tell of what happened without one. A missing number is evidence and an
alarm; so is a receipt that contradicts an earlier one or a command that we never sent. Everything
is in the log and in the store before the message is acknowledged to the broker, so it comes again
until it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from beffroi.evidence.entry import Draft
from beffroi.hub.dispatch import evidence, lifecycle
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.kernel import receipt as receipts
from beffroi.kernel.dsse import unpack
from beffroi.kernel.lease import Status, read_status
from beffroi.kernel.receipt import Receipt, verified
from beffroi.model.finding import Finding
from beffroi.model.limits import RECEIPT_LATE_MS, RECEIPT_SILENT_MS, STATUSES_KEPT_S
from beffroi.ports.commands import CommandChange, CommandRow, ReceiptRow, State, StatusRow
from beffroi.ports.downlink import Heard

NO_HASH = bytes(32)
EXPECTED = frozenset({State.SENT, State.UNKNOWN})

log = structlog.get_logger("dispatch")


@dataclass(slots=True)
class _Turn:
    """What one batch of messages brings."""

    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    changes: list[CommandChange] = field(default_factory=list)
    kept: list[ReceiptRow] = field(default_factory=list)
    said: list[Receipt] = field(default_factory=list)
    rows: dict[str, CommandRow] = field(default_factory=dict)  # by digest, newest value
    statuses: dict[tuple[str, str], StatusRow] = field(default_factory=dict)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)


class Receipts:
    """`take` each batch that was fetched; acknowledge it when it returns."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._heads: dict[str, tuple[int, bytes]] = {}  # guard -> (number, hash) of the last one
        self._promised: dict[str, tuple[int, int]] = {}  # guard -> (number, since when)
        self._kept_ms: dict[tuple[str, str], int] = {}
        self._leases: dict[tuple[str, str], int] = {}
        self.forged = 0
        for row in book.store.statuses():
            self._remember(row)

    def take(self, heard: Sequence[Heard]) -> list[CommandChange]:
        """The commands that changed. Raises DeniedError or StoreError: then nothing is certain,
        and all of it must come again."""
        turn = _Turn()
        with self._book.lock:
            for one in heard:
                if one.topic == "status":
                    self._status(one, turn)
                else:
                    self._receipt(one, turn)
            self._book.record(turn.drafts)
            if turn.changes or turn.kept:
                self._book.keep(turn.changes, (), turn.kept)
            self._book.store.put_statuses(list(turn.statuses.values()))
            self._heads.update(turn.heads)
        if turn.findings:
            self._book.alarms(turn.findings)
        for said in turn.said:
            self._book.heard(said)
        return turn.changes

    # --- statuses ----------------------------------------------------------------------------
    def _remember(self, row: StatusRow) -> None:
        try:
            signed = unpack(row.payload)
            self._book.mirror.put(read_status(signed, self._book.trusted.roster), row.recv_ms)
        except (ValueError, DeniedError) as error:
            log.warning("status_not_remembered", guard=row.guard, error=str(error))

    def _status(self, heard: Heard, turn: _Turn) -> None:
        now = self._book.clock.now_ms()
        try:
            status = read_status(unpack(heard.payload), self._book.trusted.roster)
        except ValueError as error:
            self._forged(heard, str(error), turn)
            return
        if status.guard != heard.guard or status.commune != self._book.trusted.commune:
            self._forged(heard, f"it speaks for {status.guard}", turn)
            return
        old = self._book.mirror.target(status.guard, status.target)
        if not self._book.mirror.put(status, now):
            return
        key = (status.guard, status.target)
        news = old is None or _place(old.status) != _place(status)
        if news or now - self._kept_ms.get(key, 0) >= STATUSES_KEPT_S * 1000:
            self._kept_ms[key] = now
            turn.statuses[key] = StatusRow(status.guard, status.target, now, heard.payload)
        self._leased(status, turn, now)
        self._counted(status, turn)

    def _leased(self, status: Status, turn: _Turn, now: int) -> None:
        """A guard with a lease again is no longer in its safe local state."""
        before = self._leases.get((status.guard, status.target))
        self._leases[(status.guard, status.target)] = status.leased
        if status.leased and not before:
            turn.findings += [
                Finding("commands.fallback", where, False, now)
                for where in (status.target, status.guard)
            ]

    def _counted(self, status: Status, turn: _Turn) -> None:
        """The guard says how many receipts it has written: those that we lack are on their way, or
        were taken away. They are given some time to arrive."""
        now = self._book.clock.now_ms()
        number, _ = self._head(status.guard, turn)
        if status.receipts <= number:
            self._promised.pop(status.guard, None)
            return
        promised, since = self._promised.setdefault(status.guard, (status.receipts, now))
        if promised > number and now - since > RECEIPT_LATE_MS:
            self._gap(status.guard, number + 1, promised, turn)
            self._promised[status.guard] = (promised, now + RECEIPT_SILENT_MS)
        elif promised <= number:
            self._promised[status.guard] = (status.receipts, now)

    # --- receipts ----------------------------------------------------------------------------
    def _receipt(self, heard: Heard, turn: _Turn) -> None:
        now = self._book.clock.now_ms()
        try:
            said = verified(unpack(heard.payload), self._book.trusted.roster)
        except ValueError as error:
            self._forged(heard, str(error), turn)
            return
        if said.guard != heard.guard:
            self._forged(heard, f"it speaks for {said.guard}", turn)
            return
        row = ReceiptRow(
            said.hash.hex(),
            said.guard,
            said.number,
            now,
            said.digest.hex(),
            said.outcome,
            heard.payload,
        )
        known = any(one.hash == row.hash for one in turn.kept)
        if known or self._book.store.receipt(row.hash) is not None:
            return  # it came again: the guard answers the same bytes with the same receipt
        turn.kept.append(row)
        turn.said.append(said)
        turn.drafts.append(evidence.receipt(row, said.target))
        self._chain(said, row, turn)
        self._tell(said, turn, now)
        if said.digest:
            self._end(said, row, turn, now)

    def _head(self, guard: str, turn: _Turn) -> tuple[int, bytes]:
        head = turn.heads.get(guard) or self._heads.get(guard)
        if head is None:
            last = self._book.store.receipts(guard, 1)
            head = (last[0].number, bytes.fromhex(last[0].hash)) if last else (0, NO_HASH)
            self._heads[guard] = head
        return head

    def _chain(self, said: Receipt, row: ReceiptRow, turn: _Turn) -> None:
        number, before = self._head(said.guard, turn)
        if said.number == number + 1 and said.previous == before:
            pass
        elif said.number > number + 1:
            self._gap(said.guard, number + 1, said.number - 1, turn)
        elif self._fills(said, turn):
            return  # a late one: the newest stays the newest
        else:
            self._odd(row, said, "chain", turn)
        turn.heads[said.guard] = (said.number, said.hash)

    def _fills(self, said: Receipt, turn: _Turn) -> bool:
        """One of a gap that arrives after all: its number is new."""
        taken = self._book.store.numbers(said.guard, said.number, said.number)
        mine = {one.number for one in turn.kept[:-1] if one.guard == said.guard}
        return said.number not in taken | mine

    def _gap(self, guard: str, first: int, last: int, turn: _Turn) -> None:
        now = self._book.clock.now_ms()
        turn.drafts.append(evidence.gap(guard, first, last, now))
        facts: dict[str, float | str] = {"guard": guard, "first": first, "last": last}
        turn.findings.append(Finding("commands.receipt_gap", guard, True, now, facts))

    def _odd(self, row: ReceiptRow, said: Receipt, why: str, turn: _Turn) -> None:
        turn.drafts.append(evidence.odd(row, why))
        facts: dict[str, float | str] = {"guard": said.guard, "why": why, "number": said.number}
        turn.findings.append(Finding("commands.receipt_odd", said.guard, True, row.recv_ms, facts))

    def _forged(self, heard: Heard, why: str, turn: _Turn) -> None:
        """The broker says who sent it, and the roster says that this is not what he signs."""
        self.forged += 1
        log.warning("forged", guard=heard.guard, topic=heard.topic, why=why)
        now = self._book.clock.now_ms()
        facts = {"guard": heard.guard, "why": why[:200]}
        turn.findings.append(Finding("commands.forged", heard.guard, True, now, facts))

    def _tell(self, said: Receipt, turn: _Turn, now: int) -> None:
        """What happened without a command, and what has ended by one."""
        facts = {
            "guard": said.guard,
            "target": said.target or said.guard,
            "why": said.reason or said.detail[:80],
        }
        where = said.target or said.guard
        active = {
            receipts.FALLBACK: ("fallback", True),
            receipts.TAMPERED: ("tampered", True),
            receipts.STARTED: ("started", True),
            receipts.FAILED: ("failed", True),
            receipts.DONE: ("failed", False),
        }.get(said.outcome)
        if active is not None:
            name, on = active
            turn.findings.append(Finding(f"commands.{name}", where, on, now, facts))
        if said.outcome == receipts.STARTED:  # it happened, and is over
            turn.findings.append(Finding("commands.started", where, False, now, facts))

    def _end(self, said: Receipt, row: ReceiptRow, turn: _Turn, now: int) -> None:
        command = turn.rows.get(row.digest) or self._book.store.by_digest(row.digest)
        if command is None:
            if said.outcome != receipts.REFUSED:  # what it refused may have been anybody's
                self._odd(row, said, "unknown_command", turn)
            return
        if command.guard != said.guard:
            self._odd(row, said, "another_guard", turn)
            return
        event = event_of(said)
        if event is None:
            return
        change = lifecycle.step(
            command,
            event,
            now,
            said.guard,
            data=dict(said.readback),
            receipt=row.hash,
            reason=said.reason,
            detail=said.detail,
        )
        if event != "declined" and command.state not in EXPECTED:
            self._odd(row, said, "not_sent", turn)
        if change is None:
            return
        if command.state is State.UNKNOWN:
            facts = {"target": command.target, "command": command.id}
            turn.findings.append(Finding("commands.unknown", command.target, False, now, facts))
        turn.rows[row.digest] = change.row
        turn.changes.append(change)


def event_of(said: Receipt) -> str | None:
    """The event of the command's life that a receipt stands for."""
    if said.outcome == receipts.DONE:
        return "did"
    if said.outcome == receipts.FAILED:
        return "failed"
    if said.outcome == receipts.REFUSED:
        return "outlived" if said.reason == "expired" else "declined"
    return None


def _place(status: Status) -> tuple[object, ...]:
    return status.nonce, status.epoch, status.counter, status.roster_version, status.envelope
