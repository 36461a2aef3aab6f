"""Signed things on the wire: the pre-authentication encoding of DSSE v1, several signers.

The container is canonical CBOR instead of JSON with base64 (DSSE leaves that free): smaller, and
with one form only. Says nothing of who the signers are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from beffroi.kernel import document, keys, limits
from beffroi.kernel.document import Blob, Id, Many, OneOf, Part, Whole
from beffroi.kernel.keys import Assertion

COMMAND = "application/vnd.beffroi.command+cbor"
LEASE = "application/vnd.beffroi.lease+cbor"
RECEIPT = "application/vnd.beffroi.receipt+cbor"
STATUS = "application/vnd.beffroi.status+cbor"
TYPES = (COMMAND, LEASE, RECEIPT, STATUS)


@dataclass(frozen=True, slots=True)
class Signature:
    """`key` is its id; `assertion` comes with passkeys only."""

    key: Annotated[str, Id()]
    value: Annotated[bytes, Blob(1, 128)]
    assertion: Annotated[Assertion | None, Part(Assertion, optional=True)] = None


@dataclass(frozen=True, slots=True)
class Logged:
    """Proof that an entry about the payload is in the evidence log (RFC 9162, section 2.1.3).

    `checkpoint` is a signed note with the cosignatures of witnesses.
    """

    entry: Annotated[bytes, Blob(1, limits.SIGNED_BYTES_MAX)]
    index: Annotated[int, Whole()]
    path: Annotated[tuple[bytes, ...], Many(Blob(32, 32), limits.PROOF_HASHES_MAX)]
    checkpoint: Annotated[bytes, Blob(1, limits.NOTE_BYTES_MAX)]


@dataclass(frozen=True, slots=True)
class Signed:
    """A payload with its signatures. `pae` is what each of them signs."""

    kind: Annotated[str, OneOf(TYPES)]
    payload: Annotated[bytes, Blob(1, limits.SIGNED_BYTES_MAX)]
    signatures: Annotated[tuple[Signature, ...], Many(Part(Signature), limits.SIGNATURES_MAX)] = ()
    logged: Annotated[Logged | None, Part(Logged, optional=True)] = None

    @property
    def pae(self) -> bytes:
        return pae(self.kind, self.payload)

    def by(self, private: bytes) -> Signed:
        """With one more Ed25519 signature."""
        key = keys.key_id(keys.ED25519, keys.public_of(private))
        return self.plus(Signature(key, keys.sign(private, self.pae)))

    def plus(self, signature: Signature) -> Signed:
        return replace(self, signatures=(*self.signatures, signature))


def pae(kind: str, payload: bytes) -> bytes:
    """DSSE v1: the type is signed with the payload, so a receipt can never pass for a command."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def pack(signed: Signed) -> bytes:
    return document.write(signed)


def unpack(wire: bytes) -> Signed:
    """CanonicalError or FieldError (both ValueError) for anything but a well-formed container."""
    return document.read(Signed, wire, limits.WIRE_BYTES_MAX)
