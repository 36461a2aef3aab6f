"""How many people the next hour should bring, learnt online from one counter's own past.

A weekly profile in logarithms, moved by a small regression on how the last hours deviated from it.
Pure arithmetic over hour slots (0 = Monday 00:00-00:59 local): no clock, no time zone, no alarm.
Constants were chosen on Auckland 2019-2024 only; see domain.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log1p
from typing import Any

import numpy as np

SLOTS = 168
PROFILE_GAIN, FAST_GAIN = 0.2, 0.5  # share of a deviation that the slot's profile keeps
HALF_LIVES_H = (24, 168, 672)  # of the running levels
LEVEL_GAINS = tuple(1 - 0.5 ** (1 / h) for h in HALF_LIVES_H)
LAGS_H = (1, 2, 3, 23, 24, 25)
DEVIATION_MAX = 2.0  # in logarithms: no single hour, true or forged, teaches more than a factor 7
CORRECTION_MAX = 3.0
FORGET = 0.999  # of the regression, an hour
ERROR_FLOOR = 0.05  # weights 1/|error| make the least squares absolute (the measure is WAPE)
TRACE_MAX = 10.0  # of the regression's covariance: it cannot wind up while nothing happens
CONST = 0.3
FEATURES = 1 + len(LAGS_H) + 2 + 1
# a week ahead nothing recent is known: fixed weights of levels, fast profile and a constant
WEEK_AHEAD = (0.147, 0.201, -0.092, 0.294, 0.015)


class Predictor:
    """`forecast` then `learn`, once an hour. State: about 500 numbers, JSON-safe."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._profile: list[float | None] = list(saved.get("profile") or [None] * SLOTS)
        self._fast: list[float | None] = list(saved.get("fast") or [None] * SLOTS)
        self._past: list[float] = list(saved.get("past") or [0.0] * max(LAGS_H))  # newest last
        self._levels: list[float] = list(saved.get("levels") or [0.0] * 3)
        self._volume: float = saved.get("volume", 1.0)
        self._theta = np.array(saved.get("theta") or [0.0] * FEATURES)
        self._cov = np.array(saved.get("cov") or np.eye(FEATURES).tolist())

    def dump(self) -> dict[str, Any]:
        return {
            "profile": self._profile.copy(),
            "fast": self._fast.copy(),
            "past": self._past.copy(),
            "levels": self._levels.copy(),
            "volume": self._volume,
            "theta": self._theta.tolist(),
            "cov": self._cov.tolist(),
        }

    def usual(self, slot: int) -> float | None:
        """What this hour of the week usually brings; None before the first such hour."""
        base = self._profile[slot]
        return None if base is None else exp(base) - 1

    def forecast(self, slot: int) -> float | None:
        """Expected count of the coming hour, from all hours learnt so far."""
        base = self._profile[slot]
        if base is None:
            return None
        return max(0.0, exp(base + self._correction(self._features(slot, base))) - 1)

    def week_ahead(self, slot: int) -> float | None:
        """Expected count of this hour a week from now, just after `learn(slot, ...)`."""
        base, fast = self._profile[slot], self._fast[slot]
        if base is None or fast is None:
            return None
        known = (*self._levels, fast - base, 1.0)
        return max(0.0, exp(base + sum(w * x for w, x in zip(WEEK_AHEAD, known, strict=True))) - 1)

    def learn(self, slot: int, count: float) -> None:
        """The hour is over: `count` people passed (>= 0)."""
        y, base = log1p(count), self._profile[slot]
        if base is None:
            self._profile[slot] = self._fast[slot] = y
            self._remember(0.0)
            return
        deviation = _clip(y - base, DEVIATION_MAX)
        self._regress(self._features(slot, base), deviation, exp(base))
        self._remember(deviation)
        for i, gain in enumerate(LEVEL_GAINS):
            self._levels[i] += gain * (deviation - self._levels[i])
        self._profile[slot] = base + PROFILE_GAIN * deviation
        fast = self._fast[slot]
        fast = base if fast is None else fast
        self._fast[slot] = fast + FAST_GAIN * _clip(y - fast, DEVIATION_MAX)

    def skip(self) -> None:
        """An hour without a usable count: deviations keep their places in time."""
        self._remember(0.0)

    def _remember(self, deviation: float) -> None:
        self._past.append(deviation)
        del self._past[0]

    def _features(self, slot: int, base: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        past, fast = self._past, self._fast[slot]
        drift = 0.0 if fast is None else fast - base
        seen = [past[-lag] for lag in LAGS_H]
        return np.array([CONST, *seen, *self._levels[:2], _clip(drift, DEVIATION_MAX)])

    def _correction(self, features: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        return _clip(float(features @ self._theta), CORRECTION_MAX)

    def _regress(
        self, features: np.ndarray[Any, np.dtype[np.float64]], deviation: float, size: float
    ) -> None:
        """Recursive least squares with weights that make it minimise absolute count errors."""
        self._volume += 0.001 * (size - self._volume)
        error = deviation - self._correction(features)
        weight = 0.2 * size / max(self._volume, 1.0) / max(abs(error), ERROR_FLOOR)
        turned = self._cov @ features
        gain = turned / (FORGET / max(weight, 1e-9) + float(features @ turned))
        self._theta = np.clip(self._theta + error * gain, -5.0, 5.0)
        cov = (self._cov - np.outer(gain, turned)) / FORGET
        cov = (cov + cov.T) / 2
        trace = float(cov.trace())
        if trace > TRACE_MAX:
            cov *= TRACE_MAX / trace
        self._cov = cov


def _clip(x: float, bound: float) -> float:
    return max(-bound, min(bound, x))
