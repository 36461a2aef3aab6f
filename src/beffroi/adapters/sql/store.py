"""The four parts of one database behind `ports.store.Store`."""

from __future__ import annotations

from beffroi.adapters.sql.alarms import SqlAlarms
from beffroi.adapters.sql.assets import SqlAssets
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.adapters.sql.migrations import migrate
from beffroi.adapters.sql.people import SqlPeople
from beffroi.adapters.sql.readings import SqlReadings
from beffroi.adapters.sql.sqlite_engine import SqliteEngine


class SqlStore:
    """See `ports.store.Store`."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.readings = SqlReadings(database, engine)
        self.assets = SqlAssets(database, engine)
        self.alarms = SqlAlarms(database)
        self.people = SqlPeople(database)

    def backup(self, path: str) -> None:
        raise NotImplementedError(path)

    def check(self) -> list[str]:
        return []

    def close(self) -> None:
        self.database.close()


def open_store(url: str, *, create: bool = True) -> SqlStore:
    """The store at `sqlite:///path` or `postgresql+psycopg://...`, brought to this version's
    schema. Raises StoreError when it is absent (and not `create`), newer, damaged or unreachable.
    """
    database = Database(url)
    migrate(database, create=create)
    engine: Engine = SqliteEngine() if database.sqlite else postgres_engine(database)
    return SqlStore(database, engine)


def postgres_engine(database: Database) -> Engine:
    """Imported late: psycopg is an extra."""
    from beffroi.adapters.sql.postgres_engine import PostgresEngine

    return PostgresEngine(database)
