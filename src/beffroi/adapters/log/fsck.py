"""Is the log on this disk the one that was signed? A second way to the answer, on purpose.

Shares no code with the tree, the tiles and the notes that it checks: the Merkle tree is the naive
recursion of RFC 9162, section 2.1.1, the note is taken apart by hand. Reads only, names entries.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from beffroi.evidence.entry import EntryError, read_entry

FULL = 256


@dataclass(frozen=True, slots=True)
class Finding:
    """`index`: the first entry concerned, None when it is about the log as a whole."""

    fr: str
    en: str
    index: int | None = None


@dataclass(slots=True)
class Checked:
    """What was found. `sound` when nothing is wrong; the rest are counts for people."""

    size: int = 0
    payloads: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings

    def wrong(self, fr: str, en: str, index: int | None = None) -> None:
        self.findings.append(Finding(fr, en, index))


@dataclass(frozen=True, slots=True)
class _Note:
    origin: str
    size: int
    root: bytes


def fsck(folder: Path) -> Checked:
    """`folder`: the `evidence` folder of a home. May run beside the hub."""
    checked = Checked()
    # In this order: beside a running hub what is read later may only be ahead of what was read.
    seen = _witnessed(folder, checked)
    published = _published(folder, checked)
    kept = _kept(folder, checked)
    if kept is None:
        checked.wrong(
            "La base ne connaît aucun journal signé.", "The database knows no signed log."
        )
        kept = published
    if kept is None:
        return checked
    if published and (published.size > kept.size or published.origin != kept.origin):
        checked.wrong(
            f"Le fichier checkpoint ({published.size} entrées) est en avance sur la base "
            f"({kept.size}) : la base a été ramenée en arrière.",
            f"The checkpoint file ({published.size} entries) is ahead of the database "
            f"({kept.size}): the database was put back.",
        )
        kept = published
    checked.size = kept.size
    entries = _entries(folder / "log", kept.size, checked)
    leaves = [b"" if e is None else hashlib.sha256(b"\x00" + e).digest() for e in entries]
    _tiles(folder / "log", leaves, checked)
    if all(leaves) and _root(leaves, 0, len(leaves)) != kept.root:
        checked.wrong(
            "Les entrées ne sont pas celles qui furent signées.",
            "The entries are not those that were signed.",
        )
    if seen is not None:
        _still_so(seen, leaves, checked)
    _payloads(folder, entries, checked)
    return checked


def _root(leaves: Sequence[bytes], low: int, high: int) -> bytes:
    """MTH of RFC 9162, as it is written there."""
    if low == high:
        return hashlib.sha256().digest()
    if high - low == 1:
        return leaves[low]
    k = 1
    while k * 2 < high - low:
        k *= 2
    left, right = _root(leaves, low, low + k), _root(leaves, low + k, high)
    return hashlib.sha256(b"\x01" + left + right).digest()


def _kept(folder: Path, checked: Checked) -> _Note | None:
    path = folder / "payloads.sqlite"
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)) as base:
            broken = base.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if broken != "ok":
                checked.wrong(f"La base est abîmée : {broken}.", f"Damaged database: {broken}.")
            row = base.execute("SELECT note FROM latest").fetchone()
    except sqlite3.Error as error:
        checked.wrong(f"La base est illisible : {error}.", f"Unreadable database: {error}.")
        return None
    return _note(bytes(row[0]), folder, "payloads.sqlite", checked) if row else None


def _published(folder: Path, checked: Checked) -> _Note | None:
    path = folder / "log" / "checkpoint"
    if not path.exists():
        checked.wrong("Le fichier checkpoint manque.", "The checkpoint file is missing.")
        return None
    return _note(path.read_bytes(), folder, "checkpoint", checked)


def _note(data: bytes, folder: Path, where: str, checked: Checked) -> _Note | None:
    try:
        body, _, tail = data.decode().partition("\n\n")
        origin, size, root = body.split("\n")
        line = next(one for one in tail.splitlines() if one.startswith(f"\u2014 {origin} "))
        raw = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
        _signed(folder, raw[4:], f"{body}\n".encode())
        return _Note(origin, int(size), base64.b64decode(root, validate=True))
    except (ValueError, IndexError, StopIteration, OSError, InvalidSignature):
        checked.wrong(
            f"Le point de contrôle dans {where} est abîmé ou n’est pas signé par la clé du "
            "journal.",
            f"The checkpoint in {where} is damaged or not signed by the key of the log.",
        )
        return None


def _signed(folder: Path, signature: bytes, body: bytes) -> None:
    """By one of the keys in log.pub. InvalidSignature otherwise."""
    for line in (folder / "log.pub").read_text().splitlines():
        key = base64.b64decode(line.split("+", 2)[2])[1:]
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, body)
        except InvalidSignature:
            continue
        return
    raise InvalidSignature


def _digits(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03d}")
    return "/".join(parts)


def _entries(folder: Path, size: int, checked: Checked) -> list[bytes | None]:
    entries: list[bytes | None] = []
    for bundle in range((size + FULL - 1) // FULL):
        width = min(FULL, size - bundle * FULL)
        paths = [folder / "open" / str(bundle)] if width < FULL else []
        paths += [folder / "tile" / "entries" / _digits(bundle)]  # it is renamed when it is full
        data = next((one for one in map(_read, paths) if one is not None), b"")
        entries += list(_split(data, width, bundle * FULL, checked))
    return entries


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _split(data: bytes, width: int, first: int, checked: Checked) -> Iterator[bytes | None]:
    """Entries of a bundle; None from where it cannot be read any more."""
    at = 0
    for place in range(width):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if length == 0 or len(entry) != length:
            last = first + width - 1
            checked.wrong(
                f"Les entrées {first + place} à {last} manquent ou sont illisibles.",
                f"Entries {first + place} to {last} are missing or unreadable.",
                first + place,
            )
            yield from [None] * (width - place)
            return
        at += 2 + length
        yield entry


def _tiles(folder: Path, leaves: Sequence[bytes], checked: Checked) -> None:
    """Every full tile against the hashes computed anew."""
    row, level, span = list(leaves), 0, 1
    while len(row) >= FULL:
        for index in range(len(row) // FULL):
            want = row[index * FULL : (index + 1) * FULL]
            path = folder / "tile" / str(level) / _digits(index)
            have = path.read_bytes() if path.is_file() else b""
            _tile(have, want, (level, index, span), checked)
        row = [
            _root(row, at, at + FULL) if all(row[at : at + FULL]) else b""
            for at in range(0, len(row) - FULL + 1, FULL)
        ]
        level, span = level + 1, span * FULL


def _tile(
    have: bytes, want: Sequence[bytes], where: tuple[int, int, int], checked: Checked
) -> None:
    level, index, span = where
    if len(have) != 32 * FULL:
        checked.wrong(
            f"La tuile {level}/{index} manque ou est abîmée.",
            f"Tile {level}/{index} is missing or damaged.",
            index * FULL * span,
        )
        return
    for place, hash_ in enumerate(want):
        if hash_ and have[32 * place : 32 * place + 32] != hash_:
            entry = (index * FULL + place) * span
            checked.wrong(
                f"L’entrée {entry} ne s’accorde pas avec la tuile {level}/{index} : l’une des deux "
                "a été changée.",
                f"Entry {entry} does not agree with tile {level}/{index}: one of them was changed.",
                entry,
            )
            return


def _witnessed(folder: Path, checked: Checked) -> _Note | None:
    path = folder / "witnessed"
    return _note(path.read_bytes(), folder, "witnessed", checked) if path.exists() else None


def _still_so(seen: _Note, leaves: Sequence[bytes], checked: Checked) -> None:
    if seen.size > len(leaves):
        checked.wrong(
            f"Les témoins ont vu {seen.size} entrées ; il n’en reste que {len(leaves)}.",
            f"Witnesses have seen {seen.size} entries; only {len(leaves)} are left.",
            len(leaves),
        )
    elif all(leaves[: seen.size]) and _root(leaves, 0, seen.size) != seen.root:
        checked.wrong(
            "Le journal n’est plus celui que les témoins ont vu.",
            "The log is no longer the one that witnesses have seen.",
        )


def _payloads(folder: Path, entries: Sequence[bytes | None], checked: Checked) -> None:
    sealed = {}
    for index, entry in enumerate(entries):
        if entry is None:
            continue
        try:
            digest = read_entry(entry).sealed
        except EntryError:
            checked.wrong(
                f"L’entrée {index} n’est pas dans sa forme unique.",
                f"Entry {index} is not in its one form.",
                index,
            )
            continue
        if digest:
            sealed[index] = digest
    path = folder / "payloads.sqlite"
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)) as base:
            for index, salt, data in base.execute("SELECT idx, salt, data FROM payload"):
                checked.payloads += index < len(entries)
                known = index >= len(entries) or entries[index] is None
                if not known and sealed.get(index) != hashlib.sha256(salt + data).digest():
                    checked.wrong(
                        f"Le contenu gardé pour l’entrée {index} n’est pas celui qui fut scellé.",
                        f"The payload kept for entry {index} is not the one that was sealed.",
                        index,
                    )
    except (sqlite3.Error, TypeError) as error:
        checked.wrong(f"Contenus illisibles : {error}.", f"Unreadable payloads: {error}.")
    checked.erased = max(0, len(sealed) - checked.payloads)
