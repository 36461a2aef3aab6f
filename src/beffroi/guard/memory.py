"""What a guard keeps across a power cut, as documents. Knows their form, not where they lie.

A `Record` is written before anything moves. A `Kept` receipt is added after. What is in a record's
`pending` and has no kept receipt was cut off in the middle: nobody knows if it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.guard.limits import RECORD_BYTES_MAX
from beffroi.kernel import document
from beffroi.kernel.document import Blob, Flag, Id, Many, Param, Part, Table, Whole
from beffroi.kernel.limits import FACTS_MAX, TARGETS_MAX, WIRE_BYTES_MAX
from beffroi.kernel.state import State


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted command on its way. `asked` is the hash of the bytes as they came."""

    asked: Annotated[bytes, Blob(32, 32)]
    digest: Annotated[bytes, Blob(32, 32)]
    target: Annotated[str, Id()]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a target shall show since receipt `number`, until `until_ms` (0: until told)."""

    number: Annotated[int, Whole()]
    values: Annotated[Mapping[str, int | str], Table(Param(), FACTS_MAX)]
    until_ms: Annotated[int, Whole()] = 0


@dataclass(frozen=True, slots=True)
class Record:
    """`seen_ms` is the latest time that clock and hub agreed on: time never goes back before it.
    `receipts`, `previous`: number and hash of the last receipt when this was written."""

    boots: Annotated[int, Whole()] = 0
    seen_ms: Annotated[int, Whole()] = 0
    receipts: Annotated[int, Whole()] = 0
    previous: Annotated[bytes, Blob(32, 32)] = bytes(32)
    state: Annotated[State, Part(State)] = field(default_factory=State)
    # Two a target: a newer command is written down before the one it supersedes has ended.
    pending: Annotated[tuple[Pending, ...], Many(Part(Pending), 2 * TARGETS_MAX)] = ()
    expected: Annotated[Mapping[str, Expected], Table(Part(Expected), TARGETS_MAX)] = field(
        default_factory=dict
    )

    def encoded(self) -> bytes:
        return document.write(self)


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt as it is sent. `asked` and `digest` are empty when no command caused it; `acted`
    tells a command that was accepted. `expects`: what the target shall show from now on, None when
    the receipt changes nothing of that."""

    number: Annotated[int, Whole(1)]
    hash: Annotated[bytes, Blob(32, 32)]
    wire: Annotated[bytes, Blob(1, WIRE_BYTES_MAX)]
    asked: Annotated[bytes, Blob(0, 32)] = b""
    digest: Annotated[bytes, Blob(0, 32)] = b""
    acted: Annotated[bool, Flag()] = False
    target: Annotated[str, Id(also="")] = ""
    expects: Annotated[Expected | None, Part(Expected, optional=True)] = None

    def encoded(self) -> bytes:
        return document.write(self)


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything found at start. `flaw` says what is missing or damaged, "" if nothing is; a
    guard that has never run has no flaw and `fresh`."""

    record: Record = field(default_factory=Record)
    kept: tuple[Kept, ...] = ()
    sent: int = 0  # receipts up to this number have reached the broker
    fresh: bool = True
    flaw: str = ""


def read_record(data: bytes) -> Record:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one record."""
    return document.read(Record, data, RECORD_BYTES_MAX)


def read_kept(data: bytes) -> Kept:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one kept receipt."""
    return document.read(Kept, data, 2 * WIRE_BYTES_MAX)
