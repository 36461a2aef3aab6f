"""The tables, once, for both engines. Knows no query.

Inventory, alarms and watch states are JSON documents beside the few columns that are searched;
`chk` is a checksum of the row, because SQLite has none and a flipped bit must not be served.
"""

from __future__ import annotations

from typing import Any

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

SCHEMA_VERSION = "0007"  # the newest migration; a test compares
OLDER_VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006")

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


# --- readings ------------------------------------------------------------------------------------
series = _table(
    "series",
    _key("id", Int),
    _col("asset"),
    _col("device"),
    _col("prop"),
    _col("chk", Int, server_default="0"),
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

# --- inventory -----------------------------------------------------------------------------------
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

# --- alarms --------------------------------------------------------------------------------------
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

# --- commands ------------------------------------------------------------------------------------
command = _table(
    "command",
    _key("id"),
    _col("digest", unique=True),
    _col("slot", unique=True),  # its place in the guard's order; given back when never sent
    _col("place"),  # guard, target, start and epoch: counters grow within one
    _col("counter", Int),  # 0 once given back
    _col("target"),
    _col("plan"),
    _col("state"),
    _col("created_ms", Int),
    _col("sent_ms", Int),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
    Index(None, "state", "created_ms"),
    Index(None, "created_ms"),
    Index(None, "sent_ms"),
    Index(None, "target", "created_ms"),
    Index(None, "place", "counter"),
    Index(None, "plan"),
)
command_event = _table(
    "command_event",
    _key("id"),  # command and version: one for each
    _col("command", Text, index=True),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
)
approval = _table(
    "approval",
    _key("id"),  # command and person: nobody approves twice
    _col("command", Text, index=True),
    _col("at_ms", Int),
    _col("doc"),
    _col("chk", Int),
)
guard_status = _table("guard_status", _key("id"), _col("doc"), _col("chk", Int))
guard_receipt = _table(
    "guard_receipt",
    _key("num", Int),  # in order of arrival
    _col("id", unique=True),  # its hash
    _col("guard"),
    _col("number", Int),
    _col("doc"),
    _col("chk", Int),
    Index(None, "guard", "number"),
)
plan = _table(
    "plan",
    _key("id"),  # name and generation
    _col("name"),
    _col("generation", Int),
    _col("doc"),
    _col("chk", Int),
    Index(None, "name", "generation"),
)
passkey = _table(
    "passkey", _key("id"), _col("person", Text, index=True), _col("doc"), _col("chk", Int)
)

# --- reports -----------------------------------------------------------------------------------
report = _table(
    "report",
    _key("id"),
    _col("link_hash", unique=True),  # of its status link; its id again once the link is void
    _col("state"),
    _col("topic"),
    _col("asset"),
    _col("unsafe", Small),
    _col("public", Small),
    _col("received_ms", Int),
    _col("lon", Real),  # NOWHERE when the place is not known
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
report_event = _table(
    "report_event",
    _key("id"),  # report and version: one for each
    _col("report", Text, index=True),
    _col("version", Int),
    _col("doc"),
    _col("chk", Int),
)
report_photo = _table("report_photo", _key("id"), _col("jpeg", Blob), _col("chk", Int))

# --- registers -----------------------------------------------------------------------------------
register = _table(
    "register",
    _key("num", Int),  # in the order in which they were added
    _col("id", unique=True),
    _col("book"),
    _col("about"),
    _col("at_ms", Int),
    _col("silent", Int),  # 1: its words were erased
    _col("doc"),
    _col("chk", Int),
    Index(None, "book", "about", "at_ms"),
    Index(None, "at_ms"),
)

# --- consultations -------------------------------------------------------------------------------
# Trees of random keys: the place of a row tells nothing of when it was written.
consultation = _table("consultation", _key("id"), _col("doc"), _col("chk", Int))
voting_code = _keyed(
    "voting_code", _key("hash"), _col("consultation", Text, index=True), _col("used", Small)
)
ballot = _keyed(
    "ballot", _key("receipt"), _col("consultation", Text, index=True), _col("choice", Small)
)

# --- people --------------------------------------------------------------------------------------
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
setting = _table("setting", _key("key"), _col("value"), _col("chk", Int, server_default="0"))
access_log = _table(
    "access_log",
    _key("id", Int),
    _col("at_ms", Int),
    _col("actor"),
    _col("action"),
    _col("subject"),
)

SIGN_INS = ("sign_in", "sign_in_failed")  # the lines that may end: they hold network addresses
APPEND_ONLY = ("alarm_event", "access_log", "command_event", "approval", "guard_receipt")
