"""The outbox: one JSON line per notice in a file that only the hub's account can read.

It is the default carrier, and the record of what was sent when there is a mail server. Bounded:
at OUTBOX_BYTES_MAX the file becomes `.1` and a new one begins. Addresses and names stand in it in
clear, so lines leave it after OUTBOX_DAYS, and at once when somebody is erased.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from beffroi.model.limits import OUTBOX_BYTES_MAX, OUTBOX_DAYS
from beffroi.model.measure import DAY_MS
from beffroi.ports.notify import Notice, Notifier, NotifyError

_lock = threading.Lock()  # of all outboxes of this process: they may be one file


class Outbox:
    """A `ports.notify.Notifier`. With `onward` the notice is also sent on, after it is written."""

    def __init__(self, path: Path, onward: Notifier | None = None) -> None:
        self._path = path
        self._onward = onward
        self._written: Notice | None = None

    def send(self, notice: Notice) -> None:
        if notice is not self._written:  # a retry of the mail is not a second line
            self._write(json.dumps(notice._asdict(), ensure_ascii=False).encode() + b"\n")
            self._written = notice
        if self._onward is not None and notice.address:
            self._onward.send(notice)

    def _write(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with _lock:
            try:
                with suppress(FileNotFoundError):
                    if self._path.stat().st_size + len(line) > OUTBOX_BYTES_MAX:
                        self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
                fd = os.open(self._path, flags, 0o600)
                try:
                    size = os.fstat(fd).st_size
                    if os.write(fd, line) != len(line):  # the disk is full: no half line stays
                        os.ftruncate(fd, size)
                        raise OSError("short write")
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                raise NotifyError(f"the outbox {self._path} cannot be written: {error}") from None

    def forget(self, values: Sequence[str]) -> int:
        """Remove each notice in which one of these stands; how many. What was mailed is gone."""
        known = [value for value in values if value.strip()]
        return self._keep(lambda text, _: not any(value in text for value in known))

    def purge(self, now_ms: int) -> int:
        """Remove notices older than OUTBOX_DAYS; how many."""
        return self._keep(lambda _, at_ms: at_ms > now_ms - OUTBOX_DAYS * DAY_MS)

    def _keep(self, wanted: Callable[[str, int], bool]) -> int:
        gone = 0
        with _lock:
            for path in (self._path, self._path.with_suffix(self._path.suffix + ".1")):
                try:
                    lines = path.read_bytes().splitlines(keepends=True)
                    kept = [line for line in lines if _reads(line, wanted)]
                    if len(kept) < len(lines):
                        _overwrite(path, b"".join(kept))
                        gone += len(lines) - len(kept)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise NotifyError(f"the outbox {path} cannot be rewritten: {error}") from None
        return gone


def _reads(line: bytes, wanted: Callable[[str, int], bool]) -> bool:
    """Whether this line stays. One that cannot be read (a torn write) goes: nobody can judge it."""
    try:
        notice = json.loads(line)
        text = "\n".join(str(value) for value in notice.values())
        return wanted(text, int(notice["at_ms"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _overwrite(path: Path, data: bytes) -> None:
    """In place, so that the old bytes are written over, then cut. A crash loses notices at most."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(fd).st_size
        os.pwrite(fd, data.ljust(size, b"\n"), 0)
        os.fsync(fd)
        os.ftruncate(fd, len(data))
        os.fsync(fd)
    finally:
        os.close(fd)
