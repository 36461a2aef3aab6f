"""The counter where people and plans come: request, approve, cancel. Thread-safe and synchronous.

Asks the pure parts, lets the book make it durable, wakes the sender. Knows no HTTP and no broker.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from beffroi.hub.dispatch import approve, check, evidence, lifecycle
from beffroi.hub.dispatch.approve import Missing
from beffroi.hub.dispatch.book import Book, No
from beffroi.hub.dispatch.denied import Denied, DeniedError, deny
from beffroi.hub.dispatch.mirror import Seen
from beffroi.hub.dispatch.request import Need, Wish, build, need_of, needed
from beffroi.hub.dispatch.trust import TrustError
from beffroi.kernel import document
from beffroi.kernel.canonical import encode
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.dsse import COMMAND, Signature, Signed, pack
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import BREAK_GLASS
from beffroi.model.finding import Finding
from beffroi.model.limits import COMMANDS_OPEN_MAX
from beffroi.ports.commands import (
    FINAL,
    Approval,
    CommandChange,
    CommandRow,
    State,
    TakenError,
)

OPEN = tuple(state for state in State if state not in FINAL)
HUB, PLAN, CONSOLE = "hub", "plan", "console"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What a wish would need, and what stands against it now."""

    need: Need
    missing: Missing
    problems: tuple[Denied, ...]


def _new_id() -> str:
    return f"c-{secrets.token_hex(8)}"


class Office:
    """See the module. Every method may raise DeniedError."""

    def __init__(self, book: Book, new_id: Callable[[], str] = _new_id) -> None:
        self._book = book
        self._new_id = new_id
        self.interlocks: Callable[[], check.Interlocks] = check.Interlocks

    # --- asking ------------------------------------------------------------------------------
    def envelope(self, target: str) -> Envelope:
        found = self._book.trusted.envelopes.get(target)
        if found is None:
            raise DeniedError(
                deny("unknown_target", "Nothing can be done to {target} from here.", target=target)
            )
        return found

    def preview(self, wish: Wish) -> Preview:
        """Without keeping anything. DeniedError when the envelope allows it to nobody."""
        envelope = self.envelope(wish.target)
        need = needed(wish, envelope, self._book.situation(envelope.guard))
        if isinstance(need, Denied):
            raise DeniedError(need)
        lacks = approve.missing(need, envelope, self._book.trusted.roster, ())
        locked = self._locked(wish, need)
        seen = self._seen(envelope)
        found = [one for one in (locked, seen if isinstance(seen, Denied) else None) if one]
        return Preview(need, lacks, tuple(found))

    def request(self, wish: Wish, by: str, ident: str = "") -> CommandRow:
        """A new command, in the log and durable. `ident` makes it one that exists only once."""
        for _ in range(_TRIES):
            with self._book.lock:
                try:
                    return self._request(wish, by, ident or self._new_id())
                except TakenError:  # another process took the place
                    continue
                except DeniedError as error:
                    self._book.denied(No(wish.target, error.denied.code, by))
                    raise
        raise DeniedError(
            deny(
                "taken", "Somebody else commands {target} just now. Try again.", target=wish.target
            )
        )

    def _request(self, wish: Wish, by: str, ident: str) -> CommandRow:
        book = self._book
        envelope = self.envelope(wish.target)
        seen = self._seen(envelope)
        if isinstance(seen, Denied):
            raise DeniedError(seen)
        if len(book.store.commands(OPEN, limit=COMMANDS_OPEN_MAX)) >= COMMANDS_OPEN_MAX:
            raise DeniedError(deny("too_many", "Too many commands are open. Cancel some first."))
        made = build(
            wish,
            envelope,
            seen.status,
            book.situation(envelope.guard),
            ident=ident,
            counter=self._next(envelope, seen),
        )
        if isinstance(made, Denied):
            raise DeniedError(made)
        command, need = made
        locked = self._locked(wish, need)
        if locked is not None:
            raise DeniedError(locked)
        row = row_of(command, envelope.service, by, book.clock.now_ms())
        born = lifecycle.born(row)
        return self._enter(born.row, need, envelope, [born])

    def _enter(
        self, row: CommandRow, need: Need, envelope: Envelope, changes: list[CommandChange]
    ) -> CommandRow:
        """From requested to awaiting approval, or to ready when nobody is to be asked."""
        book = self._book
        now = book.clock.now_ms()
        complete = approve.missing(need, envelope, book.trusted.roster, ()).complete
        drafts = [evidence.about(evidence.REQUESTED, row, now, row.payload)]
        if complete:
            drafts.append(evidence.approved(row, (), now))
        indices = book.record(drafts)
        entry = indices[-1] if complete else -1
        event = "approved" if complete else "asked"
        changes.append(_must(lifecycle.step(row, event, now, HUB, entry=entry)))
        book.keep(changes)
        book.wake()
        return changes[-1].row

    def adopt(self, row: CommandRow) -> CommandRow:
        """A command that another process (the console) has left in the store: into the log."""
        with self._book.lock:
            row = self.command(row.id)
            command, envelope = read_command(row.payload), self.envelope(row.target)
            need = self.need(command, envelope)
            if isinstance(need, Denied):
                return self.refuse(row, need)
            return self._enter(row, need, envelope, [])

    # --- approving ---------------------------------------------------------------------------
    def missing(self, row: CommandRow) -> Missing | None:
        """What an awaiting command still needs; None for others, or when the rules have changed."""
        if row.state is not State.AWAITING:
            return None
        envelope = self._book.trusted.envelopes.get(row.target)
        if envelope is None:
            return None
        need = self.need(read_command(row.payload), envelope)
        if isinstance(need, Denied):
            return None
        roster = self._book.trusted.roster
        members = approve.members_of(self._book.store.approvals(row.id), roster)
        return approve.missing(need, envelope, roster, members)

    def unsigned(self, row: CommandRow) -> Signed:
        """What an approver signs: `pae` of this, `payload` shown in words."""
        return Signed(COMMAND, row.payload)

    def request_file(self, command_id: str, *, rules: bool = True) -> bytes:
        """What `beffroi sign` reads: the command with its signatures so far, and the rules of its
        guard, which that signer checks itself; without `rules` it uses its own copy, as it is."""
        row = self.command(command_id)
        before = self._book.store.approvals(row.id)
        wire = pack(approve.signed_by(row.payload, before, self._book.trusted.roster))
        try:
            bundle = self._book.bundle(row.guard) if rules else b""
        except TrustError:
            bundle = b""
        return encode({"request": wire, "trust": bundle})

    def approve(
        self,
        command_id: str,
        signature: Signature,
        how: str,
        account: str,
        person: str | None,
    ) -> CommandRow:
        """One more signature over the exact bytes. `person`: who the account is in the roster,
        None when the signature came in a file that anybody may bring."""
        book = self._book
        with book.lock:
            row = self._awaiting(command_id)
            envelope = self.envelope(row.target)
            command = read_command(row.payload)
            if command.envelope != envelope.digest:
                raise DeniedError(
                    deny("other_envelope", "The rules have changed since. Make a new request.")
                )
            before = book.store.approvals(row.id)
            roster = book.trusted.roster
            member = approve.examined(
                row.payload, signature, envelope, roster, before, account=account, person=person
            )
            if isinstance(member, Denied):
                book.denied(No(row.target, member.code, account, row.digest))
                raise DeniedError(member)
            need = self.need(command, envelope)
            if isinstance(need, Denied):
                raise DeniedError(need)
            approval = Approval(
                row.id,
                member.person,
                member.org,
                member.key,
                book.clock.now_ms(),
                how,
                document.write(signature),
                account,
                member.role == BREAK_GLASS,
            )
            members = [*approve.members_of(before, roster), member]
            complete = approve.missing(need, envelope, roster, members).complete
            return self._approved(row, approval, [*before, approval], complete)

    def _approved(
        self, row: CommandRow, approval: Approval, every: list[Approval], complete: bool
    ) -> CommandRow:
        book, now = self._book, approval.at_ms
        drafts = [evidence.signed(row, approval, now)]
        if complete:
            drafts.append(evidence.approved(row, every, now))
        if approval.break_glass:  # before it counts: an alarm more is better than one too late
            facts: Mapping[str, float | str] = {"target": row.target, "command": row.id}
            book.alarms([Finding("commands.break_glass", row.target, True, now, facts)])
        indices = book.record(drafts)
        data = {"person": approval.person, "org": approval.org, "how": approval.how}
        first = _must(lifecycle.step(row, "signed", now, approval.account or HUB, data=data))
        changes = [first]
        if complete:
            changes.append(
                _must(lifecycle.step(first.row, "approved", now, HUB, entry=indices[-1]))
            )
        book.keep(changes, [approval])
        book.wake()
        return changes[-1].row

    # --- taking back -------------------------------------------------------------------------
    def cancel(self, command_id: str, by: str, text: str = "") -> CommandRow:
        """Before it is sent; afterwards a new command must undo it."""
        with self._book.lock:
            row = self.command(command_id)
            change = lifecycle.step(row, "cancelled", self._book.clock.now_ms(), by, text=text)
            if change is None:
                raise DeniedError(
                    deny("too_late", "It was sent already, or is over. Ask for the contrary.")
                )
            self._book.record([evidence.about(evidence.CANCELLED, row, change.row.changed_ms)])
            self._book.keep([change])
            return change.row

    def refuse(self, row: CommandRow, denied: Denied) -> CommandRow:
        """By the hub itself, before it is sent."""
        with self._book.lock:
            now, row = self._book.clock.now_ms(), self.command(row.id)
            change = lifecycle.step(
                row, "refused", now, HUB, text=str(denied), reason=denied.code, detail=str(denied)
            )
            if change is None:
                return row
            self._book.record([evidence.about(evidence.REFUSED, row, now, reason=denied.code)])
            self._book.keep([change])
            return change.row

    # --- looking -----------------------------------------------------------------------------
    def command(self, command_id: str) -> CommandRow:
        row = self._book.store.command(command_id)
        if row is None:
            raise DeniedError(deny("unknown_command", "There is no command {id}.", id=command_id))
        return row

    def need(self, command: Command, envelope: Envelope) -> Need | Denied:
        return need_of(command, envelope, self._book.situation(envelope.guard))

    def _awaiting(self, command_id: str) -> CommandRow:
        row = self.command(command_id)
        if row.state is not State.AWAITING:
            raise DeniedError(deny("not_awaiting", "It no longer awaits approval."))
        if row.expires_ms <= self._book.clock.now_ms():
            raise DeniedError(deny("expired", "Its time is over. Make a new request."))
        if self._book.mirror.nonce(row.guard).hex() != row.nonce:
            raise DeniedError(
                deny("other_start", "The guard has started again since. Make a new request.")
            )
        return row

    def _seen(self, envelope: Envelope) -> Seen | Denied:
        seen = self._book.mirror.target(envelope.guard, envelope.target)
        if seen is None or not self._book.mirror.connected(
            envelope.guard, self._book.clock.now_ms()
        ):
            return deny(
                "guard_silent",
                "The guard {guard} is not heard. Check its link, then try again.",
                guard=envelope.guard,
            )
        return seen

    def _next(self, envelope: Envelope, seen: Seen) -> int:
        status = seen.status
        taken = self._book.store.counter(
            envelope.guard, envelope.target, status.nonce.hex(), envelope.epoch
        )
        return max(taken, status.counter if status.epoch == envelope.epoch else 0) + 1

    def _locked(self, wish: Wish, need: Need) -> Denied | None:
        if need.case.safe:
            return None
        locks = self.interlocks()
        force = check.in_force(
            row
            for target in locks.targets
            for row in self._book.store.commands(target=target, limit=20)
        )
        return check.excluded(wish.target, wish.action, wish.params, force, locks)

    def locked(self, row: CommandRow) -> Denied | None:
        """The same question just before it is sent."""
        envelope = self._book.trusted.envelopes.get(row.target)
        if envelope is None:
            return None
        need = self.need(read_command(row.payload), envelope)
        if isinstance(need, Denied):
            return None
        return self._locked(Wish(row.target, row.action, row.params), need)


def row_of(command: Command, service: str, by: str, now_ms: int) -> CommandRow:
    """The row of a new command."""
    return CommandRow(
        id=command.id,
        digest=command.digest.hex(),
        payload=command.encoded(),
        guard=command.guard,
        target=command.target,
        service=service,
        action=command.action,
        klass=command.klass,
        nonce=command.nonce.hex(),
        epoch=command.epoch,
        counter=command.counter,
        not_before_ms=command.not_before_ms,
        expires_ms=command.expires_ms,
        by=by,
        state=State.REQUESTED,
        created_ms=now_ms,
        changed_ms=now_ms,
        params=dict(command.params),
        plan=command.plan,
    )


def _must(change: CommandChange | None) -> CommandChange:
    if change is None:
        raise DeniedError(deny("wrong_state", "This is not possible in its present state."))
    return change
