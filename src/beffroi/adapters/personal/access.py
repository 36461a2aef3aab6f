"""The access log of the vault: who read what, one line each, chained. It gives no line back.

Called inside the vault's lock and transactions. Knows pseudonyms, never a datum.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

from beffroi.model.limits import ACCESS_LOG_DAYS, NAME_CHARS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.personal import Access

HUB = "hub"
NOTHING = bytes(32)  # what the first line stands on
_COLUMNS = "id, at_ms, actor, action, subject, name, count"


class AccessLog:
    """Over the vault's connection."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def note(
        self, at_ms: int, actor: str, action: str, subject: str, name: str, count: int
    ) -> None:
        line = (at_ms, actor[:NAME_CHARS_MAX], action, subject, name, count)
        self._conn.execute(
            "INSERT INTO access (at_ms, actor, action, subject, name, count, chain) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*line, _link(self.head()[1], line)),
        )

    def purge(self, now_ms: int) -> None:
        """Lines older than ACCESS_LOG_DAYS. One that says so comes first; it is the newest."""
        old = now_ms - ACCESS_LOG_DAYS * DAY_MS
        count = self._conn.execute("SELECT count(*) FROM access WHERE at_ms <= ?", (old,))
        if lines := int(count.fetchone()[0]):
            self.note(now_ms, HUB, "purge", "", "access_log", lines)
            self._conn.execute("DELETE FROM access WHERE at_ms <= ?", (old,))

    def lines(self, limit: int, before_id: int, subject: str) -> list[Access]:
        rows = self._conn.execute(
            f"SELECT {_COLUMNS} FROM access WHERE (?1 = 0 OR id < ?1) "  # noqa: S608 - constant
            "AND (?2 = '' OR subject = ?2) ORDER BY id DESC LIMIT ?3",
            (before_id, subject, limit),
        )
        return [Access(*row) for row in rows]

    def erased(self) -> list[str]:
        query = "SELECT DISTINCT subject FROM access WHERE action = 'erase' ORDER BY subject"
        return [str(row[0]) for row in self._conn.execute(query)]

    def readers(self, since_ms: int, actor: str) -> int:
        """Different pairs of who read and who was read."""
        row = self._conn.execute(
            "SELECT count(*) FROM (SELECT DISTINCT actor, subject FROM access WHERE at_ms >= ?1 "
            "AND action IN ('read', 'export') AND (?2 = '' OR actor = ?2))",
            (since_ms, actor),
        ).fetchone()
        return int(row[0])

    def read_by(self, actor: str, subject: str, since_ms: int) -> bool:
        row = self._conn.execute(
            "SELECT 1 FROM access WHERE subject = ? AND actor = ? AND at_ms >= ? "
            "AND action IN ('read', 'export') LIMIT 1",
            (subject, actor, since_ms),
        ).fetchone()
        return row is not None

    def head(self) -> tuple[int, bytes]:
        """Lines ever written, and the digest over them all."""
        query = "SELECT id, chain FROM access ORDER BY id DESC LIMIT 1"
        row = self._conn.execute(query).fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, NOTHING)

    def broken(self) -> list[str]:
        """Lines that are missing or changed, in words."""
        last_id, last = 0, NOTHING
        for row in self._conn.execute(f"SELECT {_COLUMNS}, chain FROM access ORDER BY id"):  # noqa: S608
            if last_id and row[0] != last_id + 1:
                return [f"access log: lines are missing before {row[0]}"]
            # The line before the oldest was purged: only the lines after it can be recomputed.
            known = last_id or row[0] == 1
            if known and _link(last, tuple(row[1:7])) != bytes(row[7]):
                return [f"access log: line {row[0]} or the one before it was changed"]
            last_id, last = int(row[0]), bytes(row[7])
        return []


def _link(before: bytes, line: tuple[object, ...]) -> bytes:
    return hashlib.sha256(before + json.dumps(line).encode()).digest()
