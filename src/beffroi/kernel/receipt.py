"""What a guard says it did: signed, numbered, each one holding the hash of the one before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document
from beffroi.kernel.document import Blob, FieldError, Id, OneOf, Params, Text, Whole
from beffroi.kernel.dsse import RECEIPT, Signed
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import RECEIPT_BYTES_MAX, SENTENCE_CHARS_MAX
from beffroi.kernel.roster import GUARD, Roster, signer

DONE = "done"  # read back
REFUSED = "refused"
FAILED = "failed"  # the equipment did not do it, or shows something else
FALLBACK = "fallback"  # the guard went to its safe state by itself
TAMPERED = "tampered"  # read-back changed without a command
STARTED = "started"  # a new start: a new nonce
OUTCOMES = (DONE, REFUSED, FAILED, FALLBACK, TAMPERED, STARTED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """`number` has no gaps: a missing one is evidence. `digest` names the command (empty when
    there is none, or none could be read). `readback` is what the equipment showed. `previous` is
    the hash of the receipt before, 32 zero bytes for the first."""

    guard: Annotated[str, Id()]
    number: Annotated[int, Whole(1)]
    previous: Annotated[bytes, Blob(32, 32)]
    at_ms: Annotated[int, Whole()]
    outcome: Annotated[str, OneOf(OUTCOMES)]
    target: Annotated[str, Id(also="")] = ""
    digest: Annotated[bytes, Blob(0, 32)] = b""
    reason: Annotated[str, Id(also="")] = ""
    detail: Annotated[str, Text(SENTENCE_CHARS_MAX)] = ""
    readback: Params = field(default_factory=dict)

    def encoded(self) -> bytes:
        return document.write(self)

    @property
    def hash(self) -> bytes:
        return sha256(self.encoded())


def read_receipt(payload: bytes) -> Receipt:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one receipt."""
    return document.read(Receipt, payload, RECEIPT_BYTES_MAX)


def verified(signed: Signed, roster: Roster) -> Receipt:
    """The receipt, if the guard that it names has signed it. FieldError otherwise."""
    person = signer(signed, RECEIPT, roster, GUARD)
    receipt = read_receipt(signed.payload)
    if receipt.guard != person:
        raise FieldError(f"{person} speaks for {receipt.guard}")
    return receipt
