"""One database and its transactions: short, one writer at a time, errors in words.

Knows the two engines' manners (pragmas, locks, error codes); knows no table.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from beffroi.adapters.durable import sync
from beffroi.adapters.sql.documents import storable
from beffroi.model.limits import OPEN_CHECK_BYTES_MAX, STORE_BUSY_MS_MAX
from beffroi.ports.store import StoreError

_WRITE = "beffroi_write"
# An advisory lock of this database, held until the transaction ends. Others wait as on SQLite.
_TURN = (
    f"SELECT set_config('lock_timeout', '{STORE_BUSY_MS_MAX}', true), "
    f"pg_advisory_xact_lock({0x62656666})"
)
SETTLE_MS_MAX, SETTLE_AGAIN_S = 100, 1.0


class Database:
    """`read()` and `write()` give a connection inside a transaction; raising rolls it back."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._broken = ""
        self._errors: tuple[type[Exception], ...] = (
            SQLAlchemyError,
            sqlite3.Error,
            *_postgres_errors(not self.sqlite),
        )
        self._writer = threading.Lock()  # our own threads queue here, not in the busy handler
        self._settle_s = 0.0  # from when on the write-ahead log is to be emptied; inf: it is
        self.engine = self._open_sqlite() if self.sqlite else self._open_postgres()

    @property
    def path(self) -> Path:
        """The file (SQLite only)."""
        return Path(self.url.database or "")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view."""
        self._refuse_if_broken()
        try:
            with self.engine.begin() as conn:
                yield conn
        except self._errors as error:
            raise self._in_words(error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The right to change; returns after the commit is on disk."""
        self._refuse_if_broken()
        try:
            with self._writer, self.engine.connect() as conn:
                conn.execution_options(**{_WRITE: True})
                with conn.begin():
                    yield conn
        except self._errors as error:
            raise self._in_words(error) from error
        if self._settle_s < time.monotonic():
            self.settle()

    @contextmanager
    def erase(self) -> Iterator[Connection]:
        """Like `write`; what is deleted or replaced is overwritten on disk, also where whole pages
        become free (costly, so not the rule), and leaves the write-ahead log: see `settle`.
        PostgreSQL's own vacuum and log recycling do that, in their time."""
        with self.write() as conn:
            if self.sqlite:
                conn.exec_driver_sql("PRAGMA secure_delete = ON")
            try:
                yield conn
            finally:
                if self.sqlite:
                    conn.exec_driver_sql("PRAGMA secure_delete = FAST")
        self.settle()

    def settle(self) -> None:
        """What was erased leaves the write-ahead log. A reader (a copy of a large database takes
        minutes) keeps it there: nobody waits for that, later writes try again until it is done."""
        if not self.sqlite:
            self._settle_s = math.inf
            return
        self._settle_s = time.monotonic() + SETTLE_AGAIN_S
        try:
            with self._writer:
                if self._emptied():
                    self._settle_s = math.inf
        except self._errors as error:
            raise self._in_words(error) from error

    def _emptied(self) -> bool:
        raw = self.engine.raw_connection()
        cursor = raw.cursor()
        try:  # meanwhile nobody writes: with the usual patience one reader would stop the ingest
            cursor.execute(f"PRAGMA busy_timeout = {SETTLE_MS_MAX}")
            return not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {STORE_BUSY_MS_MAX}")
            raw.close()

    def close(self) -> None:
        self.engine.dispose()

    def _open_sqlite(self) -> Engine:
        path = self.path
        if not path.exists():
            raise StoreError(f"there is no database at {path}: create it first")
        if path.stat().st_size == 0:  # one is never made empty: see `newborn`
            raise StoreError(f"{path} is empty, it was a database once: restore a backup")
        engine = create_engine(
            self.url, pool_size=8, max_overflow=24, connect_args={"check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _open_postgres(self) -> Engine:
        engine = create_engine(self.url, pool_size=8, max_overflow=24, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgres)
        event.listen(engine, "begin", _begin_postgres)
        return engine

    def refuse_damage(self) -> None:
        """Look at a small file whole; of a large one only at what opening it needs.

        A file that is shorter than it says is refused by SQLite itself at the first statement.
        """
        if not self.sqlite or self.path.stat().st_size > OPEN_CHECK_BYTES_MAX:
            return
        with self.read() as conn:
            answer = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if answer != "ok":
            raise StoreError(f"{self.path} is damaged ({answer}): restore a backup")

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise StoreError(self._broken)

    def _in_words(self, error: BaseException) -> StoreError:
        cause: Any = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "") or ""
        if code.startswith("SQLITE_IOERR"):
            # After a failed fsync nobody knows what the disk holds: no retry may acknowledge.
            self._broken = f"the disk failed ({code}): check it, then restart beffroi"
            return StoreError(self._broken)
        if not code and type(cause).__name__ == "OperationalError" and not self.sqlite:
            code = "08"  # the driver has no code for a connection that failed
        for start, words in _WORDS.items():
            if code.startswith(start):
                return StoreError(f"{words} ({cause})")
        return StoreError(f"the database refused: {cause}")


@contextmanager
def newborn(path: Path) -> Iterator[Path]:
    """A place to make a database that then appears at `path` whole, or not at all.

    So an empty file at `path` is always damage. When two processes are born at once one wins.
    """
    cradle = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        raw = sqlite3.connect(cradle)
        raw.execute("PRAGMA user_version = 1")  # gives the file its first page
        raw.close()
        cradle.chmod(0o600)
        yield cradle
        if cradle.with_name(cradle.name + "-wal").exists():  # SQLite says nothing of it
            raise StoreError(f"the disk failed while {path} was made: check it, then try again")
        with suppress(FileExistsError):
            os.link(cradle, path)
        sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path} cannot be made ({error}): check disk and folder") from error
    finally:
        for end in ("", "-wal", "-shm"):
            cradle.with_name(cradle.name + end).unlink(missing_ok=True)


_WORDS = {
    "SQLITE_FULL": "the disk is full; nothing of this call was kept: free some space",
    "SQLITE_CORRUPT": "the database file is damaged: run `beffroi data check`, restore a backup",
    "SQLITE_NOTADB": "the file is not a database or its first page is damaged: restore a backup",
    "SQLITE_BUSY": "another process kept the database for too long: stop it or try again",
    "SQLITE_READONLY": "the database file may not be written: check owner, mode and mount",
    "SQLITE_CANTOPEN": "the database file cannot be opened: check that folder and rights exist",
    "53100": "the database's disk is full; nothing of this call was kept: free some space",
    "XX001": "the database is damaged: restore a backup",
    "08": "the database server does not answer: start it or check the url",
    "57P": "the database server is stopping or starting: wait for it, or start it",
    "53300": "the database server has no connection left: raise its max_connections",
    "55P03": "another process kept the database for too long: stop it or try again",
}


def _postgres_errors(wanted: bool) -> tuple[type[Exception], ...]:
    if not wanted:
        return ()
    try:
        import psycopg
    except ImportError as error:
        raise StoreError(
            "psycopg is missing: `make setup` in Beffroi's folder installs it"
        ) from error
    return (psycopg.Error,)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {STORE_BUSY_MS_MAX}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = FAST")
    cursor.execute("PRAGMA cell_size_check = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute("PRAGMA journal_size_limit = 67108864")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    # A writer that starts as a reader cannot wait for its turn: SQLite refuses it at once.
    write = conn.get_execution_options().get(_WRITE)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _prepare_postgres(connection: Any, _record: Any) -> None:
    """A text with a NUL cannot be kept by PostgreSQL. What is looked for is then not found, and
    what is kept whole says so itself (`documents.storable`): neither is an error."""
    from psycopg.types.string import StrDumperUnknown

    class Storable(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(storable(obj))

    connection.adapters.register_dumper(str, Storable)


def _begin_postgres(conn: Connection) -> None:
    """One writer at a time, as on SQLite: no deadlocks, and a version that was read holds."""
    if conn.get_execution_options().get(_WRITE):
        conn.exec_driver_sql(_TURN)
    else:
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
