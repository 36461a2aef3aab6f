"""Files that were made, kept for the next reader: bounded in bytes and number, few made at once.

A file on the shelf is never changed; a reader that holds it open keeps it although the shelf lets
it go. Knows nothing of what is in it.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_END, BufferedRandom
from pathlib import Path
from typing import BinaryIO

from beffroi.model.limits import (
    OPEN_BUILD_WAIT_S,
    OPEN_BUILDS_MAX,
    OPEN_FRESH_S,
    OPEN_SHELF_BYTES_MAX,
    OPEN_SHELF_FILES_MAX,
)

Make = Callable[[BinaryIO], list[int]]
PIECE = 65_536


class BusyError(Exception):
    """Too many files are being made: try again in a minute."""


@dataclass(frozen=True, slots=True)
class File:
    """`marks` is what its maker answered. `tag` is the digest of the bytes. `kept` has no name:
    when the hub is killed nothing of it stays on the disk."""

    kept: BufferedRandom
    tag: str
    size: int
    made_ms: int
    marks: tuple[int, ...]

    def open(self) -> BinaryIO:
        """From its beginning, for one reader."""
        return Path(f"/proc/self/fd/{self.kept.fileno()}").open("rb")


class Shelf:
    """Safe from several threads."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, File] = OrderedDict()
        self._lock = threading.Lock()
        self._makers = threading.BoundedSemaphore(OPEN_BUILDS_MAX)

    def take(self, key: str, now_ms: int, make: Make) -> tuple[File, BinaryIO]:
        """The file of this key, made if it is not there or too old, and opened. BusyError when
        others keep all makers for too long."""
        found = self._fresh(key, now_ms)
        if found is not None:
            return found
        with self._turn():
            found = self._fresh(key, now_ms)  # somebody was quicker
            return found if found is not None else self._made(key, now_ms, make)

    def close(self) -> None:
        with self._lock:
            for one in self._files.values():
                one.kept.close()
            self._files.clear()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._makers.acquire(timeout=OPEN_BUILD_WAIT_S):
            raise BusyError("too many files are being made: try again in a minute")
        try:
            yield
        finally:
            self._makers.release()

    def _fresh(self, key: str, now_ms: int) -> tuple[File, BinaryIO] | None:
        with self._lock:
            file = self._files.get(key)
            if file is None or not 0 <= now_ms - file.made_ms < OPEN_FRESH_S * 1000:
                return None
            self._files.move_to_end(key)
            return file, file.open()

    def _made(self, key: str, now_ms: int, make: Make) -> tuple[File, BinaryIO]:
        kept = tempfile.TemporaryFile()  # noqa: SIM115 (the shelf closes it)
        try:
            marks = make(kept)
            size = kept.seek(0, SEEK_END)
            kept.seek(0)
            tag = hashlib.file_digest(kept, "sha256").hexdigest()[:32]
        except BaseException:
            kept.close()
            raise
        file = File(kept, tag, size, now_ms, tuple(marks))
        with self._lock:
            opened = file.open()
            self._put(key, file)
            return file, opened

    def _put(self, key: str, file: File) -> None:
        old = self._files.pop(key, None)
        gone = [old] if old else []
        self._files[key] = file
        while len(self._files) > 1 and (
            len(self._files) > OPEN_SHELF_FILES_MAX
            or sum(one.size for one in self._files.values()) > OPEN_SHELF_BYTES_MAX
        ):
            gone.append(self._files.popitem(last=False)[1])
        for one in gone:
            one.kept.close()


def pieces(opened: BinaryIO) -> Iterator[bytes]:
    """The bytes of an open file, which is closed behind them."""
    with opened:
        while piece := opened.read(PIECE):
            yield piece
