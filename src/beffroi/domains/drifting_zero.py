"""The zero of a magnetometer axis that drifts: a Kalman filter, and how noisy the axis is just now.

Shared by domains. Knows nothing of what disturbs the field: the caller says when the zero is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from typing import Any

from beffroi.domains.state import Memory

DRIFT_VAR_PER_S = 1.5**2 / 3_600  # µT² a second: 1.5 µT in an hour, the drift of a hot afternoon
NOISE_UT = 0.5
START_VAR = 9.0  # µT², after an installation
BLIND_VAR = 25.0**2  # no installation value: the first sample is as good as nothing
VAR_MAX = 30.0**2
SLOW = 80.0  # noise taken for a lasting offset: it is learnt within an hour, not a minute
JITTER_KEEP, JITTER_GAIN = 0.85, 1.3
TRAIL_S = 15.0  # the field of just before
MOVED_UT = 1.5


@dataclass(slots=True)
class Axis(Memory):
    """Zero, noise and recent field of one axis. All in µT, µT² and ms."""

    mean: float | None = None
    var: float = BLIND_VAR
    ts_ms: int = 0
    last: float = 0.0
    step: float = 0.0
    bends: list[float] = field(default_factory=lambda: [0.0, 0.0])
    jitter: float = 0.0
    trail: float = 0.0

    @classmethod
    def of(cls, saved: Mapping[str, Any] | None, zero: float | None) -> Axis:
        """Taken up again, or new with the field at installation (None: unknown)."""
        if saved:
            return cls.load(saved)
        return cls() if zero is None else cls(float(zero), START_VAR)

    def see(self, ts_ms: int, value: float) -> tuple[float, float, bool]:
        """(deviation, its variance while nothing disturbs, whether the field moved just now)."""
        gap_s = (ts_ms - self.ts_ms) / 1000 if self.ts_ms else 1e9
        if not self.ts_ms:
            self.last = self.trail = value
            gap_s = 0.0
        if self.mean is None:
            self.mean = value
        self.var = min(VAR_MAX, self.var + DRIFT_VAR_PER_S * max(gap_s, 0.0))
        self.ts_ms = max(ts_ms, self.ts_ms)
        step = value - self.last
        # one jump bends the curve twice; three bends in a row are electromagnetic noise
        bend = abs(step - self.step)
        self.jitter = max(JITTER_GAIN * min(bend, *self.bends) / 2.4, self.jitter * JITTER_KEEP)
        self.bends = [self.bends[1], bend]
        self.last, self.step = value, step
        moved = gap_s > TRAIL_S or abs(value - self.trail) > MOVED_UT
        self.trail += (1 - exp(-max(gap_s, 0.1) / TRAIL_S)) * (value - self.trail)
        return value - self.mean, NOISE_UT**2 + self.jitter**2 + self.var, moved

    def learn(self, value: float, slow: bool) -> None:
        """Nothing disturbs now (`slow`: but something lasting may offset the field)."""
        mean = value if self.mean is None else self.mean
        noise = NOISE_UT**2 + self.jitter**2 + (SLOW**2 if slow else 0.0)
        gain = self.var / (self.var + noise)
        self.mean = mean + gain * (value - mean)
        self.var *= 1 - gain
