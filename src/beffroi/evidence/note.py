"""Signs checkpoints: the log's own signature and a witness's. Reading them is the kernel's."""

from __future__ import annotations

from beffroi.kernel import keys
from beffroi.kernel.note import (
    COSIGNATURE,
    SIGNATURE,
    Checkpoint,
    NoteSignature,
    cosigned,
    key_hint,
)


def sign_note(checkpoint: Checkpoint, name: str, private: bytes) -> NoteSignature:
    """The log's own signature."""
    hint = key_hint(name, SIGNATURE, keys.public_of(private))
    return NoteSignature(name, hint + keys.sign(private, checkpoint.body))


def cosign_note(checkpoint: Checkpoint, name: str, private: bytes, seconds: int) -> NoteSignature:
    """A witness's signature."""
    hint = key_hint(name, COSIGNATURE, keys.public_of(private))
    signature = keys.sign(private, cosigned(seconds, checkpoint.body))
    return NoteSignature(name, hint + seconds.to_bytes(8, "big") + signature)
