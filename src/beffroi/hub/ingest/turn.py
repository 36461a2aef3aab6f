"""What one turn of the ingest has gathered so far, on its way to one transaction.

A message that fails unexpectedly is taken out again (`mark`, `undo`). Knows no rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from beffroi.hub.ingest.inventory import Plan
from beffroi.hub.ingest.watches import Slot
from beffroi.hub.links.items import Frame
from beffroi.hub.live import Value
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding
from beffroi.model.limits import QUARANTINE_ROWS_PER_TURN_MAX
from beffroi.model.reading import Quarantined, Reason, Row
from beffroi.ports.bus import Message
from beffroi.ports.store import Batch

# (ts_ms, slot, value, recv_ms): a value that passed every rule, before its series is known to the
# store. A bare tuple: one is made for every value.
Candidate = tuple[int, Slot, float, int]


class Coded(NamedTuple):
    """A frame that waits for its codec."""

    plan: Plan
    frame: Frame
    message: Message


class Mark(NamedTuple):
    """Where the turn stood before a message."""

    candidates: int
    coded: int
    refusals: int
    received: int


class Turn:
    """Filled by the pipeline, made durable by the loop."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.coded: list[Coded] = []
        self.refusals: list[tuple[str, Quarantined]] = []  # (sender, row)
        self.seen: dict[str, int] = {}
        self.new: dict[int, Slot] = {}  # by id(): slots without a series
        self.derived: dict[tuple[Slot, int], Candidate] = {}  # by (slot, ts)
        self.derived_rows = 0
        self.rows: list[Row] = []
        self.findings: list[Finding] = []
        self.assets: dict[str, Asset] = {}  # of the findings
        self.states: dict[str, Mapping[str, object]] = {}
        self.fresh: dict[Slot, int] = {}  # index of the newest row, if it is not late
        self.messages = 0
        self.ignored = 0
        self.received = 0
        self.late = 0
        self.oldest_recv_ms = 0
        self.newest_recv_ms = 0

    def mark(self) -> Mark:
        return Mark(len(self.candidates), len(self.coded), len(self.refusals), self.received)

    def undo(self, mark: Mark) -> None:
        """Take out what came since."""
        del self.candidates[mark.candidates :]
        del self.coded[mark.coded :]
        del self.refusals[mark.refusals :]
        self.received = mark.received

    def refuse(
        self, message: Message, reason: str, detail: str, payload: bytes, device: str = ""
    ) -> None:
        """One value, reading or message goes to quarantine."""
        self.received += 1
        claimed = device or message.sender
        row = Quarantined(message.recv_ms, message.link, claimed, reason, detail, payload)
        self.refusals.append((message.sender, row))

    def news(self) -> list[tuple[str, str, Value]]:
        """What the map shows of it: the newest value of each series that has a newer one."""
        rows = self.rows
        return [
            (slot.key.asset, slot.prop, Value(rows[at].ts_ms, rows[at].value, rows[at].quality))
            for slot, at in self.fresh.items()
        ]

    def empty(self) -> bool:
        """Is there anything to make durable?"""
        return not (self.rows or self.refusals or self.findings or self.seen or self.states)

    def reasons(self) -> Counter[str]:
        """Refusals by reason, aggregated ones included."""
        return Counter(row.reason for _, row in self.refusals)

    def batch(self) -> Batch:
        """Without the alarms: the desk makes them at the last moment."""
        return Batch(
            rows=self.rows,
            quarantined=condense(self.refusals),
            seen=self.seen,
            states=dict(self.states),
        )


def condense(refusals: list[tuple[str, Quarantined]]) -> list[Quarantined]:
    """Of one sender and reason at most QUARANTINE_ROWS_PER_TURN_MAX rows (one for OVER_QUOTA);
    the last of them says how many more there were."""
    kept: dict[tuple[str, str], list[Quarantined]] = {}
    more: Counter[tuple[str, str]] = Counter()
    for sender, row in refusals:
        key = (sender, row.reason)
        rows = kept.setdefault(key, [])
        if len(rows) < (1 if row.reason == Reason.OVER_QUOTA else QUARANTINE_ROWS_PER_TURN_MAX):
            rows.append(row)
        else:
            more[key] += 1
    for key, count in more.items():
        rows = kept[key]
        rows[-1] = rows[-1]._replace(
            detail=f"{rows[-1].detail} (and {count} more of the same reason, counted only)"
        )
    return [row for rows in kept.values() for row in rows]
