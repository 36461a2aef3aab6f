"""From ready to sent, and again until there is an answer.

The judge is asked with what the hub knows; then the entry is durable, then the row, and only then
do bytes leave. Bytes that left are never changed: the guard answers the same bytes with the same
receipt, so a repetition cannot double an effect. The parts without I/O are synchronous and run in
threads. Knows no broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from beffroi.hub.dispatch import approve, check, evidence, lifecycle
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.denied import Denied, DeniedError, deny
from beffroi.hub.dispatch.mirror import MOVED
from beffroi.hub.dispatch.office import HUB, OPEN, Office
from beffroi.kernel.decide import decide
from beffroi.kernel.dsse import Logged, Signed, pack
from beffroi.kernel.logged import LoggedError, witnesses
from beffroi.kernel.note import Checkpoint
from beffroi.kernel.situation import Situation
from beffroi.kernel.verdict import Accepted, Reason
from beffroi.model.finding import Finding
from beffroi.model.limits import (
    COMMAND_LOST_MS,
    COMMAND_REPEAT_MS_MAX,
    COMMAND_REPEAT_MS_MIN,
    WITNESS_WAIT_S,
)
from beffroi.ports.commands import CommandChange, CommandRow, State
from beffroi.ports.log_store import LogError, Witnesses
from beffroi.ports.store import StaleVersionError

# What may yet become true before the command ends. All other refusals are final.
WAIT = frozenset({Reason.NOT_YET, Reason.NO_LEASE, Reason.NOT_LOGGED, Reason.TOO_FEW_WITNESSES})
STRANGERS_MAX = 8  # among our witnesses: asked beyond what is needed

log = structlog.get_logger("dispatch")


class Outgoing(NamedTuple):
    """Durable: it may leave."""

    command: str
    guard: str
    wire: bytes


class Passed(NamedTuple):
    """A command that the judge and the checks let through."""

    wire: bytes
    safe: bool
    travel: dict[str, int]


class Sender:
    """`turn`, then `witnessed`, as often as there is news; each returns what may leave now."""

    def __init__(self, book: Book, office: Office, witnesses: Witnesses | None = None) -> None:
        self._book, self._office, self._witnesses = book, office, witnesses
        self._repeat: dict[str, tuple[int, int]] = {}  # command -> (when again, pause)
        self._proofs: dict[str, tuple[int, Logged]] = {}  # command -> (witnesses, proof)
        self._last: list[CommandRow] = []  # what `turn` left to `witnessed`
        self.held: dict[str, Denied] = {}  # why a ready command waits

    def turn(self) -> list[Outgoing]:
        """One look at everything that is open, but for what waits for neighbours."""
        rows = self._book.store.commands(OPEN)
        self._prune({row.id for row in rows})
        first: list[CommandRow] = []
        self._last = []
        behind: set[tuple[str, str]] = set()
        for row in sorted(rows, key=lambda row: (row.created_ms, row.counter)):
            place = row.guard, row.target
            # Of one target the order stays: a guard refuses a counter below one it has seen.
            if place in behind or self._unproven(row):
                behind.add(place)
                self._last.append(row)
            else:
                first.append(row)
        return self._pass(first)

    def witnessed(self) -> list[Outgoing]:
        """The rest of this turn. Neighbours may be slow: nothing else waits for them."""
        rows, self._last = self._last, []
        self._prove([row for row in rows if self._unproven(row)])
        return self._pass(rows)

    def _pass(self, rows: Sequence[CommandRow]) -> list[Outgoing]:
        out: list[Outgoing] = []
        for row in rows:
            try:
                out += self._look(row)
            except StaleVersionError:  # somebody changed it meanwhile: it is looked at again
                continue
            except DeniedError as error:
                log.warning("command_held", command=row.id, why=str(error))
        return out

    def _prune(self, still: set[str]) -> None:
        """What ended elsewhere (cancelled, answered) needs no memory."""
        for memory in (self.held, self._proofs, self._repeat):
            for ident in memory.keys() - still:
                memory.pop(ident, None)

    def _look(self, row: CommandRow) -> list[Outgoing]:
        now = self._book.clock.now_ms()
        if row.state is State.SENT:
            return self._again(row, now)
        if self._ended(row, now):
            return []
        if row.state is State.REQUESTED:
            self._office.adopt(row)
            return []
        if row.state is State.READY:
            return self._send(row)
        return []

    # --- what can no longer be sent ----------------------------------------------------------
    def _ended(self, row: CommandRow, now: int) -> bool:
        """Expired, or written for a start or for rules that are gone."""
        if row.expires_ms <= now:
            held = self.held.pop(row.id, None)
            with self._book.lock:
                row = self._office.command(row.id)
                change = lifecycle.step(
                    row,
                    "expired",
                    now,
                    HUB,
                    reason=held.code if held else "expired",
                    detail=str(held) if held else "",
                )
                if change is not None:
                    self._book.record([evidence.about(evidence.ENDED, row, now, outcome="expired")])
                    self._book.keep([change])
            return True
        gone = self._gone(row)
        if gone is not None:
            self._office.refuse(row, gone)
        return gone is not None

    def _gone(self, row: CommandRow) -> Denied | None:
        nonce = self._book.mirror.nonce(row.guard)
        if nonce and nonce.hex() != row.nonce:
            return deny("other_start", "The guard has started again since. Make a new request.")
        if row.plan and not self._current(row.plan):
            return deny("old_plan", "Its plan was stopped or has a newer generation.")
        return None

    def _current(self, label: str) -> bool:
        name, _, generation = label.rpartition(".")
        rows = self._book.store.plans(name, newest=True)
        return bool(rows) and str(rows[0].generation) == generation and rows[0].active

    # --- sending -----------------------------------------------------------------------------
    def _need(self, row: CommandRow) -> int:
        """Witnesses that the envelope asks for; without trust it is held where it is sent."""
        try:
            envelope = self._book.trusted.envelopes.get(row.target)
        except DeniedError:
            return 0
        action = envelope.actions.get(row.action) if envelope else None
        return action.witnesses_min if action else 0

    def _unproven(self, row: CommandRow) -> bool:
        if row.state is not State.READY or row.entry < 0:
            return False
        alive = self._book.clock.now_ms() < row.expires_ms
        return alive and self._proofs.get(row.id, (0, None))[0] < self._need(row)

    def _prove(self, rows: Sequence[CommandRow]) -> None:
        """One checkpoint covers them all; it is cosigned once for each number of witnesses that is
        asked for. Who has too few for a small number has too few for a greater one: the first that
        fails is the last that is waited for. Without the lock, because neighbours may be slow."""
        needs = {row.id: self._need(row) for row in rows}
        for need in sorted(set(needs.values())):
            mine = [row for row in rows if needs[row.id] == need]
            try:
                self._cosign(mine, need)
            except (LogError, DeniedError) as error:
                log.warning("not_witnessed", need=need, why=str(error))
                return

    def _cosign(self, rows: Sequence[CommandRow], need: int) -> None:
        """Counted as the judge does: whoever answers first may be nobody whom the root has named,
        or of an organisation that has answered already. Then one more is asked."""
        for asked in range(need, need + STRANGERS_MAX + 1):
            checkpoint = self._book.log.checkpoint()
            if self._witnesses is not None:
                checkpoint = self._witnesses.cosign(checkpoint, asked, WITNESS_WAIT_S)
            counts = [self._keep_proof(row, checkpoint) for row in rows]
            if self._witnesses is None or all(one is None or one >= need for one in counts):
                return

    def _keep_proof(self, row: CommandRow, checkpoint: Checkpoint) -> int | None:
        """How many witnesses it has now; None when nothing can be proven of it."""
        trusted, digest = self._book.trusted, bytes.fromhex(row.digest)
        try:
            proof = self._book.log.prove(row.entry, checkpoint)
            count = witnesses(proof, digest, trusted.origin, trusted.roster)
        except (LogError, LoggedError) as error:  # of this entry: the others leave
            log.warning("not_proven", command=row.id, why=str(error))
            return None
        self._proofs[row.id] = (count, proof)
        return count

    def _send(self, row: CommandRow) -> list[Outgoing]:
        book = self._book
        with book.lock:
            fresh = book.store.command(row.id)
            if fresh is None or fresh.version != row.version:
                return []
            known = book.situation(row.guard)
            signed = self._signed(row)
            passed = self._judged(row, signed, known)
            if isinstance(passed, Denied):
                return []
            now = known.now_ms
            book.record([evidence.about(evidence.SENT, row, now, passed.wire)])
            change = lifecycle.step(
                row,
                "sent",
                now,
                HUB,
                wire=passed.wire,
                sent_ms=now,
                safe=passed.safe,
                travel=passed.travel,
            )
            if change is None:
                return []
            book.keep([change])
        self.held.pop(row.id, None)
        self._proofs.pop(row.id, None)
        self._repeat[row.id] = (now + COMMAND_REPEAT_MS_MIN, COMMAND_REPEAT_MS_MIN)
        return [Outgoing(row.id, row.guard, passed.wire)]

    def _signed(self, row: CommandRow) -> Signed:
        book = self._book
        approvals = book.store.approvals(row.id)
        signed = approve.signed_by(row.payload, approvals, book.trusted.roster).by(book.seed)
        proof = self._proofs.get(row.id)
        return (
            signed
            if proof is None
            else Signed(signed.kind, signed.payload, signed.signatures, proof[1])
        )

    def _judged(self, row: CommandRow, signed: Signed, known: Situation) -> Passed | Denied:
        """What may leave; a `Denied` has been acted upon: refused for good, or held."""
        wire = pack(signed)
        verdict = decide(wire, known)
        if not isinstance(verdict, Accepted):
            denied = deny(
                str(verdict.reason), "The hub's own judge refuses: {why}.", why=verdict.detail
            )
            return self._no(row, denied, wait=verdict.reason in WAIT)
        if not verdict.safe:
            locked = self._office.locked(row)
            if locked is not None:
                return self._no(row, locked, wait=False)
            envelopes = self._book.trusted.envelopes.values()
            fleet = sum(envelope.service == row.service for envelope in envelopes)
            crowded = check.crowded(row, self._book.moved, fleet, known.now_ms)
            if crowded is not None:
                return self._no(row, crowded, wait=True)
        effect = verdict.state.of(row.target).effects[-1]
        return Passed(wire, verdict.safe, dict(effect.travel))

    def _no(self, row: CommandRow, denied: Denied, *, wait: bool) -> Denied:
        if wait:
            self.held[row.id] = denied
        else:
            self.held.pop(row.id, None)
            self._office.refuse(row, denied)
        return denied

    # --- until there is an answer -------------------------------------------------------------
    def _again(self, row: CommandRow, now: int) -> list[Outgoing]:
        if now >= row.expires_ms + COMMAND_LOST_MS:
            self._lose(row, now)
            return []
        if now >= row.expires_ms:
            return []
        when, pause = self._repeat.get(row.id, (0, COMMAND_REPEAT_MS_MIN // 2))
        if now < when:
            return []
        pause = min(2 * pause, COMMAND_REPEAT_MS_MAX)
        self._repeat[row.id] = (now + pause, pause)
        return [Outgoing(row.id, row.guard, row.wire)]

    def _lose(self, row: CommandRow, now: int) -> None:
        """It can no longer take effect, and nobody has said whether it did."""
        with self._book.lock:
            row = self._office.command(row.id)
            change = lifecycle.step(row, "lost", now, HUB, reason="no_receipt")
            if change is None:
                return
            self._book.record([evidence.about(evidence.ENDED, row, now, outcome="unknown")])
            self._book.keep([change])
        self._repeat.pop(row.id, None)
        facts = {"target": row.target, "command": row.id}
        self._book.alarms([Finding("commands.unknown", row.target, True, now, facts)])

    def forget(self, rows: Sequence[CommandChange]) -> None:
        """Commands that a receipt has ended are not repeated."""
        for change in rows:
            if change.row.state not in OPEN or change.row.state not in MOVED:
                self._repeat.pop(change.row.id, None)
