"""What the ingest has done since it started, for the status page and for conservation.

The unit is one value after decoding; a message or reading refused before that counts as one.
Always: received + derived = stored + duplicates + the sum of `quarantined`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from beffroi.hub.ingest.turn import Turn
from beffroi.model.reading import Reason


@dataclass(slots=True)
class Kept:
    """What the store did with one turn, summed over its parts."""

    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    refused: int = 0  # rows that the store could not take at all
    changes: int = 0  # of alarms


@dataclass(slots=True)
class Stats:
    """Written by the ingest's worker only; a reader may be one turn behind."""

    messages: int = 0
    ignored: int = 0  # well-formed events without a reading (a LoRaWAN join)
    received: int = 0
    derived: int = 0  # computed by the hub itself
    stored: int = 0
    duplicates: int = 0
    late: int = 0  # of those stored or duplicate: older than what was already known
    quarantined: Counter[str] = field(default_factory=Counter)  # by reason, "conflict" included
    turns: int = 0  # transactions
    alarms: int = 0  # changes to alarms
    watch_errors: int = 0  # a domain's watch raised: a bug, see the log
    store_errors: int = 0
    bus_errors: int = 0
    lag_ms: int = 0  # of the newest turn: from the broker's receipt to the commit
    backlog: int = 0  # messages at the broker, read every few seconds
    degraded: str = ""  # why nothing moves at the moment, in words; "" when all is well

    def balanced(self) -> bool:
        """Nothing vanished and nothing appeared."""
        out = self.stored + self.duplicates + sum(self.quarantined.values())
        return self.received + self.derived == out

    def count(self, turn: Turn, kept: Kept, now_ms: int) -> None:
        """A turn is durable."""
        self.messages += turn.messages
        self.ignored += turn.ignored
        self.received += turn.received
        self.derived += turn.derived_rows
        self.late += turn.late
        self.stored += kept.stored
        self.duplicates += kept.duplicates
        self.alarms += kept.changes
        self.quarantined.update(turn.reasons())
        if kept.conflicts:
            self.quarantined[Reason.CONFLICT] += kept.conflicts
        if kept.refused:
            self.quarantined[Reason.UNREADABLE] += kept.refused
        self.turns += 1
        if turn.messages:
            self.lag_ms = max(now_ms - turn.oldest_recv_ms, 0)
