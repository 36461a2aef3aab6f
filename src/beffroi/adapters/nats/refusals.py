"""Reads the broker's log for what it refused: a refused publish is still acknowledged (PUBACK).

Such a device is wrong or hostile, and silently deaf: somebody must hear of it. Yields counts by
device; who is told what is not known here. The place in the log is kept in a file, so that nothing
refused while the hub was down is missed and nothing is told twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from beffroi.adapters import durable
from beffroi.model.asset import is_device_id

READ_BYTES_MAX = 4 * 1024**2  # a turn; the rest comes in the next one

# Anchored at the line's start: names and subjects are quoted by the broker, so that nobody can
# write such a line by choosing a clever client id. A violation comes after the gate has admitted
# the connection: the name is proven.
_LINE = re.compile(
    r"\[\d+\] \S+ \S+ \[ERR\] \S+ - mid:\d+ - "
    r'"(?P<device>[^"\\]*)" - (?P<what>Publish|Subscription) Violation - '
    r'Subject "(?P<subject>(?:[^"\\]|\\.)*)"'
)
# One certificate, two connections: the broker ends the older one. A device that lost its line does
# that once; two holders of one certificate do it for ever.
_TWIN = re.compile(
    r"\[\d+\] \S+ \S+ \[WRN\] (?P<subject>\S+) - mid:\d+ - "
    r'"(?P<device>[^"\\]*)" - Replacing old client "(?:[^"\\]|\\.)*" since both have the same'
)
SESSION = "session"


class Refusal(NamedTuple):
    """`what` is "publish", "subscription" (`subject`: one of those that were refused) or SESSION
    (the older of two connections was ended; `subject`: where the newer one comes from)."""

    device: str
    what: str
    subject: str


def parse(line: str) -> Refusal | None:
    """The refusal that a log line tells of, if it does."""
    found = _LINE.match(line) or _TWIN.match(line)
    if found is None or not is_device_id(found["device"]):
        return None
    what = found["what"].lower() if found.re is _LINE else SESSION
    return Refusal(found["device"], what, found["subject"])


def count(lines: Iterable[str]) -> Counter[Refusal]:
    """By device and what; a flood of different subjects is still one entry."""
    counts: Counter[Refusal] = Counter()
    first: dict[tuple[str, str], Refusal] = {}
    for refusal in filter(None, map(parse, lines)):
        counts[first.setdefault((refusal.device, refusal.what), refusal)] += 1
    return counts


class LogReader:
    """`news()` gives the refusals since the last call, also over restarts and log rotation."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "server.log"
        self._mark = folder / "refusals.json"
        self._inode, self._offset = self._load()

    def news(self) -> Counter[Refusal]:
        """Blocking, at most READ_BYTES_MAX."""
        lines: list[str] = []
        for path in self._older():
            lines += self._read(path)
            self._inode, self._offset = 0, 0
        with contextlib.suppress(FileNotFoundError):
            lines += self._read(self._log)
        return count(lines)

    def _older(self) -> list[Path]:
        """The rotated file in which we stopped, if it is not the current one any more."""
        with contextlib.suppress(FileNotFoundError):
            if self._inode in (0, self._log.stat().st_ino):
                return []
        rotated = self._log.parent.glob("server.log.*")
        return [path for path in rotated if path.stat().st_ino == self._inode]

    def _read(self, path: Path) -> list[str]:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_ino != self._inode or state.st_size < self._offset:
                self._inode, self._offset = state.st_ino, 0
            file.seek(self._offset)
            data = file.read(READ_BYTES_MAX)
        end = data.rfind(b"\n") + 1
        if end:
            self._offset += end
            self._save()
        return data[:end].decode(errors="replace").splitlines()

    def _load(self) -> tuple[int, int]:
        try:
            inode, offset = json.loads(self._mark.read_text())
            return int(inode), int(offset)
        except (OSError, ValueError, TypeError):
            return 0, 0

    def _save(self) -> None:
        durable.put(self._mark, json.dumps([self._inode, self._offset]).encode())
