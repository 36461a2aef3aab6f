"""What stays: the latch that outlives a restart, the key switch that alone opens it, the record.

A reset needs the key (a line in a pipe that only this user can write) and somebody present (the
door contact: a file that exists while the cabinet is open). Neither has a way in from a network.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from beffroi.guard.monitor import limits

WORD = b"reset\n"


class Latch:
    """A file that says why the junction flashes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reason(self) -> str:
        """ "" when it is open. A file that cannot be read is a closed latch."""
        try:
            return self._path.read_text(encoding="utf-8", errors="replace") or "unknown"
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"the latch cannot be read: {error}"

    def close(self, reason: str) -> None:
        """Durable. The junction flashes already; when this fails it goes on flashing."""
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, reason.encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        self._settle()

    def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._settle()

    def _settle(self) -> None:
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Key:
    """The key switch and the door contact."""

    def __init__(self, pipe: Path, door: Path) -> None:
        self._door = door
        if not pipe.exists():
            os.mkfifo(pipe, 0o600)
        if not pipe.is_fifo() or pipe.stat().st_mode & 0o077:
            raise OSError(f"{pipe} must be a pipe that nobody else can write (chmod 600)")
        # Both ends, so that it never reports an end when a writer leaves.
        self._handle = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def turned(self) -> bool:
        """Somebody is there and turned it, since last asked."""
        try:
            said = os.read(self._handle, 64)
        except BlockingIOError:
            return False
        return said == WORD and self._door.exists()


class Record:
    """One JSON line an event, for the guard to read; never read by the monitor."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
        )

    def write(self, mono_ms: int, mode: str, reason: str) -> None:
        """A full disk or a full record loses the line, never the junction."""
        line = json.dumps({"mono_ms": mono_ms, "mode": mode, "reason": reason}) + "\n"
        try:
            if os.fstat(self._handle).st_size < limits.EVENTS_BYTES_MAX:
                os.write(self._handle, line.encode())
        except OSError:
            return
