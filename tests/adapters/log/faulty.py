"""A disk on which one write goes wrong: lost, or lost-but-written; and a power cut.

Real files all the same. A power cut takes back everything since the last `settle`.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beffroi.adapters.log.disk import Disk
from beffroi.adapters.log.log import Log

LOST, WRITTEN = "lost", "written"


class FaultyDisk(Disk):
    """The write number `at` (from 0) fails. `watch` lets other writes count as well."""

    def __init__(self, folder: Path, at: int = -1, mode: str = LOST) -> None:
        super().__init__()
        self.folder, self.at, self.mode, self.count = folder, at, mode, 0
        self.fired = False
        self._durable = folder.with_name(folder.name + ".durable")
        self._removed: list[Path] = []

    def watch(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Any:
            mine = self.count == self.at and not self.fired
            self.count += 1
            if mine and self.mode == LOST:
                self.fired = True
                raise OSError(errno.EIO, "this write was lost")
            done = write(*args)
            if mine:
                self.fired = True
                raise OSError(errno.EIO, "this write came through, but nobody knows")
            return done

        return watched

    def extend(self, path: Path, data: bytes, at: int) -> None:
        self.watch(super().extend)(path, data, at)

    def move(self, source: Path, target: Path) -> None:
        self.watch(super().move)(source, target)

    def remove(self, path: Path) -> None:
        if path.exists():
            self.watch(super().remove)(path)
            self._removed.append(path)

    def settle(self) -> None:
        self.watch(self._settle)()

    def _settle(self) -> None:
        super().settle()
        self._removed.clear()
        shutil.rmtree(self._durable, ignore_errors=True)
        if self.folder.exists():
            shutil.copytree(self.folder, self._durable)

    def power_cut(self) -> None:
        """Only what was synced is left, except that removals came through: file systems may order
        them so. SQLite's file is not ours to take back."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._durable.exists():
            shutil.copytree(self._durable, self.folder)
        for path in self._removed:
            path.unlink(missing_ok=True)


def faulty_log(folder: Path, disk: FaultyDisk, commune: str = "aubigny") -> Log:
    """The SQLite commit counts among the writes, from the moment the log is open."""
    log = Log(folder, commune, disk=disk)
    log._side.swap = disk.watch(log._side.swap)  # type: ignore[method-assign]
    return log
