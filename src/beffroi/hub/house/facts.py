"""What the house looks at, gathered by the composition root: plain values, each with its unit.

Knows no file and no clock. "" and 0 mean: nothing is known, which is never an alarm by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Machine:
    """The server and its broker, cheap to look at."""

    broker_trouble: str = ""  # why the broker keeps nothing now
    broker_connected: bool = True
    disk_free_bytes: int = 0
    disk_total_bytes: int = 0
    disk_readonly: bool = False
    qos0_dropped: int = 0  # since the hub started
    monotonic_ms: int = 0
    guards_off_ms: tuple[int, ...] = ()  # clock of each guard heard lately, minus ours


@dataclass(frozen=True, slots=True)
class Papers:
    """What ends, and what is kept for the day of need; looked at now and then. Instants in ms."""

    devices: Mapping[str, int] = field(default_factory=dict)  # enrolled device -> its end
    server_ends_ms: int = 0
    authority_ends_ms: int = 0
    trust_ends_ms: int = 0  # the first signed document that ends
    installed_ms: int = 0
    backup_ms: int = 0  # the newest one
    restored_ms: int = 0  # when a backup was last read back


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the neighbours said last; both "" when all is well."""

    wrong: str = ""
    rolled_back: str = ""
