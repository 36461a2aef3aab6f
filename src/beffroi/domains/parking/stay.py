"""Stays and rotation of one bay: since when it is taken, how many vehicles came in a day.

Counts vehicles, never recognises one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOUR_MS = 3_600_000
BLINK_MS = 10_000  # no vehicle leaves and another parks in less: the same stay goes on


class Stays:
    """`since_ms` is when the present state began (0: unknown)."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self.occupied: bool | None = saved.get("occupied")
        self.since_ms: int = saved.get("since_ms", 0)
        self._before_ms: int = saved.get("before_ms", 0)  # start of the stay that just ended
        self._hours: dict[str, int] = dict(saved.get("hours", {}))  # arrivals by hour since 1970

    def dump(self) -> dict[str, Any]:
        return {
            "occupied": self.occupied,
            "since_ms": self.since_ms,
            "before_ms": self._before_ms,
            "hours": self._hours,
        }

    def change(self, ts_ms: int, occupied: bool) -> None:
        """The bay became taken or free."""
        first = self.occupied is None
        if occupied and self._before_ms and ts_ms - self.since_ms < BLINK_MS:
            self.occupied, self.since_ms, self._before_ms = True, self._before_ms, 0
            return
        self._before_ms = 0 if occupied or first else self.since_ms
        self.occupied, self.since_ms = occupied, ts_ms
        if occupied and not first:
            hour = str(ts_ms // HOUR_MS)
            self._hours[hour] = self._hours.get(hour, 0) + 1
            self._forget(ts_ms)

    def stay_min(self, now_ms: int) -> float:
        """Minutes since the arrival; 0 when free."""
        return max(0, now_ms - self.since_ms) / 60_000 if self.occupied else 0.0

    def ended_min(self) -> float:
        """Length of the stay that just ended."""
        return max(0, self.since_ms - self._before_ms) / 60_000 if self._before_ms else 0.0

    def rotation_per_day(self, now_ms: int) -> int:
        """Vehicles that arrived in this hour and the 23 before."""
        self._forget(now_ms)
        return sum(self._hours.values())

    def _forget(self, now_ms: int) -> None:
        last = now_ms // HOUR_MS
        for hour in [h for h in self._hours if int(h) <= last - 24]:
            del self._hours[hour]
