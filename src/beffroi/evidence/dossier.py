"""A file of evidence that stands alone: entries, proofs, the checkpoint, the roster, payloads.

Lines of text, one thing a line, so that it survives mail and so that damage stays in its line and
can be named. The last line is a checksum: it finds accidents. Against people there are proofs.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.evidence.limits import (
    DOSSIER_BYTES_MAX,
    DOSSIER_LINE_BYTES_MAX,
    DOSSIER_LINES_MAX,
    ENTRY_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
    SALT_BYTES,
)
from beffroi.kernel import document
from beffroi.kernel.document import Blob, Many, Whole
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import PROOF_HASHES_MAX

MAGIC = "beffroi-evidence 1"
NOTE, ROSTER, STAMP, ENTRY, SUM = "note", "roster", "stamp", "entry", "sum"


class DossierError(ValueError):
    """This is not a file of evidence at all."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry with the proof that it is in the log. `salt` and `payload` are empty when the
    payload was erased or is not handed out."""

    index: Annotated[int, Whole()]
    entry: Annotated[bytes, Blob(1, ENTRY_BYTES_MAX)]
    path: Annotated[tuple[bytes, ...], Many(Blob(32, 32), PROOF_HASHES_MAX)]
    salt: Annotated[bytes, Blob(0, SALT_BYTES)] = b""
    payload: Annotated[bytes, Blob(0, PAYLOAD_BYTES_MAX)] = b""


@dataclass(frozen=True, slots=True)
class Dossier:
    """`note`: the signed checkpoint with cosignatures. `roster`, `stamp` (RFC 3161): or empty."""

    note: bytes
    items: tuple[Item, ...]
    roster: bytes = b""
    stamp: bytes = b""

    def text(self) -> bytes:
        lines = [MAGIC, f"{NOTE} {_b64(self.note)}"]
        lines += [f"{ROSTER} {_b64(self.roster)}"] if self.roster else []
        lines += [f"{STAMP} {_b64(self.stamp)}"] if self.stamp else []
        lines += [f"{ENTRY} {one.index} {_b64(document.write(one))}" for one in self.items]
        body = "".join(f"{line}\n" for line in lines).encode()
        return body + f"{SUM} {sha256(body).hex()}\n".encode()


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that cannot be read. `index`: of the entry that it says it holds, if it says."""

    line: int
    label: str
    index: int | None = None


@dataclass(slots=True)
class Found:
    """What a file holds, as far as it can be read."""

    note: bytes = b""
    roster: bytes = b""
    stamp: bytes = b""
    items: list[Item] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    whole: bool = False  # the checksum holds


def read_dossier(data: bytes) -> Found:
    """DossierError only when it is too large or does not begin as one; all else is in `damage`."""
    if len(data) > DOSSIER_BYTES_MAX:
        raise DossierError(f"{len(data)} bytes, more than {DOSSIER_BYTES_MAX}")
    lines = data.split(b"\n")
    if len(lines) > DOSSIER_LINES_MAX:
        raise DossierError(f"more than {DOSSIER_LINES_MAX} lines")
    found = Found()
    if lines[0] != MAGIC.encode():
        _resembles(lines[0])
        found.damage.append(Damage(1, "?"))
    found.whole = len(lines) > 2 and lines[-1] == b"" and lines[-2] == _sum(data)
    end = len(lines) - 2 if len(lines) > 2 else len(lines)
    for number, line in enumerate(lines[1:end], 2):
        _line(line, number, found)
    return found


def _resembles(line: bytes) -> None:
    """One damaged letter is damage; another file is another file."""
    wanted = MAGIC.encode()
    alike = sum(a == b for a, b in zip(line, wanted, strict=False))
    if alike < len(wanted) // 2:
        raise DossierError("not a file of evidence: it does not begin with beffroi-evidence")


def _sum(data: bytes) -> bytes:
    at = data.rfind(b"\n", 0, len(data) - 1) + 1
    return f"{SUM} {sha256(data[:at]).hex()}".encode()


def _line(line: bytes, number: int, found: Found) -> None:
    label, _, rest = line.partition(b" ")
    name = label.decode(errors="replace")
    if name == ENTRY:
        _entry(rest, number, found)
        return
    raw = _unb64(rest)
    if name not in (NOTE, ROSTER, STAMP) or raw is None or getattr(found, name):
        shown = name if name in (NOTE, ROSTER, STAMP) else "?"
        found.damage.append(Damage(number, shown, _nearest(line)))
        return
    setattr(found, name, raw)


def _entry(rest: bytes, number: int, found: Found) -> None:
    digits, _, text = rest.partition(b" ")
    raw = _unb64(text)
    index = int(digits) if digits.isdigit() and len(digits) <= 16 else None
    try:
        if raw is None:
            raise ValueError("not base64")
        item = document.read(Item, raw, DOSSIER_LINE_BYTES_MAX)
    except ValueError:
        found.damage.append(Damage(number, ENTRY, index))
        return
    doubled = any(item.index <= other.index for other in found.items[-1:])
    if digits != str(item.index).encode() or doubled:  # either number may be the changed one
        told = {item.index} | ({index} if index is not None else set())
        found.damage += [Damage(number, ENTRY, one) for one in sorted(told)]
        return
    found.items.append(item)


def _nearest(line: bytes) -> int | None:
    """The index in a line whose label is damaged."""
    parts = line.split(b" ")
    alike = len(parts) == 3 and parts[1].isdigit() and len(parts[1]) <= 16
    return int(parts[1]) if alike else None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: bytes) -> bytes | None:
    """None unless it is base64 in its one form: spare bits that nobody reads are damage too."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw and base64.b64encode(raw) == text else None


def stamped(data: bytes, stamp: bytes) -> bytes:
    """The same file with a time stamp. DossierError when the file is damaged."""
    found = read_dossier(data)
    if found.damage or not found.whole:
        raise DossierError("the file is damaged: export it again")
    return Dossier(found.note, tuple(found.items), found.roster, stamp).text()
