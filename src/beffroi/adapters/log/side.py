"""What stands beside the log: erasable payloads, and the second copy of the latest checkpoint.

One SQLite file of its own, so that one commit makes payloads and checkpoint durable together.
Erased means erased: freed pages are overwritten and the write-ahead file is emptied.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from beffroi.ports.log_store import LogError

Payload = tuple[int, bytes, bytes]  # index, salt, data

_TABLES = """
CREATE TABLE IF NOT EXISTS payload(
  idx INTEGER PRIMARY KEY, salt BLOB NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS latest(
  origin TEXT PRIMARY KEY, note BLOB NOT NULL, turn INTEGER NOT NULL) STRICT;
"""


class SideStore:
    """Callable from several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._path = path
        self._turn = threading.Lock()
        try:
            self._base = self._connect()
        except sqlite3.Error as error:
            raise LogError(f"{path} cannot be opened: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        base = sqlite3.connect(
            self._path, timeout=15, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            base.execute(f"PRAGMA {pragma}")
        base.executescript(_TABLES)
        return base

    def latest(self, origin: str) -> bytes | None:
        with self._alone():
            row = self._base.execute("SELECT note FROM latest WHERE origin=?", (origin,)).fetchone()
        return bytes(row[0]) if row else None

    def swap(
        self, origin: str, old: bytes | None, new: bytes, payloads: Sequence[Payload] = ()
    ) -> None:
        """Compare and swap. LogError, and nothing is written, when the latest is not `old`."""
        with self._alone():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                if not self._swapped(origin, old, new):
                    raise LogError(
                        "somebody else has written to this log: stop every other program that uses "
                        "it, then run `beffroi evidence fsck`"
                    )
                self._base.executemany("INSERT INTO payload VALUES(?,?,?)", payloads)
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def _swapped(self, origin: str, old: bytes | None, new: bytes) -> bool:
        if old is None:
            sql, row = "INSERT OR IGNORE INTO latest VALUES(?,?,0)", (origin, new)
            return self._base.execute(sql, row).rowcount == 1
        # `turn` makes it a real write when the note is the same: a start makes it durable again.
        sql = "UPDATE latest SET note=?, turn=turn+1 WHERE origin=? AND note=?"
        return self._base.execute(sql, (new, origin, old)).rowcount == 1

    def payload(self, index: int) -> tuple[bytes, bytes] | None:
        sql = "SELECT salt, data FROM payload WHERE idx=?"
        with self._alone():
            row = self._base.execute(sql, (index,)).fetchone()
        return (bytes(row[0]), bytes(row[1])) if row else None

    def erase(self, indices: Sequence[int]) -> int:
        with self._alone():
            self._base.execute("BEGIN IMMEDIATE")
            rows = [(index,) for index in indices]
            gone = self._base.executemany("DELETE FROM payload WHERE idx=?", rows).rowcount
            self._base.execute("COMMIT")
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def drop_beyond(self, size: int) -> None:
        """Payloads of entries that never came to be."""
        with self._alone():
            self._base.execute("DELETE FROM payload WHERE idx>=?", (size,))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread at a time, closing included: SQLite does not survive the other way."""
        with self._turn:
            try:
                yield
            except sqlite3.Error as error:
                raise LogError(f"{self._path} cannot be used: {error}") from error

    def close(self) -> None:
        with self._turn:
            self._base.close()
