"""The vault in a backup: its keys in a file of their own, and the list of who was erased.

The sealed fields travel with the rest of the home; without the keys they are noise, so the two are
kept in two places. The list holds digests of pseudonyms: an older copy that is taken back is held
against it and erases them again (`hub.privacy.again`). A backup has a stated life: `prune` ends it.

Knows no field and opens none.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from beffroi.adapters import durable
from beffroi.adapters.personal.access import AccessLog
from beffroi.ports.personal import PersonalError

KEYS, FIELDS = "personal.keys", "personal.sqlite"
ERASED = "erased-persons.txt"
_HEAD = "# Digests of erased persons. Keep it beside every copy: restoring erases them again.\n"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OURS = re.compile(
    r"beffroi-(\d{8}T\d{6}Z)\.(backup|backup\.manifest\.json|backup\.read-back|home\.tar\.gz|keys)"
)


def copy_keys(home: Path, target: Path) -> bool:
    """After the fields were copied: a key without fields is swept, never the other way round.
    False when there is no vault."""
    try:
        data = (home / KEYS).read_bytes()
    except FileNotFoundError:
        return False
    _write(target, data)
    return True


def restore_keys(copy: Path, home: Path) -> None:
    _write(home / KEYS, copy.read_bytes())


def erased_in(home: Path) -> list[str]:
    """Pseudonyms that the vault's access log says were erased, also while the hub runs."""
    path = home / FIELDS
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)) as conn:
            return AccessLog(conn).erased()
    except sqlite3.Error as error:
        raise PersonalError(f"{path} cannot be read: {error}") from error


def read_erased(path: Path) -> set[str]:
    """Digests of a list; PersonalError when a line is none: a list cut short must not pass."""
    if not path.exists():
        return set()
    lines = [line.strip() for line in path.read_text().splitlines()]
    found = {line for line in lines if line and not line.startswith("#")}
    if wrong := [line for line in sorted(found) if not _DIGEST.fullmatch(line)]:
        raise PersonalError(f"{path}: {wrong[0][:70]!r} is no digest: take another copy of it")
    return found


def add_erased(path: Path, digests: Iterable[str]) -> int:
    """The list grows and never shrinks; how many are on it."""
    known = read_erased(path) | set(digests)
    durable.replace(path, (_HEAD + "".join(f"{one}\n" for one in sorted(known))).encode())
    return len(known)


def prune(folder: Path, now_ms: int, days: int) -> list[str]:
    """Names of the files of backups older than `days`, which are gone. Age is in the name: a copy
    of a file has a new date. Files that are not ours stay."""
    oldest = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC) - dt.timedelta(days=days)
    gone = []
    for path in sorted(folder.iterdir()):
        named = _OURS.fullmatch(path.name)
        if named and path.is_file() and not path.is_symlink() and _made(named[1]) < oldest:
            path.unlink()
            gone.append(path.name)
    durable.sync(folder)
    return gone


def _made(stamp: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:  # no such day: not a name we gave
        return dt.datetime.max.replace(tzinfo=dt.UTC)


def _write(target: Path, data: bytes) -> None:
    try:
        durable.create(target, data)
    except FileExistsError as error:
        raise PersonalError(f"{target} exists: nothing is overwritten") from error
