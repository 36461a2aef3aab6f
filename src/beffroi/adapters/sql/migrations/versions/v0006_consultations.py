"""Consultations, hashed voting codes, ballots: trees of random keys, without order or time."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects import sqlite

revision = "0006"
down_revision = "0005"

Int = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
Small = SmallInteger().with_variant(sqlite.INTEGER(), "sqlite")
metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def _col(name: str, kind: Any = Text, **kw: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **kw)


Table(
    "consultation",
    metadata,
    _col("id", primary_key=True),
    _col("doc"),
    _col("chk", Int),
    sqlite_strict=True,
)
Table(
    "voting_code",
    metadata,
    _col("hash", primary_key=True),
    _col("consultation", index=True),
    _col("used", Small),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Table(
    "ballot",
    metadata,
    _col("receipt", primary_key=True),
    _col("consultation", index=True),
    _col("choice", Small),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


def upgrade() -> None:
    metadata.create_all(op.get_bind())
