"""Versions of the schema and the way from one to the next. Data are carried over, never dropped."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.schema import OLDER_VERSIONS, SCHEMA_VERSION
from beffroi.ports.store import StoreError


def migrate(database: Database, *, create: bool) -> None:
    """Bring the database to SCHEMA_VERSION. Refuses one that is newer than this program."""
    with database.read() as conn:
        version = _version(conn)
    if version == SCHEMA_VERSION:
        return
    if version == "" and not create:
        raise StoreError(f"there is no Beffroi database at {database.url!r}: create it first")
    with database.write() as conn:
        version = _version(conn)  # another process may have been quicker
        if version not in ("", SCHEMA_VERSION, *OLDER_VERSIONS):
            raise StoreError(
                f"the database has schema {version}, this beffroi knows up to {SCHEMA_VERSION}: "
                "install the newer beffroi, or restore a backup made by this one"
            )
        if version != SCHEMA_VERSION:
            upgrade(conn, SCHEMA_VERSION)


def upgrade(conn: Connection, version: str) -> None:
    """Run the migrations up to `version` inside the caller's transaction."""
    from alembic import command  # here: 0.2 s that a start without migration saves
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, version)


def _version(conn: Connection) -> str:
    if not inspect(conn).has_table("alembic_version"):
        return ""
    return str(conn.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
