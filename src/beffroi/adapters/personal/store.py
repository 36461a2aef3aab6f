"""The vault: sealed fields in SQLite, keys beside it, an access log that only grows.

Order of things. A new person: key, then row. An erasure: the line of the access log, the key, the
rows: from the moment the key is gone nothing can be read, whatever happens next. What a crash
leaves between two steps (a key without a row, rows without a key) is swept when the vault is
opened. A reading: the line of the access log is on disk before the value is handed out.

Knows what may be kept and until when (`model.purposes`); not who may ask (`hub.privacy`).
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from beffroi.adapters.personal import tables
from beffroi.adapters.personal.access import HUB, AccessLog
from beffroi.adapters.personal.keyfile import KEY_BYTES, NAME_BYTES, KeyFile
from beffroi.adapters.personal.sealing import seal, unseal
from beffroi.model.limits import (
    PERSONAL_EMPTY_S,
    PERSONAL_FIELDS_MAX,
    PERSONAL_SUBJECTS_MAX,
    PERSONAL_VALUE_BYTES_MAX,
    TIME_MS_MAX,
)
from beffroi.model.measure import DAY_MS
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import Access, Held, PersonalError, Purged

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


def open_vault(folder: Path) -> Vault:
    """The vault of an installation, made when new."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = KeyFile(folder / "personal.keys")
    try:
        return Vault(keys, tables.connect(folder / "personal.sqlite"))
    except BaseException as error:
        keys.close()
        if isinstance(error, sqlite3.Error):
            text = "personal.sqlite cannot be opened: check folder and disk, or restore a backup"
            raise PersonalError(text) from error
        raise


class _Subject(NamedTuple):
    id: str
    purpose: str
    slot: int
    canary: int


class Vault:
    """See `ports.personal.PersonalVault`. Safe to call from several threads."""

    def __init__(self, keys: KeyFile, conn: sqlite3.Connection) -> None:
        self._keys, self._conn, self._access = keys, conn, AccessLog(conn)
        self._broken = False
        self._lock = threading.RLock()
        self.sweep(1)
        rows = conn.execute("SELECT id FROM subject WHERE canary = 1")
        self._canaries = {str(row[0]) for row in rows}

    # --- the port --------------------------------------------------------------------------------
    def subject(self, purpose: str, now_ms: int) -> str:
        return self._new(purpose, now_ms, canary=False)

    def put(
        self, subject: str, purpose: str, name: str, value: bytes, now_ms: int, until_ms: int
    ) -> None:
        until = _until(purpose, now_ms, until_ms)
        if not _NAME.fullmatch(name):
            raise PersonalError("a field's name has up to 64 characters of a-z, 0-9, _ . and -")
        if len(value) > PERSONAL_VALUE_BYTES_MAX:
            raise PersonalError(f"a field has at most {PERSONAL_VALUE_BYTES_MAX} bytes")
        with self._writing() as conn:
            known, key = self._opened(subject)
            query = "SELECT count(*) FROM field WHERE subject = ? AND name <> ?"
            others = conn.execute(query, (subject, name))
            if others.fetchone()[0] >= PERSONAL_FIELDS_MAX:
                raise PersonalError(f"at most {PERSONAL_FIELDS_MAX} fields of one person are kept")
            sealed = seal(key, known.id, purpose, name, value)
            row = (known.id, name, purpose, now_ms, until, sealed)
            conn.execute("INSERT OR REPLACE INTO field VALUES (?, ?, ?, ?, ?, ?)", row)
            conn.execute("UPDATE subject SET used = 1 WHERE id = ? AND used = 0", (known.id,))

    def get(self, subject: str, name: str, actor: str, now_ms: int) -> bytes | None:
        query = "SELECT purpose, sealed FROM field WHERE subject = ? AND name = ? AND until_ms > ?"
        with self._writing() as conn:
            known = self._find(subject)
            row = conn.execute(query, (subject, name, now_ms)).fetchone() if known else None
            key = self._key(known) if known else None
            if row is None or known is None or key is None:
                return None
            value = unseal(key, known.id, row[0], name, row[1])
            self._access.note(now_ms, actor, "read", subject, name, 1)
        return value

    def export(self, subject: str, actor: str, now_ms: int) -> Mapping[str, bytes]:
        query = "SELECT name, purpose, sealed FROM field WHERE subject = ? AND until_ms > ?"
        with self._writing() as conn:
            known = self._find(subject)
            key = self._key(known) if known else None
            if known is None or key is None:
                return {}
            rows = conn.execute(f"{query} ORDER BY name", (subject, now_ms)).fetchall()
            found = {row[0]: unseal(key, known.id, row[1], row[0], row[2]) for row in rows}
            self._access.note(now_ms, actor, "export", subject, "", len(found))
        return found

    def erase(self, subject: str, actor: str, now_ms: int) -> int:
        with self._reading():
            known = self._find(subject)
            if known is None:
                return 0
            with self._writing():  # before: the list of who was erased is made from these lines
                count = self._fields(subject)
                self._access.note(now_ms, actor, "erase", subject, "", count)
            self._keys.erase(known.slot)
            with self._writing() as conn:
                conn.execute("DELETE FROM subject WHERE id = ?", (subject,))
            self._canaries.discard(subject)
            self._settle()
        return count

    def purge(self, now_ms: int) -> Sequence[Purged]:
        with self._reading():
            ended = self._purge_fields(now_ms)
            for one in self._empty(now_ms):
                self._keys.erase(one.slot)
                with self._writing() as conn:
                    conn.execute("DELETE FROM subject WHERE id = ?", (one.id,))
            self._settle()
        return [Purged(purpose, count, now_ms) for purpose, count in sorted(ended.items())]

    def close(self) -> None:
        with self._lock:
            self._conn.close()
            self._keys.close()

    # --- for the keeping of privacy --------------------------------------------------------------
    def held(self) -> Sequence[Held]:
        query = (
            "SELECT s.purpose, count(DISTINCT s.id), count(f.name) FROM subject AS s "
            "LEFT JOIN field AS f ON f.subject = s.id WHERE s.canary = 0 "
            "GROUP BY s.purpose ORDER BY s.purpose"
        )
        with self._reading() as conn:
            return [Held(*row) for row in conn.execute(query)]

    def subjects(self, purpose: str, limit: int, actor: str, now_ms: int) -> Sequence[str]:
        query = "SELECT id FROM subject WHERE purpose = ? ORDER BY id LIMIT ?"
        with self._writing() as conn:
            found = [str(row[0]) for row in conn.execute(query, (purpose, limit))]
            self._access.note(now_ms, actor, "list", "", purpose, len(found))
        return found

    def accesses(self, limit: int, before_id: int = 0, subject: str = "") -> Sequence[Access]:
        with self._reading():
            return self._access.lines(limit, before_id, subject)

    def erased(self) -> Sequence[str]:
        with self._reading():
            return self._access.erased()

    def readers(self, since_ms: int, actor: str = "") -> int:
        with self._reading():
            return self._access.readers(since_ms, actor)

    def read_by(self, actor: str, subject: str, since_ms: int) -> bool:
        with self._reading():
            return self._access.read_by(actor, subject, since_ms)

    def plant(self, purpose: str, fields: Mapping[str, bytes], now_ms: int) -> str:
        made = self._new(purpose, now_ms, canary=True)
        for name, value in fields.items():
            self.put(made, purpose, name, value, now_ms, TIME_MS_MAX)
        return made

    def canaries(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._canaries)

    def chain(self) -> tuple[int, bytes]:
        with self._reading():
            return self._access.head()

    def check(self) -> list[str]:
        with self._reading() as conn:
            wrong = [f"personal.keys: slot {at} is damaged" for at in self._keys.damaged()]
            sound = conn.execute("PRAGMA quick_check(1)").fetchone()[0]
            wrong += [] if sound == "ok" else [f"personal.sqlite is damaged ({sound})"]
            keys, rows = self._strays()
            wrong += [f"{len(keys)} keys belong to nobody: personal.sqlite is older"] * bool(keys)
            wrong += [f"{len(rows)} persons have no key any more: nothing of them can be read"] * (
                bool(rows)
            )
            return wrong + self._access.broken()

    # --- inside ----------------------------------------------------------------------------------
    def _new(self, purpose: str, now_ms: int, *, canary: bool) -> str:
        _known(purpose)
        name = os.urandom(NAME_BYTES)
        with self._reading():
            count = self._conn.execute("SELECT count(*) FROM subject").fetchone()[0]
            if count >= PERSONAL_SUBJECTS_MAX:
                raise PersonalError("too many persons are kept: purge, or shorten the retention")
            slot = self._keys.take(name, os.urandom(KEY_BYTES))
            made = f"s-{name.hex()}"
            with self._writing() as conn:
                row = (made, purpose, slot, now_ms, int(canary), 0)
                conn.execute("INSERT INTO subject VALUES (?, ?, ?, ?, ?, ?)", row)
            if canary:
                self._canaries.add(made)
        return made

    def _find(self, subject: str) -> _Subject | None:
        query = "SELECT id, purpose, slot, canary FROM subject WHERE id = ?"
        row = self._conn.execute(query, (subject,)).fetchone()
        return _Subject(*row) if row else None

    def _key(self, known: _Subject) -> bytes | None:
        return self._keys.key(known.slot, bytes.fromhex(known.id[2:]))

    def _opened(self, subject: str) -> tuple[_Subject, bytes]:
        known = self._find(subject)
        key = self._key(known) if known else None
        if known is None or key is None:
            raise PersonalError("nobody is kept under this pseudonym (any more): make a new one")
        return known, key

    def _fields(self, subject: str) -> int:
        query = "SELECT count(*) FROM field WHERE subject = ?"
        return int(self._conn.execute(query, (subject,)).fetchone()[0])

    def _purge_fields(self, now_ms: int) -> Counter[str]:
        real = "SELECT id FROM subject WHERE NOT canary"
        due = f"FROM field WHERE until_ms <= ? AND subject IN ({real})"
        with self._writing() as conn:
            rows = conn.execute(f"SELECT purpose, count(*) {due} GROUP BY purpose", (now_ms,))
            ended = Counter({str(purpose): int(count) for purpose, count in rows})
            conn.execute(f"DELETE {due}", (now_ms,))
            for purpose, count in sorted(ended.items()):
                self._access.note(now_ms, HUB, "purge", "", purpose, count)
            self._access.purge(now_ms)
        return ended

    def _empty(self, now_ms: int) -> list[_Subject]:
        """People about whom nothing is kept any more; those just made have an hour."""
        query = (
            "SELECT id, purpose, slot, canary FROM subject WHERE NOT canary "
            "AND (used = 1 OR created_ms <= ?) "
            "AND NOT EXISTS (SELECT 1 FROM field WHERE field.subject = subject.id)"
        )
        rows = self._conn.execute(query, (now_ms - PERSONAL_EMPTY_S * 1000,)).fetchall()
        return [_Subject(*row) for row in rows]

    def _strays(self) -> tuple[list[int], list[str]]:
        """Slots whose key belongs to no row, and rows that have no key."""
        slots = {f"s-{name.hex()}": slot for slot, name in self._keys.used()}
        rows = dict(self._conn.execute("SELECT id, slot FROM subject").fetchall())
        damaged = set(self._keys.damaged())  # their rows wait for a backup of the keys
        keys = [slot for known, slot in slots.items() if rows.get(known) != slot]
        kept = {known for known, slot in slots.items() if rows.get(known) == slot}
        return keys, [at for at, slot in rows.items() if at not in kept and slot not in damaged]

    def sweep(self, most: int) -> int:
        """What a crash left half done (one key or one person at most), or a copy of the two files
        that were read behind each other. More than `most`: one of the two was lost or put back:
        nothing is destroyed then, and `check` says so."""
        keys, rows = self._strays()
        for slot in keys[: len(keys) <= most and len(keys)]:
            self._keys.erase(slot)
        if 0 < len(rows) <= most:
            with self._writing() as conn:
                conn.executemany("DELETE FROM subject WHERE id = ?", [(one,) for one in rows])
            self._settle()
        return len(keys) + len(rows)

    def _settle(self) -> None:
        """Deleted bytes leave the write-ahead log too."""
        self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._broken:
                raise PersonalError("the disk failed before: check it, then restart beffroi")
            try:
                yield self._conn
            except sqlite3.Error as error:
                raise self._in_words(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as conn:
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
                conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise

    def _in_words(self, error: sqlite3.Error) -> PersonalError:
        """Without the statement's values: they are personal data."""
        code = getattr(error, "sqlite_errorname", type(error).__name__)
        # After a failed sync nobody knows what the disk holds: no retry may acknowledge.
        self._broken = self._broken or code.startswith("SQLITE_IOERR")
        return PersonalError(f"personal.sqlite refused ({code}): check disk, folder and rights")


def _known(purpose: str) -> None:
    if purpose not in PURPOSES:
        raise PersonalError(f"no purpose {purpose!r} is declared in model/purposes.py: declare it")


def _until(purpose: str, now_ms: int, until_ms: int) -> int:
    _known(purpose)
    if until_ms <= now_ms:
        raise PersonalError("this datum would end before it begins: do not collect it")
    return min(until_ms, now_ms + PURPOSES[purpose].days * DAY_MS)
