"""Shared memory between the output stage and the monitor: lamps one way, the permit the other.

Two files mapped by both. There is no message, no address, nothing to connect to. A frame that is
torn or of another size is no frame. Reading real lamps (a Linux GPIO chip behind current sensors)
would be another class with the same `read`; it is not part of this program.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from beffroi.guard.monitor import limits

_HEAD = struct.Struct("<4sIB")  # magic, frame number, count
_BODY = struct.Struct(f"<4sIB{limits.GROUPS_MAX}sI")
_PERMIT = struct.Struct("<II")  # a number, and its complement
MAGIC = b"BLM1"
READS_MAX = 3


class Shared:
    """A small file mapped into memory. OSError when it cannot be."""

    def __init__(self, path: Path, size: int) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
        try:
            os.ftruncate(handle, size)
            self.memory = mmap.mmap(handle, size)
        finally:
            os.close(handle)

    def close(self) -> None:
        self.memory.close()


class Lamps(Shared):
    """Written by the output stage, from what it measures at the lamps."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _BODY.size)

    def read(self) -> tuple[int, tuple[int, ...] | None]:
        """(frame number, bits of each group); None when three reads in a row were torn."""
        frame = -1
        for _ in range(READS_MAX):
            magic, frame, count, bits, check = _BODY.unpack(self.memory[: _BODY.size])
            whole = _HEAD.pack(magic, frame, count) + bits
            if magic == MAGIC and count <= limits.GROUPS_MAX and zlib.crc32(whole) == check:
                return frame, tuple(bits[:count])
        return frame, None

    def write(self, frame: int, lamps: Sequence[int]) -> None:
        head = _HEAD.pack(MAGIC, frame & 0xFFFFFFFF, len(lamps))
        whole = head + bytes(lamps).ljust(limits.GROUPS_MAX, b"\0")
        self.memory[: _BODY.size] = whole + struct.pack("<I", zlib.crc32(whole))


class Permit(Shared):
    """Written by the monitor. It must move: a monitor that died permits nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _PERMIT.size)
        self._number = 0

    def give(self) -> None:
        self._number = self._number % 0xFFFFFFFE + 1
        self.memory[: _PERMIT.size] = _PERMIT.pack(self._number, self._number ^ 0xFFFFFFFF)

    def withdraw(self) -> None:
        self.memory[: _PERMIT.size] = bytes(_PERMIT.size)

    def read(self) -> int:
        """The number now; 0 is no permit."""
        number, complement = _PERMIT.unpack(self.memory[: _PERMIT.size])
        return int(number) if number ^ 0xFFFFFFFF == complement else 0
