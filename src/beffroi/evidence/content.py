"""The forms in which the hub keeps what was signed, read back into one: a container of DSSE.

A command on the wire; or the command with the signatures gathered for it; or one signature, whose
command is the payload of another entry about the same subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beffroi.evidence.limits import PAYLOAD_BYTES_MAX
from beffroi.kernel import document
from beffroi.kernel.canonical import Value, decode
from beffroi.kernel.dsse import COMMAND, Signature, Signed, unpack
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import SIGNATURES_MAX, SIGNED_BYTES_MAX, WIRE_BYTES_MAX


def signed_in(payload: bytes, commands: Mapping[bytes, bytes], subject: bytes) -> Signed | None:
    """What was signed, None when the payload is something else. `commands`: bytes by digest."""
    if len(payload) <= WIRE_BYTES_MAX:
        try:
            return unpack(payload)
        except ValueError:
            pass
    try:
        return _gathered(decode(payload, PAYLOAD_BYTES_MAX), commands.get(subject))
    except ValueError:
        return None


def _gathered(said: Value, known: bytes | None) -> Signed | None:
    if not isinstance(said, dict):
        return None
    if said.keys() == {"command", "signatures"}:
        command, listed = said["command"], said["signatures"]
        if not isinstance(command, bytes) or not isinstance(listed, list):
            return None
        values = [one.get("signature") if isinstance(one, dict) else None for one in listed]
        return Signed(COMMAND, command, tuple(_signature(one) for one in values[:SIGNATURES_MAX]))
    if said.keys() == {"person", "key", "signature"} and known is not None:
        return Signed(COMMAND, known, (_signature(said["signature"]),))
    return None


def _signature(value: Value) -> Signature:
    if not isinstance(value, bytes):
        raise document.FieldError("not a signature")
    return document.read(Signature, value, SIGNED_BYTES_MAX)


def commands_in(payloads: Iterable[bytes]) -> dict[bytes, bytes]:
    """The bytes of every command among these payloads, by digest."""
    found = {}
    for payload in payloads:
        signed = signed_in(payload, {}, b"")
        if signed is not None and signed.kind == COMMAND:
            found[sha256(signed.payload)] = signed.payload
    return found
