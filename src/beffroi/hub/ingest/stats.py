"""What the ingest has done since it started, for the status page and for conservation.

The unit is one value after decoding; a message or reading refused before that counts as one.
Always: received + derived = stored + duplicates + the sum of `quarantined`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
