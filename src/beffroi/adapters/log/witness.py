"""A witness: cosigns the checkpoints of its neighbours, never two histories of one log.

What it has seen is durable before the cosignature leaves. When a log shows two trees of one size,
both signed notes are kept: together they are the proof, and nobody can have made them but that log.
"""

from __future__ import annotations

import base64
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beffroi.adapters.log.keyfile import load_seed, make_seed
from beffroi.evidence.note import cosign_note
from beffroi.evidence.vkey import Vkey
from beffroi.evidence.witness import (
    AddCheckpoint,
    Refusal,
    RequestError,
    Seen,
    judge,
    read_request,
)
from beffroi.kernel import keys
from beffroi.kernel.note import COSIGNATURE, SIGNATURE
from beffroi.ports.log_store import LogError

KEY, STATE = "witness.key", "witness.sqlite"
PATH = "/add-checkpoint"  # after the prefix that the commune publishes
SIZE_MEDIA, TEXT_MEDIA = "text/x.tlog.size", "text/plain; charset=utf-8"
CONFLICTS_KEPT_MAX = 100

_TABLES = """
CREATE TABLE IF NOT EXISTS trusted(origin TEXT NOT NULL, public BLOB NOT NULL,
  PRIMARY KEY(origin, public)) STRICT;
CREATE TABLE IF NOT EXISTS seen(
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS conflict(
  id INTEGER PRIMARY KEY, origin TEXT NOT NULL, at_s INTEGER NOT NULL,
  first BLOB NOT NULL, second BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """To an add-checkpoint request; `status` is that of HTTP."""

    status: int
    body: bytes
    media: str = TEXT_MEDIA


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two checkpoints of one log that cannot both be true, each signed by it."""

    origin: str
    at_s: int
    first: bytes
    second: bytes


class Witness:
    """`name` is its note name, as in the neighbours' rosters. Callable from several threads."""

    def __init__(self, folder: Path, name: str, now_s: Callable[[], int]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / KEY
        known = path.exists() or (folder / STATE).exists()
        self._seed = load_seed(path) if known else make_seed(path)
        self.name, self._now_s = name, now_s
        self._turn = threading.Lock()
        (folder / STATE).touch(mode=0o600)
        try:
            self._base = sqlite3.connect(
                folder / STATE, timeout=15, isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA synchronous=EXTRA")
            self._base.executescript(_TABLES)
        except sqlite3.Error as error:
            raise LogError(f"{folder / STATE} cannot be opened: {error}") from error

    @property
    def vkey(self) -> Vkey:
        return Vkey(self.name, keys.public_of(self._seed), COSIGNATURE)

    def trust(self, log: Vkey) -> None:
        """Cosign this log from now on. A log may have two keys while it changes them."""
        if log.kind != SIGNATURE:
            raise LogError("that is the key of a witness; ask for the key of the log")
        with self._turn:
            self._base.execute("INSERT OR IGNORE INTO trusted VALUES(?,?)", (log.name, log.public))

    def handle(self, request: bytes) -> Answer:
        """One add-checkpoint request, as it came."""
        try:
            asked = read_request(request)
        except RequestError as error:
            return Answer(Refusal.UNREADABLE.status, f"{error}\n".encode())
        with self._turn:
            try:
                return self._answer(asked)
            except sqlite3.Error:
                return Answer(503, b"the witness cannot remember: it does not cosign\n")

    def _answer(self, asked: AddCheckpoint) -> Answer:
        origin = asked.checkpoint.origin
        self._base.execute("BEGIN IMMEDIATE")
        try:
            seen, note = self._seen(origin)
            verdict = judge(asked, self._trusted(origin), seen)
            if isinstance(verdict, Seen):
                row = (origin, verdict.size, verdict.root, asked.checkpoint.text())
                self._base.execute("INSERT OR REPLACE INTO seen VALUES(?,?,?,?)", row)
            elif verdict is Refusal.SPLIT_VIEW:
                self._remember(origin, note, asked.checkpoint.text())
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise
        if isinstance(verdict, Seen):
            mine = cosign_note(asked.checkpoint, self.name, self._seed, self._now_s())
            line = f"\u2014 {mine.name} {base64.b64encode(mine.raw).decode()}\n"
            return Answer(200, line.encode())
        if verdict.status == 409:
            return Answer(409, b"%d\n" % seen.size, SIZE_MEDIA)
        return Answer(verdict.status, f"{verdict.text}\n".encode())

    def _seen(self, origin: str) -> tuple[Seen, bytes]:
        row = self._base.execute(
            "SELECT size, root, note FROM seen WHERE origin=?", (origin,)
        ).fetchone()
        return (Seen(row[0], bytes(row[1])), bytes(row[2])) if row else (Seen(), b"")

    def _trusted(self, origin: str) -> dict[str, list[bytes]]:
        rows = self._base.execute("SELECT public FROM trusted WHERE origin=?", (origin,)).fetchall()
        return {origin: [bytes(row[0]) for row in rows]} if rows else {}

    def _remember(self, origin: str, first: bytes, second: bytes) -> None:
        self._base.execute(
            "INSERT INTO conflict(origin, at_s, first, second) SELECT ?,?,?,? "
            "WHERE (SELECT count(*) FROM conflict) < ?",
            (origin, self._now_s(), first, second, CONFLICTS_KEPT_MAX),
        )

    def last(self, origin: str) -> Seen:
        """What it cosigned last of this log."""
        with self._turn:
            return self._seen(origin)[0]

    def conflicts(self) -> list[Conflict]:
        with self._turn:
            rows = self._base.execute(
                "SELECT origin, at_s, first, second FROM conflict ORDER BY id"
            ).fetchall()
        return [Conflict(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows]

    def close(self) -> None:
        with self._turn:  # a request may still be under way on another thread
            self._base.close()
