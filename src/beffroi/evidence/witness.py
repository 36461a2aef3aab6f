"""May I cosign this checkpoint? The whole decision of a witness (C2SP tlog-witness), from values.

A witness promises one thing: it never cosigns two histories of one log. So it cosigns only what is
proven to begin with the last checkpoint it cosigned. Knows no network and no clock; whoever asks
must make the new state durable before the cosignature leaves.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from beffroi.evidence.limits import WITNESS_PROOF_MAX, WITNESS_REQUEST_BYTES_MAX
from beffroi.evidence.merkle import EMPTY, ProofError, check_consistency
from beffroi.kernel.keys import same
from beffroi.kernel.note import Checkpoint, NoteError, read_note
from beffroi.kernel.roster import HUB, LOG, WITNESS, Roster

_OLD = re.compile(rb"old (0|[1-9][0-9]{0,15})")


class Refusal(Enum):
    """Why not, with the HTTP status that the specification gives it."""

    UNREADABLE = (400, "the request is not an add-checkpoint request")
    UNKNOWN_LOG = (404, "this witness does not know that log")
    NOT_SIGNED = (403, "the checkpoint is not signed by the key known for that log")
    BACKWARDS = (400, "the old size is greater than the checkpoint's")
    NOT_THE_LAST = (409, "the last checkpoint cosigned had another size")
    SPLIT_VIEW = (409, "another tree of the same size was cosigned before")
    NOT_CONSISTENT = (422, "the proof does not lead from the last checkpoint to this one")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint that this witness cosigned of one log; the default: none yet."""

    size: int = 0
    root: bytes = EMPTY


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """`old`: the size that the log believes the witness saw last; `proof` leads from there."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    def encoded(self) -> bytes:
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint.text()


class RequestError(ValueError):
    """Not an add-checkpoint request."""


def read_request(data: bytes) -> AddCheckpoint:
    """RequestError unless it is exactly one."""
    if len(data) > WITNESS_REQUEST_BYTES_MAX:
        raise RequestError(f"{len(data)} bytes")
    head, separator, note = data.partition(b"\n\n")
    first, *hashes = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if not separator or old is None or len(hashes) > WITNESS_PROOF_MAX:
        raise RequestError("not an old size, a proof, an empty line and a checkpoint")
    try:
        return AddCheckpoint(int(old[1]), tuple(_hash(one) for one in hashes), read_note(note))
    except NoteError as error:
        raise RequestError(str(error)) from error


def _hash(line: bytes) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise RequestError("a hash is not base64") from error
    if len(raw) != 32 or base64.b64encode(raw) != line:
        raise RequestError("a hash has 32 bytes, written in one way")
    return raw


def judge(
    request: AddCheckpoint, logs: Mapping[str, Sequence[bytes]], seen: Seen
) -> Seen | Refusal:
    """What to remember, durably, before cosigning; or why not. `logs`: {origin: public keys}.

    Rules in the order of the specification: origin, signature, old size, last size, proof.
    """
    new = request.checkpoint
    keys = logs.get(new.origin)
    if keys is None:
        return Refusal.UNKNOWN_LOG
    if not any(new.signed_by(new.origin, key) for key in keys):
        return Refusal.NOT_SIGNED
    if request.old > new.size:
        return Refusal.BACKWARDS
    if request.old != seen.size:
        return Refusal.NOT_THE_LAST
    if new.size == seen.size and not same(new.root, seen.root):
        return Refusal.SPLIT_VIEW
    try:
        check_consistency(seen.size, seen.root, new.size, new.root, request.proof)
    except ProofError:
        return Refusal.NOT_CONSISTENT
    return Seen(new.size, new.root)


def vouched(checkpoint: Checkpoint, roster: Roster) -> dict[str, int]:
    """When each witness of the roster has seen it (seconds since 1970), by name. Whoever else
    cosigned is nobody's witness; who holds the hub's or the log's key is none from outside."""
    ours = {roster.commune, *(one.org for one in roster.members if one.role in (HUB, LOG))}
    found = {
        one.person: checkpoint.cosigned_by(one.person, one.public)
        for one in roster.having(WITNESS)
        if one.org not in ours
    }
    return {name: seconds for name, seconds in found.items() if seconds is not None}
