"""Files that are on the disk when a call returns. Knows nothing of what is in them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def sync(path: Path) -> None:
    """What was written into this file, or made in or renamed into this folder, is on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace(path: Path, data: bytes) -> None:
    """The whole file at once, never half of it; mode 0600 from the first byte."""
    beside = _beside(path)
    try:
        with os.fdopen(os.open(beside, _WRITE | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def put(path: Path, data: bytes) -> None:
    """The whole file at once, for what can be made again: it is not synced, and others may read
    it as far as the umask allows."""
    beside = _beside(path)
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def new(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file that was not there: FileExistsError. On the disk after the block, or not at all when
    that raises."""
    fd = os.open(path, _WRITE | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        sync(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def create(path: Path, data: bytes, mode: int = 0o600) -> None:
    """`new` at once."""
    with new(path, mode) as file:
        file.write(data)


_WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


def _beside(path: Path) -> Path:
    """No other thread's and no other process's; the end is one that no copy of a home takes."""
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
