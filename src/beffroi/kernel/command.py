"""What one command says. Its bytes are what people sign, so there is one way to write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document
from beffroi.kernel.document import Blob, Id, OneOf, Params, Whole
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import PAYLOAD_BYTES_MAX

CLASSES = ("A", "B", "C")  # automatic; one person; two persons
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Command:
    """`target` is the smallest thing that is unsafe alone: a junction, never a lamp head.

    `nonce` is the guard's own of this start, so that no command outlives a restart or a restored
    memory card. (`epoch`, `counter`) grows per target; the root alone moves the epoch. Parameters
    are whole numbers (the unit ends the name: `pressure_mbar`) or short texts. `plan` names the
    immutable plan it belongs to, "" for none. `envelope` is the digest of the one its author saw.
    """

    id: Annotated[str, Id()]
    commune: Annotated[str, Id()]
    guard: Annotated[str, Id()]
    target: Annotated[str, Id()]
    klass: Annotated[str, OneOf(CLASSES)]
    action: Annotated[str, Id()]
    nonce: Annotated[bytes, Blob(NONCE_BYTES, NONCE_BYTES)]
    epoch: Annotated[int, Whole()]
    counter: Annotated[int, Whole(1)]
    not_before_ms: Annotated[int, Whole()]
    expires_ms: Annotated[int, Whole()]
    envelope: Annotated[bytes, Blob(32, 32)]
    params: Params = field(default_factory=dict)
    plan: Annotated[str, Id(also="")] = ""

    def encoded(self) -> bytes:
        return document.write(self)

    @property
    def digest(self) -> bytes:
        """Its name in receipts and in the log. Unguessable, because the nonce is in it."""
        return sha256(self.encoded())


def read_command(payload: bytes) -> Command:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one command."""
    return document.read(Command, payload, PAYLOAD_BYTES_MAX)
