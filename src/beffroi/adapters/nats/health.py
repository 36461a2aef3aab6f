"""Finds out that the broker has given up a stream although its process lives.

After a write or fsync error (disk full, broken disk) nats-server stops a stream until it is
restarted: devices then get no acknowledgement, for ever. Its log is the only place that tells.
"""

from __future__ import annotations

import shutil
from pathlib import Path

READ_BYTES_MAX = 1024**2
FREE_BYTES_MIN = 16 * 1024**2  # with less than this a restart would only fail again
_WELL = "Server is ready"  # it has started again, and written to its disk
_SIGNS = ("critical write error", "out of space", "resource limits exceeded")


class Health:
    """Looks at the log from where it ended when this was made, or (`past`) from a little before:
    then it also knows a trouble that began before."""

    def __init__(self, folder: Path, *, past: bool = False) -> None:
        self.trouble = ""
        self._folder = folder
        self._log = folder / "server.log"
        self._offset = max(0, self._size() - READ_BYTES_MAX) if past else self._size()

    def look(self) -> bool:
        """True when the broker must be restarted now: it is in trouble and there is space."""
        size = self._size()
        if size < self._offset:  # the log was rotated
            self._offset = 0
        if size > self._offset:
            with self._log.open("rb") as file:
                file.seek(self._offset)
                data = file.read(READ_BYTES_MAX)
            self._offset += len(data)
            for line in data.decode(errors="replace").splitlines():
                if line.endswith(_WELL):
                    self.trouble = ""
                if any(sign in line.lower() for sign in _SIGNS):
                    self.trouble = line[:300]
        return bool(self.trouble) and shutil.disk_usage(self._folder).free >= FREE_BYTES_MIN

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
