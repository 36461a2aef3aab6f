"""Small physics of a measured process: too fast, out of balance, fallen, switched too often.

Each is a memory with constant cost. Knows no unit, no rule and no domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beffroi.domains.series import LEARN_MS
from beffroi.domains.state import Memory

HOUR_MS = 3_600_000
RIPPLE = 0.05  # of a level, in its unit: less is never movement
BALANCE_S = 1_800.0
HOLE_S_MAX = 7_200.0


@dataclass(slots=True)
class Pace(Memory):
    """A value that moves faster than it can, or than it ever did while learning."""

    first_ms: int = -1
    last_ms: int = -1
    last: float = 0.0
    fastest: float = 0.0  # per second, learnt

    def step(self, ts_ms: int, value: float, most: float | None) -> tuple[bool, float, float]:
        """(too fast?, change, seconds). `most` per second when it is known."""
        if self.first_ms < 0:
            self.first_ms = ts_ms
        seconds, change = (ts_ms - self.last_ms) / 1000.0, value - self.last
        fresh = self.last_ms < 0
        self.last_ms, self.last = ts_ms, value
        if fresh or seconds <= 0:
            return False, 0.0, 0.0
        rate = max(0.0, abs(change) - RIPPLE) / seconds
        if ts_ms - self.first_ms <= LEARN_MS:
            if seconds <= HOLE_S_MAX:
                self.fastest = max(self.fastest, rate)
            return most is not None and rate > 1.5 * most, change, seconds
        return rate > 1.5 * (3 * self.fastest if most is None else most), change, seconds


@dataclass(slots=True)
class Balance(Memory):
    """What flows in minus what flows out must be what the stock gains."""

    since_ms: int = -1
    start: float = 0.0
    net: float = 0.0
    last_ms: int = -1

    def step(self, ts_ms: int, stock: float, net_per_s: float) -> tuple[float, float] | None:
        """(missing per second, seconds) after each window of BALANCE_S, else None."""
        seconds = (ts_ms - self.last_ms) / 1000.0
        if self.last_ms < 0 or not 0 <= seconds <= HOLE_S_MAX:
            self.since_ms, self.start, self.net, self.last_ms = ts_ms, stock, 0.0, ts_ms
            return None
        self.net += net_per_s * seconds
        self.last_ms = ts_ms
        window_s = (ts_ms - self.since_ms) / 1000.0
        if window_s < BALANCE_S:
            return None
        gap = (self.net - (stock - self.start)) / window_s
        self.since_ms, self.start, self.net = ts_ms, stock, 0.0
        return gap, window_s


@dataclass(slots=True)
class Fall(Memory):
    """A value far below its usual one. Not learnt while it lasts: a fault must not be usual."""

    usual: float = 0.0
    spread: float = 0.0
    samples: int = 0

    def step(self, value: float, least: float, active: bool) -> bool | None:
        """Fallen by more than `least` and five spreads? None while learning."""
        fallen = None
        if self.samples >= 100:
            margin = max(least, 5 * self.spread) * (0.7 if active else 1.0)
            fallen = value < self.usual - margin
        if not active and not fallen:
            if not self.samples:
                self.usual = value
            self.samples += 1
            share = 1 / min(self.samples, 300)
            error = value - self.usual
            self.usual += error * share
            self.spread += (abs(error) - self.spread) * share
        return fallen


@dataclass(slots=True)
class Switching(Memory):
    """How often a state changed within the last hour."""

    state: int = -1
    at: list[int] = field(default_factory=list)

    def step(self, ts_ms: int, on: bool, only_on: bool = False) -> float:
        """`only_on`: count switching on alone."""
        if self.state >= 0 and bool(self.state) != on and (on or not only_on):
            self.at.append(ts_ms)
        self.state = int(on)
        if self.at:
            self.at = [at for at in self.at if ts_ms - at < HOUR_MS][-100:]
        return float(len(self.at))
