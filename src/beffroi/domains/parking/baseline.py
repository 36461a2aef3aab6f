"""The magnetic field of an empty bay, one axis: a Kalman filter that drift cannot fool for long.

Knows neither radar nor occupancy: the caller says whether the bay is surely free.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DRIFT_VAR_PER_S = 1.5**2 / 3_600  # µT² a second: 1.5 µT in an hour, the drift of a hot afternoon
NOISE_UT = 0.5
START_VAR = 9.0  # µT², after an installation on an empty bay
BLIND_VAR = 25.0**2  # no installation value: the first sample is as good as nothing
VAR_MAX = 30.0**2
SLOW = 80.0  # noise taken for a small lasting offset: it is learnt within an hour, not a minute
JITTER_KEEP = 0.7


class Axis:
    """Baseline and noise of one axis. All values in µT, µT² and ms."""

    __slots__ = ("jitter", "last", "mean", "step", "ts_ms", "var")

    def __init__(self, saved: Mapping[str, Any] | None, zero: float | None = None) -> None:
        saved = saved or {}
        self.mean: float | None = saved.get("mean", zero)
        self.var: float = saved.get("var", START_VAR if zero is not None else BLIND_VAR)
        self.ts_ms: int = saved.get("ts", 0)
        self.last: float | None = saved.get("last")
        self.step: float = saved.get("step", 0.0)
        self.jitter: float = saved.get("jitter", 0.0)

    def see(self, ts_ms: int, value: float) -> tuple[float, float]:
        """(deviation, its variance under an empty bay). Does not learn the baseline."""
        if self.mean is None:
            self.mean = value
        if self.ts_ms:
            self.var = min(VAR_MAX, self.var + DRIFT_VAR_PER_S * (ts_ms - self.ts_ms) / 1000)
        self.ts_ms = max(ts_ms, self.ts_ms)
        step = 0.0 if self.last is None else value - self.last
        # one jump is a vehicle, jump after jump is electromagnetic noise
        rough = min(abs(step), abs(self.step)) if step * self.step < 0 else 0.0
        self.jitter = max(rough, self.jitter * JITTER_KEEP)
        self.last, self.step = value, step
        return value - self.mean, NOISE_UT**2 + self.jitter**2 + self.var

    def learn(self, value: float, slow: bool) -> None:
        """The bay is surely free now (`slow`: with a small offset, perhaps a neighbour's)."""
        noise = NOISE_UT**2 + self.jitter**2 + (SLOW**2 if slow else 0.0)
        gain = self.var / (self.var + noise)
        self.mean = (self.mean or 0.0) + gain * (value - (self.mean or 0.0))
        self.var *= 1 - gain

    def dump(self) -> dict[str, Any]:
        return {
            "mean": self.mean,
            "var": self.var,
            "ts": self.ts_ms,
            "last": self.last,
            "step": self.step,
            "jitter": self.jitter,
        }
