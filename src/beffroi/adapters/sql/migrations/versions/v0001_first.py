"""The first schema, as it was: never changed, later versions change what it made."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite

revision = "0001"
down_revision = None

# STRICT tables know only these names.
Int = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
Small = SmallInteger().with_variant(sqlite.INTEGER(), "sqlite")
Real: Any = Double().with_variant(sqlite.REAL(), "sqlite")
Blob = LargeBinary().with_variant(sqlite.BLOB(), "sqlite")

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def _table(name: str, *columns: Column[Any] | UniqueConstraint | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True)


def _keyed(name: str, *columns: Column[Any] | UniqueConstraint | Index) -> Table:
    """A table that is its primary key's tree: the key finds the row without a second step."""
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _col(name: str, kind: Any = Text, **kw: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **kw)


def _key(name: str, kind: Any = Text, **kw: Any) -> Column[Any]:
    return _col(name, kind, primary_key=True, **kw)


series = _table(
    "series",
    _key("id", Int),
    _col("asset"),
    _col("device"),
    _col("prop"),
    UniqueConstraint("asset", "device", "prop"),
    Index(None, "prop"),
)
# The append log. No foreign key to `series`: it would cost a look-up per reading, so `commit`
# checks the ids of a batch at once and `check` looks for orphans.
obs = _keyed(
    "obs",
    _key("series_id", Int, autoincrement=False),
    _key("ts_ms", Int, autoincrement=False),
    _col("value", Real),
    _col("quality", Small),
    _col("delay_ms", Int),  # recv_ms - ts_ms: shorter
    _col("chk", Int),
)
# The rollups of exactly what is in `obs`. By hour first, so that a batch touches few pages.
hour = _keyed(
    "hour",
    _key("start_ms", Int, autoincrement=False),
    _key("series_id", Int, autoincrement=False),
    _col("n", Int),
    _col("total", Real),
    _col("low", Real),
    _col("high", Real),
)
# A sealed day, and its rollups: these stay when retention takes the block.
block = _keyed(
    "block",
    _key("series_id", Int, autoincrement=False),
    _key("day", Int, autoincrement=False),  # since 1970, UTC
    _col("n", Int),
    _col("first_ms", Int),
    _col("last_ms", Int),
    _col("last_value", Real),
    _col("last_quality", Small),
    _col("chk", Int),
    _col("payload", Blob),
)
day = _keyed(
    "day",
    _key("series_id", Int, autoincrement=False),
    _key("day", Int, autoincrement=False),
    _col("chk", Int),
    _col("payload", Blob),
)
quarantine = _table(
    "quarantine",
    _key("id", Int),
    _col("recv_ms", Int),
    _col("link"),
    _col("device"),
    _col("reason"),
    _col("detail"),
    _col("payload", Blob),
    _col("digest", Int, unique=True),  # a message that comes again is not counted twice
    Index(None, "reason"),
    Index(None, "recv_ms"),
)
watch_state = _keyed("watch_state", _key("asset"), _col("doc"), _col("chk", Int))
meter = _keyed("meter", _key("name"), _col("value", Int))

commune = _table("commune", _key("id"), _col("doc"), _col("chk", Int))
asset = _table(
    "asset",
    _key("num", Int),  # the R*Tree wants a number
    _col("id", unique=True),
    _col("domain"),
    _col("kind"),
    _col("lon", Real),
    _col("lat", Real),
    _col("doc"),
    _col("chk", Int),
    Index(None, "domain", "kind", "id"),
)
device = _table(
    "device",
    _key("id"),
    _col("asset"),
    _col("dev_eui"),
    _col("last_seen_ms", Int),  # moves with every batch, so it is not part of the document
    _col("doc"),
    _col("chk", Int),
    Index(None, "asset"),
    Index(None, "dev_eui"),
)
codec = _table("codec", _key("sha256"), _col("doc"), _col("chk", Int))

alarm = _table(
    "alarm",
    _key("id"),
    _col("asset"),
    _col("domain"),
    _col("state"),
    _col("seen_ms", Int),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
    Index(None, "state", "seen_ms"),
    Index(None, "seen_ms"),
    Index(None, "asset", "seen_ms"),
)
alarm_event = _table(
    "alarm_event",
    _key("id", Int),
    _col("alarm", Text, index=True),
    _col("doc"),
    _col("chk", Int),
)

person = _table("person", _key("id"), _col("doc"), _col("chk", Int))
session = _table(
    "session",
    _key("token_hash"),
    Column("person", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    _col("expires_ms", Int, index=True),
)
link = _table(
    "link",
    _key("token_hash"),
    _col("purpose"),
    _col("subject"),
    _col("expires_ms", Int),
    _col("used_ms", Int),  # 0: not yet
)
setting = _table("setting", _key("key"), _col("value"))
access_log = _table(
    "access_log",
    _key("id", Int),
    _col("at_ms", Int),
    _col("actor"),
    _col("action"),
    _col("subject"),
)

APPEND_ONLY = ("alarm_event", "access_log")

_SQLITE_BOX = """
CREATE VIRTUAL TABLE asset_box USING rtree(num, west, east, south, north);
CREATE TRIGGER asset_box_in AFTER INSERT ON asset BEGIN
  INSERT INTO asset_box VALUES (new.num, new.lon, new.lon, new.lat, new.lat); END;
CREATE TRIGGER asset_box_move AFTER UPDATE OF lon, lat ON asset BEGIN
  UPDATE asset_box SET west = new.lon, east = new.lon, south = new.lat, north = new.lat
  WHERE num = new.num; END;
CREATE TRIGGER asset_box_out AFTER DELETE ON asset BEGIN
  DELETE FROM asset_box WHERE num = old.num; END;
"""
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} is append-only'); END;
"""
_POSTGRES = """
CREATE FUNCTION beffroi_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE INDEX ix_asset_place ON asset USING gist (point(lon, lat));
"""
_POSTGRES_APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only();
"""


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    if bind.dialect.name == "sqlite":
        for statement in _statements(_SQLITE_BOX):
            op.execute(statement)
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(_SQLITE_APPEND_ONLY.format(table=table, verb=verb))
    else:
        op.execute(_POSTGRES)
        for table in APPEND_ONLY:
            op.execute(_POSTGRES_APPEND_ONLY.format(table=table))
    op.bulk_insert(
        meter,
        [{"name": "inventory", "value": 1}, {"name": "sealed_until_ms", "value": 0}],
    )


def _statements(script: str) -> list[str]:
    return [f"CREATE {part}" for part in script.split("CREATE ")[1:]]
