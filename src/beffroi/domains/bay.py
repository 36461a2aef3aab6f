"""How a short-stay bay stands: its states, since when it is taken, how many came in a day.

For its watch and for those who count what it said. Counts vehicles, never recognises one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beffroi.domains.state import Memory

FREE, OCCUPIED, OVERSTAY, UNKNOWN = range(4)  # of `state`
HOUR_MS = 3_600_000
BLINK_MS = 10_000  # no vehicle leaves and another parks in less: the same stay goes on
AGAIN_MS = 24 * HOUR_MS  # what has not changed for so long is said again
HEARD_MS = 26 * HOUR_MS  # a sign a day, and some slack: from then on nobody knows


@dataclass(slots=True)
class Stays(Memory):
    """`since_ms` is when the present state began, `before_ms` the stay that just ended (or 0)."""

    occupied: bool | None = None
    since_ms: int = 0
    before_ms: int = 0
    hours: dict[str, int] = field(default_factory=dict)  # arrivals by hour since 1970

    def change(self, ts_ms: int, occupied: bool) -> None:
        """The bay became taken or free."""
        first = self.occupied is None
        if occupied and self.before_ms and ts_ms - self.since_ms < BLINK_MS:
            self.occupied, self.since_ms, self.before_ms = True, self.before_ms, 0
            return
        self.before_ms = 0 if occupied or first else self.since_ms
        self.occupied, self.since_ms = occupied, ts_ms
        if occupied and not first:
            hour = str(ts_ms // HOUR_MS)
            self.hours[hour] = self.hours.get(hour, 0) + 1

    def stay_min(self, now_ms: int) -> float:
        """Minutes since the arrival; 0 when free."""
        return max(0, now_ms - self.since_ms) / 60_000 if self.occupied else 0.0

    def ended_min(self) -> float:
        """Length of the stay that just ended."""
        return max(0, self.since_ms - self.before_ms) / 60_000 if self.before_ms else 0.0

    def rotation_per_day(self, now_ms: int) -> int:
        """Vehicles that arrived in this hour and the 23 before."""
        last = now_ms // HOUR_MS
        self.hours = {h: n for h, n in self.hours.items() if int(h) > last - 24}
        return sum(self.hours.values())
