"""The tables of `personal.sqlite`, and how its one connection behaves. Knows no key.

`access` takes lines and gives none back: changing one is refused by the database itself, and so is
deleting one younger than ACCESS_LOG_DAYS before the newest. Each line's digest covers the line
before, so that a gap shows.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from beffroi.model.limits import ACCESS_LOG_DAYS, STORE_BUSY_MS_MAX
from beffroi.model.measure import DAY_MS

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS subject (
  id TEXT PRIMARY KEY, purpose TEXT NOT NULL, slot INTEGER NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL, canary INTEGER NOT NULL, used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subject_purpose ON subject (purpose, id);
CREATE TABLE IF NOT EXISTS field (
  subject TEXT NOT NULL REFERENCES subject (id) ON DELETE CASCADE, name TEXT NOT NULL,
  purpose TEXT NOT NULL, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, sealed BLOB NOT NULL,
  PRIMARY KEY (subject, name)
) STRICT;
CREATE INDEX IF NOT EXISTS field_until ON field (until_ms);
CREATE TABLE IF NOT EXISTS access (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
  chain BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS access_at ON access (at_ms, actor, subject);
CREATE INDEX IF NOT EXISTS access_subject ON access (subject, id);
CREATE TRIGGER IF NOT EXISTS access_stays BEFORE UPDATE ON access
BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END;
CREATE TRIGGER IF NOT EXISTS access_kept BEFORE DELETE ON access
WHEN OLD.at_ms > (SELECT max(at_ms) FROM access) - {ACCESS_LOG_DAYS * DAY_MS}
BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END;
"""  # noqa: S608 - constants only


def connect(path: Path) -> sqlite3.Connection:
    """Made when new. Deleted bytes are overwritten; a commit is on disk when it returns."""
    raw = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=STORE_BUSY_MS_MAX / 1000
    )
    path.chmod(0o600)
    for pragma in (
        "secure_delete = ON",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cell_size_check = ON",
        "temp_store = MEMORY",
    ):
        raw.execute(f"PRAGMA {pragma}")
    raw.executescript(_SCHEMA)
    return raw
