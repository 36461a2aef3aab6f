"""How surprising an hour is, with a bound on false alarms: a robust score against its own past.

The threshold follows the counter's own tail (online quantile): in the long run at most one hour in
`RARE_H` on each side is called unusual, whatever the distribution. Knows no rule and no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log1p, sqrt
from typing import Any

RARE_H = 2_000  # one false call in about twelve weeks, each side
THRESHOLD_START, THRESHOLD_MIN, THRESHOLD_MAX = 6.0, 4.0, 40.0
THRESHOLD_STEP = 1.0
SPREAD_START, SPREAD_GAIN = 0.3, 0.02
SURPRISE_MAX = 99.0
WARM_H = 4 * 168  # nothing is called unusual in the first four weeks
MEAN_ABS_TO_SD = 1.2533  # of a normal distribution


class Surprise:
    """Spread of the log error by hour of day, and one threshold each side."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._spread: list[float] = list(saved.get("spread") or [SPREAD_START] * 24)
        self.high: float = saved.get("high", THRESHOLD_START)
        self.low: float = saved.get("low", THRESHOLD_START)
        self.hours: int = saved.get("hours", 0)

    def dump(self) -> dict[str, Any]:
        return {
            "spread": self._spread.copy(),
            "high": self.high,
            "low": self.low,
            "hours": self.hours,
        }

    def score(self, hour: int, count: float, expected: float) -> float:
        """In standard deviations, bounded; counting noise included."""
        error = log1p(count) - log1p(expected)
        sd = sqrt((MEAN_ABS_TO_SD * self._spread[hour]) ** 2 + 1 / (expected + 1))
        return max(-SURPRISE_MAX, min(SURPRISE_MAX, error / sd))

    def learn(self, hour: int, count: float, expected: float, score: float) -> tuple[bool, bool]:
        """(unusually high, unusually low), judged before learning from this hour."""
        warm = self.hours >= WARM_H
        high, low = warm and score > self.high, warm and score < -self.low
        self.hours += 1
        if warm:
            self.high = _moved(self.high, high)
            self.low = _moved(self.low, low)
        error = min(1.0, abs(log1p(count) - log1p(expected)))
        self._spread[hour] += SPREAD_GAIN * (error - self._spread[hour])
        return high, low


def _moved(threshold: float, exceeded: bool) -> float:
    move = THRESHOLD_STEP * ((1.0 if exceeded else 0.0) - 1 / RARE_H)
    return max(THRESHOLD_MIN, min(THRESHOLD_MAX, threshold + move))
