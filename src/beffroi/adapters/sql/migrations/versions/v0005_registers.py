"""Registers of the commune: lines are added; the only change is that one falls silent."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
from sqlalchemy.dialects import sqlite

revision = "0005"
down_revision = "0004"

Int = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})
Table(
    "register",
    metadata,
    Column("num", Int, primary_key=True, nullable=False),
    Column("id", Text, unique=True, nullable=False),
    Column("book", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("at_ms", Int, nullable=False),
    Column("silent", Int, nullable=False),
    Column("doc", Text, nullable=False),
    Column("chk", Int, nullable=False),
    Index(None, "book", "about", "at_ms"),
    Index(None, "at_ms"),
    sqlite_strict=True,
)

_SAME = " OR ".join(f"NEW.{c} <> OLD.{c}" for c in ("num", "id", "book", "about", "at_ms"))
_WHY = "a line of a register is never changed"
_SQLITE = (
    f"CREATE TRIGGER register_update BEFORE UPDATE ON register WHEN NEW.silent <> 1 OR {_SAME} "
    f"BEGIN SELECT raise(ABORT, '{_WHY}'); END",
    "CREATE TRIGGER register_delete BEFORE DELETE ON register "
    f"BEGIN SELECT raise(ABORT, '{_WHY}'); END",
)
_POSTGRES = (
    f"""CREATE FUNCTION beffroi_register() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.silent <> 1 OR {_SAME} THEN RAISE EXCEPTION '{_WHY}'; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER silent_only BEFORE UPDATE ON register "
    "FOR EACH ROW EXECUTE FUNCTION beffroi_register()",
    "CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON register "
    "FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only()",
)


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in _SQLITE if bind.dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
