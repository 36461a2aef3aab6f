"""What hub and guard say to each other besides commands: the lease, and how a target stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document
from beffroi.kernel.command import NONCE_BYTES
from beffroi.kernel.document import Blob, FieldError, Id, Param, Table, Whole
from beffroi.kernel.dsse import LEASE, STATUS, Signed
from beffroi.kernel.limits import FACTS_MAX, LEASE_MS_MAX, SIGNED_BYTES_MAX
from beffroi.kernel.roster import GUARD, HUB, Roster, signer

Shown = Annotated[Mapping[str, int | str], Table(Param(), FACTS_MAX)]


@dataclass(frozen=True, slots=True)
class Lease:
    """The hub is there. Counted from its arrival, by the guard's own monotonic clock, for `ttl_ms`;
    of this start (`nonce`); `number` grows, so that an old one cannot be played again."""

    commune: Annotated[str, Id()]
    guard: Annotated[str, Id()]
    nonce: Annotated[bytes, Blob(NONCE_BYTES, NONCE_BYTES)]
    number: Annotated[int, Whole(1)]
    at_ms: Annotated[int, Whole()]
    ttl_ms: Annotated[int, Whole(1_000, LEASE_MS_MAX)]


@dataclass(frozen=True, slots=True)
class Status:
    """How one target stands: what the hub needs to write the next command. `receipts` counts the
    guard's receipts so far; `envelope` is the digest of the one it holds; `facts` are read now."""

    commune: Annotated[str, Id()]
    guard: Annotated[str, Id()]
    target: Annotated[str, Id()]
    nonce: Annotated[bytes, Blob(NONCE_BYTES, NONCE_BYTES)]
    at_ms: Annotated[int, Whole()]
    receipts: Annotated[int, Whole()]
    roster_version: Annotated[int, Whole()]
    envelope: Annotated[bytes, Blob(32, 32)]
    epoch: Annotated[int, Whole()]
    counter: Annotated[int, Whole()]
    leased: Annotated[int, Whole(0, 1)] = 0
    facts: Shown = field(default_factory=dict)


def read_lease(signed: Signed, roster: Roster) -> Lease:
    """A lease that a hub of the roster has signed. FieldError or CanonicalError otherwise."""
    signer(signed, LEASE, roster, HUB)
    return document.read(Lease, signed.payload, SIGNED_BYTES_MAX)


def read_status(signed: Signed, roster: Roster) -> Status:
    """A status that its own guard has signed. FieldError or CanonicalError otherwise."""
    person = signer(signed, STATUS, roster, GUARD)
    status = document.read(Status, signed.payload, SIGNED_BYTES_MAX)
    if status.guard != person:
        raise FieldError(f"{person} speaks for {status.guard}")
    return status
