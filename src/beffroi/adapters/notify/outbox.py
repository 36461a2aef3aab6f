"""The outbox: one JSON line per notice in a file that only the hub's account can read.

It is the default carrier, and the record of what was sent when there is a mail server. Bounded:
at OUTBOX_BYTES_MAX the file becomes `.1` and a new one begins.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

from beffroi.model.limits import OUTBOX_BYTES_MAX
from beffroi.ports.notify import Notice, Notifier, NotifyError


class Outbox:
    """A `ports.notify.Notifier`. With `onward` the notice is also sent on, after it is written."""

    def __init__(self, path: Path, onward: Notifier | None = None) -> None:
        self._path = path
        self._onward = onward
        self._lock = threading.Lock()
        self._written: Notice | None = None

    def send(self, notice: Notice) -> None:
        if notice is not self._written:  # a retry of the mail is not a second line
            self._write(json.dumps(notice._asdict(), ensure_ascii=False).encode() + b"\n")
            self._written = notice
        if self._onward is not None and notice.address:
            self._onward.send(notice)

    def _write(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with self._lock:
            try:
                with suppress(FileNotFoundError):
                    if self._path.stat().st_size + len(line) > OUTBOX_BYTES_MAX:
                        self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
                fd = os.open(self._path, flags, 0o600)
                try:
                    os.write(fd, line)
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                raise NotifyError(f"the outbox {self._path} cannot be written: {error}") from None
