"""Commands, approvals, receipts, statuses and plans as they must outlive a power cut.

Every method that returns has committed to disk; what raises has kept nothing. Rows are values: a
changed one is a new one with the next version, stored together with the event that explains it.
Knows neither who may do what nor which state follows which: `hub.dispatch` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from beffroi.ports.store import StoreError

Param = int | str


class State(StrEnum):
    """Where a command stands. The order is that of its life."""

    REQUESTED = "requested"  # kept, not yet in the evidence log
    AWAITING = "awaiting_approval"
    READY = "ready"
    SENT = "sent"  # it may take effect at any moment
    DONE = "done"  # read back by the guard, and signed
    REFUSED = "refused"  # by hub or guard; it had no effect
    FAILED = "failed"  # the equipment did not do it, or shows something else
    EXPIRED = "expired"  # it had no effect and never will
    UNKNOWN = "unknown"  # sent, can no longer take effect, and nobody said what happened
    CANCELLED = "cancelled"  # before it was sent


FINAL = frozenset(
    {State.DONE, State.REFUSED, State.FAILED, State.EXPIRED, State.UNKNOWN, State.CANCELLED}
)


class TakenError(StoreError):
    """Another command has this place in the guard's order, or this person has approved already."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command. `payload` is exactly what is signed; the fields beside it are read from it.

    `by` is an account's id, "console" or "plan". `wire` is what was first sent, empty before.
    `entry` is the index of its approval in the evidence log, -1 before. `travel` and `safe` are
    what the judge said of it.
    """

    id: str
    digest: str  # SHA-256 of the payload, hex
    payload: bytes
    guard: str
    target: str
    service: str
    action: str
    klass: str
    nonce: str  # hex
    epoch: int
    counter: int
    not_before_ms: int
    expires_ms: int
    by: str
    state: State
    created_ms: int
    changed_ms: int
    version: int = 0
    params: Mapping[str, Param] = field(default_factory=dict)
    plan: str = ""
    reason: str = ""
    detail: str = ""
    wire: bytes = b""
    entry: int = -1
    sent_ms: int = 0
    safe: bool = False
    travel: Mapping[str, int] = field(default_factory=dict)
    receipt: str = ""  # hash of the receipt that ended it, hex


@dataclass(frozen=True, slots=True)
class CommandEvent:
    """One line of a command's story. Append-only, one for each version."""

    command: str
    version: int
    at_ms: int
    actor: str  # an account's id, a guard, "hub", "plan" or "console"
    kind: str  # a word of `hub.dispatch.lifecycle.TABLE`
    state: State  # after it
    text: str = ""
    data: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandChange:
    """A command's new value with the event that explains it: stored together or not at all."""

    row: CommandRow
    event: CommandEvent


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's signature over the exact bytes of one command. `signature` is the canonical
    form of `kernel.dsse.Signature`; `account` who brought it ("" when unknown)."""

    command: str
    person: str
    org: str
    key: str
    at_ms: int
    how: str  # "passkey" or "signer"
    signature: bytes
    account: str = ""
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class StatusRow:
    """The newest status of one target: the signed payload as it came."""

    guard: str
    target: str
    recv_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One verified receipt. `hash` and `digest` in hex; `wire` is the signed container."""

    hash: str
    guard: str
    number: int
    recv_ms: int
    digest: str
    outcome: str
    wire: bytes


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One generation of a plan. `payload` never changes; `active` only from true to false."""

    id: str
    generation: int
    payload: bytes
    by: str
    created_ms: int
    active: bool = True


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that an account has registered. It counts once the roster holds its key."""

    id: str  # credential id, base64url
    user: str
    name: str
    public: bytes  # uncompressed P-256 point
    key: str  # kernel.keys.key_id
    created_ms: int


class CommandStore(Protocol):
    """See the module. SQLite and PostgreSQL pass the same contract test."""

    def apply(
        self,
        changes: Sequence[CommandChange],
        approvals: Sequence[Approval] = (),
        receipts: Sequence[ReceiptRow] = (),
    ) -> None:
        """All or nothing, in one transaction. StaleVersionError unless each stored version is
        row.version - 1; TakenError when a new row's (guard, target, nonce, epoch, counter) or
        digest, or an approval's (command, person), exists. A receipt that is there is ignored."""

    def command(self, command_id: str) -> CommandRow | None: ...
    def by_digest(self, digest: str) -> CommandRow | None: ...
    def commands(
        self,
        states: Sequence[State] = (),
        *,
        target: str = "",
        plan: str = "",
        limit: int = 0,
        before_ms: int = 0,
    ) -> list[CommandRow]:
        """Newest first; all when limit is 0; `before_ms` pages on `created_ms` (0 starts)."""

    def sent_since(self, ms: int) -> list[CommandRow]:
        """Rows with sent_ms > ms, oldest first: what may have moved since."""

    def counter(self, guard: str, target: str, nonce: str, epoch: int) -> int:
        """The greatest counter that a row has taken; 0 for none."""

    def events(self, command_id: str) -> list[CommandEvent]:
        """In order."""

    def approvals(self, command_id: str) -> list[Approval]:
        """In order of time."""

    def put_statuses(self, rows: Sequence[StatusRow]) -> None:
        """Insert or replace by (guard, target)."""

    def statuses(self) -> list[StatusRow]: ...
    def receipt(self, receipt_hash: str) -> ReceiptRow | None: ...
    def receipts(self, guard: str, limit: int) -> list[ReceiptRow]:
        """The last to arrive first."""

    def numbers(self, guard: str, low: int, high: int) -> set[int]:
        """Receipt numbers of this guard within the bounds, both inclusive."""

    def put_plan(self, row: PlanRow) -> None:
        """Insert, or change `active` of the same generation."""

    def plans(self, plan_id: str = "", *, newest: bool = False) -> list[PlanRow]:
        """By id, newest generation first; with `newest` no other generation."""

    def put_passkey(self, passkey: Passkey) -> None: ...
    def passkeys(self, user: str = "") -> list[Passkey]: ...
    def drop_passkey(self, passkey_id: str, user: str) -> bool:
        """Forget one of this account's; False when it has none of this id."""
