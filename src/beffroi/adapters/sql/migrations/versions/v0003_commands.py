"""Commands with their story, approvals, guards' statuses and receipts, plans, passkeys."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
from sqlalchemy.dialects import sqlite

revision = "0003"
down_revision = "0002"

Int = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True)


def _col(name: str, kind: Any = Text, **kw: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **kw)


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return _col(name, kind, primary_key=True)


def _checked() -> tuple[Column[Any], Column[Any]]:
    return _col("doc"), _col("chk", Int)


_table(
    "command",
    _key("id"),
    _col("digest", unique=True),
    _col("slot", unique=True),
    _col("place"),
    _col("counter", Int),
    _col("target"),
    _col("plan"),
    _col("state"),
    _col("created_ms", Int),
    _col("sent_ms", Int),
    _col("version", Int),
    *_checked(),
    Index(None, "state", "created_ms"),
    Index(None, "created_ms"),
    Index(None, "sent_ms"),
    Index(None, "target", "created_ms"),
    Index(None, "place", "counter"),
    Index(None, "plan"),
)
_table(
    "command_event",
    _key("id"),
    _col("command", index=True),
    _col("version", Int),
    *_checked(),
)
_table("approval", _key("id"), _col("command", index=True), _col("at_ms", Int), *_checked())
_table("guard_status", _key("id"), *_checked())
_table(
    "guard_receipt",
    _key("num", Int),
    _col("id", unique=True),
    _col("guard"),
    _col("number", Int),
    *_checked(),
    Index(None, "guard", "number"),
)
_table(
    "plan",
    _key("id"),
    _col("name"),
    _col("generation", Int),
    *_checked(),
    Index(None, "name", "generation"),
)
_table("passkey", _key("id"), _col("person", index=True), *_checked())

APPEND_ONLY = ("command_event", "approval", "guard_receipt")
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} is append-only'); END;
"""
_POSTGRES_APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only();
"""


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    for table in APPEND_ONLY:
        if bind.dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(_SQLITE_APPEND_ONLY.format(table=table, verb=verb))
        else:
            op.execute(_POSTGRES_APPEND_ONLY.format(table=table))
