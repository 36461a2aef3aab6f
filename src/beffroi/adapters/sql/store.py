"""The six parts of one database behind `ports.store.Store`."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, make_url

from beffroi.adapters.sql.alarms import SqlAlarms
from beffroi.adapters.sql.assets import SqlAssets
from beffroi.adapters.sql.backup import copy_in, copy_out, read_manifest, write_manifest
from beffroi.adapters.sql.check import problems
from beffroi.adapters.sql.commands import SqlCommands
from beffroi.adapters.sql.consultations import SqlConsultations
from beffroi.adapters.sql.database import Database, newborn
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.migrations import migrate
from beffroi.adapters.sql.people import SqlPeople
from beffroi.adapters.sql.readings import SqlReadings, counts_in
from beffroi.adapters.sql.registers import SqlRegisters
from beffroi.adapters.sql.reports import SqlReports
from beffroi.adapters.sql.sqlite_engine import SqliteEngine
from beffroi.ports.store import Counts, StoreError


class SqlStore:
    """See `ports.store.Store`."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.readings = SqlReadings(database, engine)
        self.assets = SqlAssets(database, engine)
        self.alarms = SqlAlarms(database)
        self.people = SqlPeople(database)
        self.commands = SqlCommands(database)
        self.consultations = SqlConsultations(database)
        self.registers = SqlRegisters(database)
        self.reports = SqlReports(database)

    def backup(self, path: str) -> None:
        """The copy and, beside it, its manifest: counts of the copy itself, not of the original,
        which may have grown meanwhile."""
        target = Path(path)
        if self.database.sqlite:
            copy_out(self.database.url, target)
            counts = _counts_of(target)
        else:
            with self.database.read() as conn:
                snapshot = conn.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
                copy_out(self.database.url, target, str(snapshot))
                counts = counts_in(conn)
        write_manifest(target, counts, self.database.url.get_backend_name())

    def check(self) -> list[str]:
        return problems(self.database)

    def close(self) -> None:
        self.database.close()


def _counts_of(copy: Path) -> Counts:
    store = open_store(f"sqlite:///{copy}", create=False)
    try:
        return store.readings.counts()
    finally:
        store.close()


def restore_store(copy: Path, url: str) -> SqlStore:
    """A new database at `url` from a backup: digest, counts and `check` agree, or StoreError."""
    manifest = read_manifest(copy)
    target = make_url(url)
    if manifest["engine"] != target.get_backend_name():
        raise StoreError(f"this backup is of {manifest['engine']}: restore it into the same engine")
    if target.get_backend_name() != "sqlite":
        _refuse_tables(url)
    copy_in(copy, target)
    store = open_store(url, create=False)
    found = store.check()
    counts = store.readings.counts()
    if counts._asdict() != manifest["counts"]:
        found.append(f"counts differ: {counts._asdict()} here, {manifest['counts']} in the backup")
    if found:
        store.close()
        raise StoreError("the restored database is not sound: " + "; ".join(found))
    return store


def _refuse_tables(url: str) -> None:
    database = Database(url)
    try:
        with database.read() as conn:
            if inspect(conn).get_table_names():
                raise StoreError(
                    "the database at database.url has tables: name an empty one in config.toml, "
                    "nothing is overwritten"
                )
    finally:
        database.close()


def open_store(url: str, *, create: bool = True) -> SqlStore:
    """The store at `sqlite:///path` or `postgresql+psycopg://...`, brought to this version's
    schema. Raises StoreError when it is absent (and not `create`), newer, damaged or unreachable.
    """
    if create:
        _create(url)
    database = Database(url)
    try:
        database.refuse_damage()
        migrate(database, create=create)
    except StoreError:
        database.close()
        raise
    engine: Engine = SqliteEngine() if database.sqlite else postgres_engine(database)
    return SqlStore(database, engine)


def _create(url: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists():
        return
    with newborn(Path(parsed.database or "")) as cradle:
        database = Database(f"sqlite:///{cradle}")
        migrate(database, create=True)
        database.close()  # the last connection folds the write-ahead log into the file


def postgres_engine(database: Database) -> Engine:
    """Imported late: psycopg is an extra."""
    from beffroi.adapters.sql.postgres_engine import PostgresEngine

    return PostgresEngine(database)
