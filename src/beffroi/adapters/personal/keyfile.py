"""One key per person in a flat file of fixed slots, each overwritten in place when erased.

Not a database on purpose: SQLite's journal or write-ahead log would hold a second copy of each key,
and so would any file that is written anew and renamed. Here a key has one place on disk; erasing is
64 zero bytes over it, and a sync. What the disk itself keeps (spare blocks of an SSD, snapshots of
a file system) no program can reach: that is what disk encryption is for (docs/privacy.md).

Knows neither fields nor purposes. One process at a time.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from beffroi.adapters.durable import sync
from beffroi.ports.personal import PersonalError

MAGIC = b"beffroi personal keys 1\n".ljust(64, b"\0")
SLOT_BYTES = 64  # a sector holds eight: a slot is never torn across two
KEY_BYTES = 32
NAME_BYTES = 16
_BODY = struct.Struct(">4s16s32s")
_USED = b"key1"
_EMPTY = bytes(SLOT_BYTES)
_PART = 16_384 * SLOT_BYTES


class KeyFile:
    """Slots by number. `take` and `erase` are on disk when they return."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._broken = False
        self._count = 0
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._begin()
            self._free = [at for at, name, _ in self._slots() if name is None]
            heapq.heapify(self._free)
        except BlockingIOError as error:
            os.close(self._fd)
            raise PersonalError(f"{path} is in use by another process: stop it first") from error
        except BaseException:
            os.close(self._fd)
            raise

    def take(self, name: bytes, key: bytes) -> int:
        """Keep a key; the number of its slot."""
        slot = heapq.heappop(self._free) if self._free else self._count
        body = _BODY.pack(_USED, name, key)
        self._write(slot, (body + zlib.crc32(body).to_bytes(4, "big")).ljust(SLOT_BYTES, b"\0"))
        self._count = max(self._count, slot + 1)
        return slot

    def key(self, slot: int, name: bytes) -> bytes | None:
        """The key in this slot, if it is there and of this name."""
        held = _read(os.pread(self._fd, SLOT_BYTES, (slot + 1) * SLOT_BYTES))
        return held[1] if held is not None and held[0] == name else None

    def erase(self, slot: int) -> None:
        """Its bytes are gone from the file when this returns."""
        self._write(slot, _EMPTY)
        if os.pread(self._fd, SLOT_BYTES, (slot + 1) * SLOT_BYTES) != _EMPTY:
            raise PersonalError("an erased key can still be read: check the disk")
        heapq.heappush(self._free, slot)

    def used(self) -> Iterator[tuple[int, bytes]]:
        """(slot, name) of every key."""
        return ((at, name) for at, name, _ in self._slots() if name)

    def damaged(self) -> list[int]:
        """Slots that hold neither a key nor nothing."""
        return [at for at, name, _ in self._slots() if name == b""]

    def close(self) -> None:
        """Once or more often."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _begin(self) -> None:
        size = os.fstat(self._fd).st_size
        start = os.pread(self._fd, len(MAGIC), 0)
        if len(start) < len(MAGIC) and MAGIC.startswith(start):  # born, or torn at birth
            os.pwrite(self._fd, MAGIC, 0)
            os.fsync(self._fd)
            sync(self._path.parent)
            size = len(MAGIC)
        elif start != MAGIC:
            raise PersonalError(f"{self._path} is not a key file: restore it, do not delete it")
        self._count = size // SLOT_BYTES - 1
        if size % SLOT_BYTES:  # the last write was cut off and never answered
            os.ftruncate(self._fd, (self._count + 1) * SLOT_BYTES)
            os.fsync(self._fd)

    def _slots(self) -> Iterator[tuple[int, bytes | None, bytes]]:
        """(slot, name, bytes): the name is None when free and empty when damaged."""
        for start in range(0, self._count * SLOT_BYTES, _PART):
            part = os.pread(
                self._fd, min(_PART, self._count * SLOT_BYTES - start), SLOT_BYTES + start
            )
            for at in range(0, len(part), SLOT_BYTES):
                raw = part[at : at + SLOT_BYTES]
                held = _read(raw)
                name = held[0] if held else (None if raw == _EMPTY else b"")
                yield (start + at) // SLOT_BYTES, name, raw

    def _write(self, slot: int, raw: bytes) -> None:
        if self._broken:
            raise PersonalError("the disk failed before: check it, then restart beffroi")
        try:
            if os.pwrite(self._fd, raw, (slot + 1) * SLOT_BYTES) != SLOT_BYTES:
                raise OSError("short write")
            os.fsync(self._fd)
        except OSError as error:  # after a failed sync nobody knows what the disk holds
            self._broken = True
            raise PersonalError(f"{self._path} cannot be written: is the disk full?") from error


def _read(raw: bytes) -> tuple[bytes, bytes] | None:
    """(name, key) of a sound slot."""
    body, check = raw[: _BODY.size], raw[_BODY.size : _BODY.size + 4]
    if len(raw) != SLOT_BYTES or zlib.crc32(body).to_bytes(4, "big") != check:
        return None
    mark, name, key = _BODY.unpack(body)
    return (name, key) if mark == _USED else None
