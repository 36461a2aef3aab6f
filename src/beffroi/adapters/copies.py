"""A copy of everything in a home that is not in the main database, while the hub runs; and back.

Authority, keys, trust, evidence log, settings: without them a restored commune has readings but no
devices that it recognises and no proof of what it did. The main database has its own copy; broker
messages that wait are still with their streams. Of personal data the sealed fields are in it and
the keys are not: those are `adapters.personal.copying`'s, in a file to be kept elsewhere.
The copy holds the commune's keys: its mode is 0600, and it is to be kept like a key.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from beffroi.adapters import durable
from beffroi.model.limits import COPY_FILE_BYTES_MAX, COPY_FILES_MAX

KEPT = (
    "config.toml",
    "ca",
    "keys",
    "trust",
    "evidence",
    "alerts",
    "codecs",
    "lab",
    "personal.sqlite",
)
CHECKPOINT = Path("evidence/log/checkpoint")
MANIFEST = "MANIFEST.json"
_PASSING = ("-wal", "-shm", "-journal", ".tmp", ".lock")


class CopyError(Exception):
    """The copy cannot be made or taken back; the text says what to do."""


def copy_home(home: Path, target: Path) -> int:
    """Write `target` (a tar file that must not exist yet); how many files it holds.

    The evidence log may be growing meanwhile: its checkpoint file is read first, then its SQLite
    file, then the entries, so that what is copied later is never less than what was signed for.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digests: dict[str, str] = {}
    if target.exists():
        raise CopyError(f"{target} exists: give another name")
    with durable.new(target) as out, tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path in _in_order(home):
            name = path.relative_to(home).as_posix()
            data = _content(path)
            if data is None:  # renamed or removed since it was listed
                continue
            digests[name] = hashlib.sha256(data).hexdigest()
            _add(tar, name, data, path.stat().st_mode if path.exists() else 0o600)
        _add(tar, MANIFEST, json.dumps(digests, indent=1, sort_keys=True).encode(), 0o600)
    return len(digests)


def holds(copy: Path, name: str) -> bool:
    """Whether this file is in the copy. CopyError when it is no sound copy."""
    return name in _checked(copy)


def restore_home(copy: Path, home: Path, leave: Collection[str] = ()) -> int:
    """Write the files of a copy, but `leave`, into a home that has none of them; how many.
    All are checked against the manifest before the first is written. CopyError otherwise, and
    nothing is written.
    """
    files = {name: one for name, one in _checked(copy).items() if name not in leave}
    there = [name for name in files if (home / name).exists()]
    if there:
        raise CopyError(
            f"{home} already has {there[0]}: nothing is overwritten; restore into an empty folder"
        )
    for name, (data, mode) in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.create(path, data, mode & 0o700 | 0o400)
    return len(files)


def _in_order(home: Path) -> Iterator[Path]:
    first = home / CHECKPOINT
    if first.is_file():
        yield first
    found = [path for name in KEPT for path in _files(home / name)]
    found.sort(key=lambda path: (path.suffix != ".sqlite", path.as_posix()))
    yield from (path for path in found if path != first)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        for path in place.rglob("*"):
            passing = path.name.endswith(_PASSING) or path.name == "lock"
            if path.is_file() and not path.is_symlink() and not passing:
                yield path


def _content(path: Path) -> bytes | None:
    try:
        if path.suffix == ".sqlite":
            return _database(path)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (OSError, sqlite3.Error) as error:
        raise CopyError(f"{path} cannot be read: {error}") from error


def _database(path: Path) -> bytes:
    """As of one moment, whatever is written meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        calm = Path(folder) / "copy.sqlite"
        source = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)
        with closing(source), closing(sqlite3.connect(calm)) as target:
            source.backup(target)
        return calm.read_bytes()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode & 0o700
    tar.addfile(info, io.BytesIO(data))


def _checked(copy: Path) -> dict[str, tuple[bytes, int]]:
    files: dict[str, tuple[bytes, int]] = {}
    try:
        with gzip.open(copy) as whole:
            while whole.read(1024**2):  # to the end, where its checksum is
                pass
        with tarfile.open(copy, "r:gz") as tar:
            for info in tar:
                _safe(info, len(files))
                taken = tar.extractfile(info)
                files[info.name] = (taken.read() if taken else b"", info.mode)
        digests = json.loads(files.pop(MANIFEST)[0])
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError, zlib.error) as error:
        raise CopyError(f"{copy} is not a whole copy of a home: {error}") from error
    found = {name: hashlib.sha256(data).hexdigest() for name, (data, _) in files.items()}
    if found != digests:
        odd = sorted({*found.items()} ^ {*digests.items()})[0][0]
        raise CopyError(f"{odd} in {copy} is damaged: take another copy")
    return files


def _safe(info: tarfile.TarInfo, count: int) -> None:
    path = Path(info.name)
    inside = not path.is_absolute() and ".." not in path.parts
    known = info.name == MANIFEST or (bool(path.parts) and path.parts[0] in KEPT)
    if not info.isfile() or not inside or not known:
        raise CopyError(f"{info.name} has no place in a copy of a home: it was not made by us")
    if info.size > COPY_FILE_BYTES_MAX or count >= COPY_FILES_MAX:
        raise CopyError(f"{info.name}: more than a copy of a home may hold")
