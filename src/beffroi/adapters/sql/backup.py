"""A consistent copy of the whole database while it is in use, with a manifest that proves it.

SQLite by its online backup, PostgreSQL by `pg_dump`. The manifest lies beside the copy and says
what must be in it; `restore` believes neither file before it has compared them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from beffroi.adapters import durable
from beffroi.adapters.sql.schema import SCHEMA_VERSION
from beffroi.ports.store import Counts, StoreError

MANIFEST = ".manifest.json"
_PART = 1 << 20


def copy_out(url: URL, target: Path, snapshot: str = "") -> None:
    """Write the copy to `target`, which must not exist. Mode 0600, on disk when this returns.
    `snapshot`: the moment to copy (PostgreSQL), as another transaction exported it."""
    if target.exists():
        raise StoreError(f"{target} exists already: choose another name")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(Path(url.database or ""), partial)
        else:
            moment = [f"--snapshot={snapshot}"] if snapshot else []
            _run(url, ["pg_dump", "--format=custom", f"--file={partial}", *moment])
        durable.sync(partial)
        partial.replace(target)
        durable.sync(target.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_manifest(target: Path, counts: Counts, engine: str) -> Path:
    """Beside `target`: digest, schema and the totals that the copy must give back."""
    content = {
        "file": target.name,
        "sha256": digest(target),
        "engine": engine,
        "schema": SCHEMA_VERSION,
        "counts": counts._asdict(),
    }
    path = target.with_name(target.name + MANIFEST)
    durable.replace(path, json.dumps(content, indent=1).encode())
    return path


def read_manifest(copy: Path) -> dict[str, Any]:
    """The manifest of a copy whose digest agrees. StoreError otherwise."""
    path = copy.with_name(copy.name + MANIFEST)
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        wanted = content["sha256"], content["counts"], content["engine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error}): restore needs both files") from error
    if digest(copy) != wanted[0]:
        raise StoreError(f"{copy} is not what was backed up (sha256 differs): use another backup")
    return content


def copy_in(copy: Path, url: URL) -> None:
    """Make the database at `url` from a copy. Refuses to overwrite one."""
    if url.get_backend_name() == "sqlite":
        target = Path(url.database or "")
        if target.exists():
            raise StoreError(f"{target} exists: move it away first, nothing is overwritten")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with copy.open("rb") as file, durable.new(target) as out:
            shutil.copyfileobj(file, out)
        return
    _run(url, ["pg_restore", "--single-transaction", "--no-owner", str(copy)])


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            found.update(part)
    return found.hexdigest()


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        read = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        write = sqlite3.connect(target)
        try:
            read.backup(write)  # one step: a consistent moment, whatever is written meanwhile
            write.execute("PRAGMA journal_mode = DELETE")
        finally:
            read.close()
            write.close()
    except sqlite3.Error as error:
        raise StoreError(f"the copy failed, nothing was kept: {error}") from error


def _run(url: URL, command: list[str]) -> None:
    """One of PostgreSQL's programs on the database at `url`. The password is not among its words:
    everybody on the machine can read those."""
    where = URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string(hide_password=False)
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}
    try:
        done = subprocess.run(
            [*command, f"--dbname={where}"],
            capture_output=True,
            text=True,
            env={**os.environ, **secret},
        )
    except FileNotFoundError as error:
        raise StoreError(f"{command[0]} is not installed: install PostgreSQL's client") from error
    if done.returncode:
        raise StoreError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
