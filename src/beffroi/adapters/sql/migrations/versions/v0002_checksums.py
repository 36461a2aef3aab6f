"""Checksums of settings and of series' names: a flipped bit there was served without a word."""

from __future__ import annotations

import zlib

from alembic import op
from sqlalchemy import BigInteger, Column, bindparam, column, select, table, update
from sqlalchemy.dialects import sqlite

revision = "0002"
down_revision = "0001"

_KEYS = {"series": ("id", ("asset", "device", "prop")), "setting": ("key", ("key", "value"))}
_INT = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


def upgrade() -> None:
    bind = op.get_bind()
    for name, (key, parts) in _KEYS.items():
        op.add_column(name, Column("chk", _INT, nullable=False, server_default="0"))
        rows = table(name, *(column(c) for c in dict.fromkeys((key, *parts, "chk"))))
        found = bind.execute(select(rows.c[key], *(rows.c[part] for part in parts))).all()
        sums = [{"at": row[0], "sum": zlib.crc32("\0".join(row[1:]).encode())} for row in found]
        if sums:
            change = update(rows).where(rows.c[key] == bindparam("at"))
            bind.execute(change.values(chk=bindparam("sum")), sums)
