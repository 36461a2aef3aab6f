"""One line of the log: what kind of thing happened, when, about what. Never a personal datum.

An entry holds identifiers of things, whole numbers and salted digests. Persons, texts, signed
bytes are payloads: kept elsewhere with their salt, and erasable. Without its salt a digest says
nothing, not even to somebody who guesses the payload; so erasing both erases the payload, while
every proof still holds. Knows nothing of where entries and payloads are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.evidence.limits import ENTRY_BYTES_MAX, PAYLOAD_BYTES_MAX, REFS_MAX, SALT_BYTES
from beffroi.kernel import document
from beffroi.kernel.canonical import Value
from beffroi.kernel.document import Blob, FieldError, Id, Table, Whole
from beffroi.kernel.keys import sha256

NOTHING = bytes(32)  # the subject of an entry that is about no signed thing

# Names of refs, a closed list: a free name invites a free text. No person is among them, not even
# under a pseudonym: who signed is in the payload. What is put under `guard` or `target` is the
# identifier of a thing.
REFS = (
    "action", "alarm", "asset", "case", "commune", "count", "device", "epoch", "first", "guard",
    "incident", "klass", "last", "number", "outcome", "plan", "reason", "rule", "service", "size",
    "source", "target", "template", "version",
)  # fmt: skip


class EntryError(ValueError):
    """This cannot be recorded; the text says why."""


class _Ref(document.Same):
    """An identifier or a whole number. Texts with spaces, accents or @ are not identifiers."""

    def read(self, value: Value) -> int | str:
        return Id().read(value) if isinstance(value, str) else Whole().read(value)


_KIND, _WHOLE, _SUBJECT, _REFERENCES = Id(), Whole(), Blob(32, 32), Table(_Ref(), REFS_MAX)


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is in two parts: `command.refused`. `subject` is the digest of the signed thing it is
    about (a command's, a receipt's hash), or NOTHING. `sealed` is the salted digest of the payload,
    empty when there is none. `refs`: identifiers by a name of REFS."""

    kind: Annotated[str, Id()]
    at_ms: Annotated[int, Whole()]
    subject: Annotated[bytes, Blob(32, 32)] = NOTHING
    sealed: Annotated[bytes, Blob(0, 32)] = b""
    refs: Annotated[Mapping[str, int | str], Table(_Ref(), REFS_MAX)] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return document.write(self)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be recorded, with its payload still open (empty for none)."""

    kind: str
    at_ms: int
    subject: bytes = NOTHING
    refs: Mapping[str, int | str] = field(default_factory=dict)
    payload: bytes = b""

    def sealed(self, salt: bytes) -> Entry:
        """EntryError if it is not something that may be recorded."""
        if len(salt) != SALT_BYTES:
            raise EntryError(f"a salt has {SALT_BYTES} bytes")
        if len(self.payload) > PAYLOAD_BYTES_MAX:
            raise EntryError(f"{len(self.payload)} bytes of payload, more than {PAYLOAD_BYTES_MAX}")
        digest = seal(salt, self.payload) if self.payload else b""
        entry = Entry(self.kind, self.at_ms, self.subject, digest, dict(self.refs))
        try:
            _lawful(entry)
        except ValueError as error:
            raise EntryError(f"this cannot be recorded: {error}") from error
        return entry


def seal(salt: bytes, payload: bytes) -> bytes:
    """The salted digest. The salt has one length, so no two pairs give the same bytes."""
    return sha256(salt + payload)


def read_entry(data: bytes) -> Entry:
    """EntryError unless it is exactly one entry in its one form."""
    try:
        entry = document.read(Entry, data, ENTRY_BYTES_MAX)
        _lawful(entry)
    except ValueError as error:
        raise EntryError(f"not an entry: {error}") from error
    return entry


def _lawful(entry: Entry) -> None:
    """All rules, on the values: an entry that passes reads back from its bytes."""
    _KIND.read(entry.kind)
    _WHOLE.read(entry.at_ms)
    _SUBJECT.read(entry.subject)
    refs: dict[str, Value] = dict(entry.refs)
    _REFERENCES.read(refs)
    if entry.kind.count(".") != 1:
        raise FieldError(f"the kind {entry.kind} is not in two parts, as command.refused is")
    if len(entry.sealed) not in (0, 32):
        raise FieldError("a digest has 32 bytes")
    unknown = sorted(set(entry.refs) - set(REFS))
    if unknown:
        raise FieldError(f"refs {unknown} are not among {', '.join(REFS)}")
