"""Energy and burning hours of a night, from power held between readings, beside what was due.

A hole longer than two hours is not bridged; a night known for less than four fifths is not told.
"""

from __future__ import annotations

from dataclasses import dataclass

from beffroi.domains.lighting.faults import BURN_SHARE, expected_w
from beffroi.domains.night import Night
from beffroi.domains.state import Memory
from beffroi.model.finding import Derived

HOUR_MS = 3_600_000
HOLE_MS_MAX = 2 * HOUR_MS
COVER_MIN = 0.8
_WH_PER_KWH = 1_000.0


@dataclass(slots=True)
class Ledger(Memory):
    """Sums of the night under way. Wh and milliseconds."""

    night_ms: int = -1
    last_ms: int = -1
    last_w: float = 0.0
    used_wh: float = 0.0
    due_wh: float = 0.0
    full_wh: float = 0.0  # had it burnt fully from sunset to sunrise
    lit_ms: int = 0
    dark_ms: int = 0  # of the whole night
    dark_known_ms: int = 0

    def step(
        self, ts_ms: int, power_w: float, night: Night, nominal_w: float, floor: float
    ) -> list[Derived]:
        """The night's figures when a new night has begun, else []."""
        out: list[Derived] = []
        if night.start_ms != self.night_ms:
            if night.start_ms > self.night_ms >= 0:
                out = self._told()
            self.night_ms, self.used_wh, self.due_wh, self.full_wh = night.start_ms, 0.0, 0.0, 0.0
            self.lit_ms, self.dark_known_ms = 0, 0
            whole = night.spans(night.start_ms, night.end_ms)
            self.dark_ms = sum(span_ms for span_ms, _, why in whole if why != "day")
        if 0 <= self.last_ms < ts_ms <= self.last_ms + HOLE_MS_MAX:
            self._add(max(self.last_ms, night.start_ms), ts_ms, night, nominal_w, floor)
        self.last_ms, self.last_w = ts_ms, power_w
        return out

    def _add(self, a_ms: int, b_ms: int, night: Night, nominal_w: float, floor: float) -> None:
        hours = (b_ms - a_ms) / HOUR_MS
        self.used_wh += self.last_w * hours
        if self.last_w > BURN_SHARE * nominal_w:
            self.lit_ms += b_ms - a_ms
        for span_ms, pct, why in night.spans(a_ms, b_ms):
            if why != "day":
                self.dark_known_ms += span_ms
                self.full_wh += nominal_w * span_ms / HOUR_MS
                self.due_wh += expected_w(nominal_w, pct, floor) * span_ms / HOUR_MS

    def _told(self) -> list[Derived]:
        if self.dark_known_ms < COVER_MIN * self.dark_ms:
            return []
        at = self.last_ms
        return [
            Derived("night_kWh", at, self.used_wh / _WH_PER_KWH),
            Derived("night_h", at, self.lit_ms / HOUR_MS),
            Derived("expected_kWh", at, self.due_wh / _WH_PER_KWH),
            Derived("saved_kWh", at, (self.full_wh - self.used_wh) / _WH_PER_KWH),
        ]
