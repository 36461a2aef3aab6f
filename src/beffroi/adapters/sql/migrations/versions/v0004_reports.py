"""Reports of inhabitants with their story and their public photo."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects import sqlite

revision = "0004"
down_revision = "0003"

Int = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
Small = SmallInteger().with_variant(sqlite.INTEGER(), "sqlite")
Real: Any = Double().with_variant(sqlite.REAL(), "sqlite")
Blob = LargeBinary().with_variant(sqlite.BLOB(), "sqlite")

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True)


def _col(name: str, kind: Any = Text, **kw: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **kw)


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return _col(name, kind, primary_key=True)


_table(
    "report",
    _key("id"),
    _col("link_hash", unique=True),
    _col("state"),
    _col("topic"),
    _col("asset"),
    _col("unsafe", Small),
    _col("public", Small),
    _col("received_ms", Int),
    _col("lon", Real),
    _col("lat", Real),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
    Index(None, "state", "received_ms"),
    Index(None, "received_ms"),
    Index(None, "asset", "received_ms"),
    Index(None, "unsafe", "received_ms"),
    Index(None, "public", "received_ms"),
    Index(None, "lat"),
)
_table(
    "report_event",
    _key("id"),
    _col("report", index=True),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
)
_table("report_photo", _key("id"), _col("jpeg", Blob), _col("chk", Int))


def upgrade() -> None:
    metadata.create_all(op.get_bind())
