"""Is this command in the evidence log, and have outsiders seen that log? Decided from bytes."""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.kernel.canonical import CanonicalError, decode
from beffroi.kernel.dsse import Logged
from beffroi.kernel.keys import same, sha256
from beffroi.kernel.limits import SIGNED_BYTES_MAX
from beffroi.kernel.note import Checkpoint, NoteError, read_note
from beffroi.kernel.roster import HUB, LOG, WITNESS, Roster

ENTRY_KIND = "command.approved"


class LoggedError(ValueError):
    """The proof does not hold; the text says where."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162, section 2.1.1."""
    return sha256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise LoggedError("the index is outside the log")
    at, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise LoggedError("the proof is too long")
        if at & 1 or at == last:
            root = node_hash(step, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, step)
        at, last = at >> 1, last >> 1
    if last:
        raise LoggedError("the proof is too short")
    return root


def witnesses(proof: Logged, digest: bytes, origin: str, roster: Roster) -> int:
    """How many outside organisations have cosigned a log of ours that holds this command.

    An organisation that holds the hub's or the log's key is not outside.
    LoggedError when it is not ours, not signed by us, or does not hold it.
    """
    checkpoint = _checkpoint(proof, origin, roster)
    _about(proof.entry, digest)
    root = root_of(leaf_hash(proof.entry), proof.index, checkpoint.size, proof.path)
    if not same(root, checkpoint.root):
        raise LoggedError("the entry is not in the log of this checkpoint")
    seen = {
        member.org
        for member in roster.having(WITNESS)
        if checkpoint.cosigned_by(member.person, member.public) is not None
    }
    ours = {member.org for member in roster.members if member.role in (HUB, LOG)}
    return len(seen - ours - {roster.commune})


def _checkpoint(proof: Logged, origin: str, roster: Roster) -> Checkpoint:
    try:
        checkpoint = read_note(proof.checkpoint)
    except NoteError as error:
        raise LoggedError(f"the checkpoint is unreadable: {error}") from error
    if checkpoint.origin != origin:
        raise LoggedError(f"the checkpoint is of {checkpoint.origin}")
    if not any(checkpoint.signed_by(origin, m.public) for m in roster.having(LOG)):
        raise LoggedError("the checkpoint is not signed by our log")
    return checkpoint


def _about(entry: bytes, digest: bytes) -> None:
    try:
        said = decode(entry, SIGNED_BYTES_MAX)
    except CanonicalError as error:
        raise LoggedError(f"the entry is unreadable: {error}") from error
    if not isinstance(said, dict) or said.get("kind") != ENTRY_KIND:
        raise LoggedError("the entry is not about an approval")
    if said.get("subject") != digest:
        raise LoggedError("the entry is about another command")
