"""Checkpoints as C2SP signed notes (tlog-checkpoint, tlog-cosignature): read and verified.

A note is text: origin, size, root in base64, an empty line, then one line per signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from beffroi.kernel import keys
from beffroi.kernel.limits import NOTE_BYTES_MAX, NOTE_LINES_MAX, WHOLE_MAX

SIGNATURE, COSIGNATURE = 0x01, 0x04  # signature types of C2SP signed-note
_BODY = re.compile(r"([!-*,-~]{1,200})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n")
_LINE = re.compile(r"\u2014 ([!-*,-~]{1,200}) ([A-Za-z0-9+/]+={0,2})\n")


class NoteError(ValueError):
    """Not a checkpoint."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """`raw`: four bytes that name the key, then the signature (for a witness with its time)."""

    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log of `origin` had `size` entries with this Merkle `root`."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[NoteSignature, ...] = ()

    @property
    def body(self) -> bytes:
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\n".encode()

    def text(self) -> bytes:
        pairs = [(one.name, base64.b64encode(one.raw).decode()) for one in self.signatures]
        return self.body + b"\n" + "".join(f"\u2014 {n} {raw}\n" for n, raw in pairs).encode()

    def signed_by(self, name: str, public: bytes) -> bool:
        """By the log itself."""
        hint = key_hint(name, SIGNATURE, public)
        return any(
            one.name == name and one.raw[:4] == hint and keys.verify(public, one.raw[4:], self.body)
            for one in self.signatures
        )

    def cosigned_by(self, name: str, public: bytes) -> int | None:
        """When this witness said that it had seen it (seconds since 1970); None if it did not."""
        hint = key_hint(name, COSIGNATURE, public)
        for one in self.signatures:
            if one.name != name or one.raw[:4] != hint:
                continue
            seconds = int.from_bytes(one.raw[4:12], "big")
            if keys.verify(public, one.raw[12:], cosigned(seconds, self.body)):
                return seconds
        return None


def key_hint(name: str, kind: int, public: bytes) -> bytes:
    return keys.sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


def cosigned(seconds: int, body: bytes) -> bytes:
    """What a witness signs."""
    return b"cosignature/v1\ntime %d\n%s" % (seconds, body)


def read_note(data: bytes) -> Checkpoint:
    """NoteError unless it is exactly one checkpoint with at least one signature line."""
    if len(data) > NOTE_BYTES_MAX:
        raise NoteError(f"{len(data)} bytes, more than {NOTE_BYTES_MAX}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError("not UTF-8") from error
    head, separator, tail = text.partition("\n\n")
    body = _BODY.fullmatch(head + "\n")
    if not separator or body is None:
        raise NoteError("not origin, size and root")
    lines = tail.splitlines(keepends=True)
    if not 1 <= len(lines) <= NOTE_LINES_MAX:
        raise NoteError(f"{len(lines)} signatures")
    size = int(body[2])
    if size > WHOLE_MAX:
        raise NoteError("a log that large does not exist")
    return Checkpoint(body[1], size, _base64(body[3]), tuple(_line(one) for one in lines))


def _line(line: str) -> NoteSignature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise NoteError("a line that is not a signature")
    raw = _base64(found[2])
    if not 4 < len(raw) <= 200:
        raise NoteError("a signature of impossible length")
    return NoteSignature(found[1], raw)


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteError("not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteError("base64 in another form")
    return raw
