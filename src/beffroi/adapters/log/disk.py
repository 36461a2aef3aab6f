"""The few ways in which the log touches a disk, so that a test can break each of them.

Nothing is durable before `settle`. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import os
from pathlib import Path

from beffroi.adapters.durable import sync


class Disk:
    """Writes now, syncs on `settle`: first every file, then every folder that got a new name."""

    def __init__(self) -> None:
        self._files: dict[Path, int] = {}  # open and not synced
        self._folders: set[Path] = set()

    def extend(self, path: Path, data: bytes, at: int) -> None:
        """`data` from byte `at` on; made when it does not exist."""
        handle = self._open(path)
        view = memoryview(data)
        while view:
            written = os.pwrite(handle, view, at)
            view, at = view[written:], at + written

    def put(self, path: Path, data: bytes) -> None:
        """The whole file, under its name at once or not at all."""
        beside = path.with_name(path.name + ".new")
        self.remove(beside)
        self.extend(beside, data, 0)
        self.move(beside, path)

    def move(self, source: Path, target: Path) -> None:
        self._make(target.parent)
        source.rename(target)
        if source in self._files:
            self._files[target] = self._files.pop(source)
        self._folders |= {source.parent, target.parent}

    def remove(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            self._close(path)
            self._folders.add(path.parent)

    def settle(self) -> None:
        """Durable when it returns. After an error nobody knows what the disk holds."""
        try:
            for handle in self._files.values():
                os.fdatasync(handle)
            for folder in self._folders:
                sync(folder)
        finally:
            self.forget()

    def forget(self) -> None:
        for path in list(self._files):
            self._close(path)
        self._folders.clear()

    def _open(self, path: Path) -> int:
        if path not in self._files:
            self._make(path.parent)
            if not path.exists():
                self._folders.add(path.parent)
            self._files[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._files[path]

    def _close(self, path: Path) -> None:
        handle = self._files.pop(path, None)
        if handle is not None:
            os.close(handle)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            self._folders.add(folder.parent)
