"""What was not accepted, kept whole and counted once however often its message comes."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import schema
from beffroi.adapters.sql.commit import Verdict
from beffroi.adapters.sql.documents import storable
from beffroi.model.limits import BATCH_READINGS_MAX, QUARANTINE_ROWS_MAX
from beffroi.model.reading import Quarantined, Reason
from beffroi.ports.store import StoreError

_table = schema.quarantine
_REASONS = frozenset(reason.value for reason in Reason)
_PURGED = "its day was purged and only hourly figures are left: import it before the retention ends"


def put(conn: Connection, items: Sequence[Quarantined]) -> None:
    """Append; beyond QUARANTINE_ROWS_MAX the oldest go."""
    if not items:
        return
    times: Counter[Quarantined] = Counter()
    rows = []
    for item in map(_storable, items):
        times[item] += 1
        rows.append({**item._asdict(), "digest": _digest(item, times[item])})
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    conn.execute(insert(_table).on_conflict_do_nothing(index_elements=["digest"]), rows)
    first, last = conn.execute(select(func.min(_table.c.id), func.max(_table.c.id))).one()
    if last - first >= QUARANTINE_ROWS_MAX:
        conn.execute(delete(_table).where(_table.c.id <= last - QUARANTINE_ROWS_MAX))


def _storable(item: Quarantined) -> Quarantined:
    link, device, detail = map(storable, (item.link, item.device, item.detail))
    return item._replace(link=link, device=device, detail=detail)


def contradictions(conn: Connection, verdict: Verdict) -> list[Quarantined]:
    """The conflicting rows of a batch in the words of the quarantine."""
    rows = verdict.conflicts
    ids = sorted(set(rows.series.tolist()))
    found: dict[int, tuple[str, str, str]] = {}
    s = schema.series.c
    for at in range(0, len(ids), 500):
        query = select(s.id, s.asset, s.device, s.prop).where(s.id.in_(ids[at : at + 500]))
        found.update({row[0]: (row[1], row[2], row[3]) for row in conn.execute(query)})
    fields = zip(*(column.tolist() for column in rows), verdict.kept.tolist(), strict=True)
    return [
        _contradiction(found[series], ts, value, ts + delay, kept)
        for series, ts, value, _, delay, kept in fields
    ]


def _contradiction(
    key: tuple[str, str, str], ts: int, value: float, recv: int, kept: float
) -> Quarantined:
    asset, device, prop = key
    known = None if math.isnan(kept) else kept
    detail = (
        _PURGED
        if known is None
        else f"{prop} of {asset} at {ts} is already kept as {kept!r}: look at the device's clock"
    )
    payload = {"asset": asset, "prop": prop, "ts_ms": ts, "value": value, "kept": known}
    return Quarantined(recv, "store", device, Reason.CONFLICT, detail, json.dumps(payload).encode())


def verified(row: Any) -> Quarantined:
    """The item of a row of the table; its digest is also its checksum."""
    item = Quarantined(*row[1:7])
    if all(_digest(item, nth) != row.digest for nth in range(1, BATCH_READINGS_MAX + 1)):
        raise StoreError(
            f"quarantined message {row.id} was damaged: run `beffroi data check`, restore a backup"
        )
    return item


def _digest(item: Quarantined, nth: int) -> int:
    """Equal for the same reading of the same message, delivered again."""
    reason = Reason(item.reason) if item.reason in _REASONS else item.reason
    data = repr((*item._replace(reason=reason), nth)).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)
