"""A belief over a few hidden states that change at given rates: time passes, samples are weighed.

Shared by domains. Knows no meaning of a state. Numbers stay probabilities whatever comes in.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEP_MS = 250  # time is rounded to this for the cached matrices
MINUTE_STEPS = 240  # long gaps are rounded to minutes, so that few matrices are needed
DT_MS_MAX = 3_600_000
LOG_FLOOR = -7.0  # of a likelihood ratio: no single sample is proof


class Chain:
    """Rates per second between states (rows: from). The diagonal is filled in."""

    def __init__(self, rates: Array) -> None:
        size = len(rates)
        full = rates.copy()
        np.fill_diagonal(full, 0.0)
        np.fill_diagonal(full, -full.sum(axis=1))
        self._sixteenth = np.eye(size) + full * (STEP_MS / 1000 / 16)
        self._power = lru_cache(maxsize=512)(self._raised)

    def _raised(self, steps: int) -> Array:
        """exp(rates x time), by squaring."""
        return np.linalg.matrix_power(self._sixteenth, 16 * steps)

    def passed(self, belief: Array, dt_ms: int) -> Array:
        """The belief `dt_ms` later (at most an hour)."""
        steps = (min(dt_ms, DT_MS_MAX) + STEP_MS // 2) // STEP_MS
        if steps <= 0:
            return belief
        if steps > MINUTE_STEPS:
            steps = steps // MINUTE_STEPS * MINUTE_STEPS
        moved: Array = belief @ self._power(int(steps))
        return moved


def likelihoods(logs: list[float]) -> Array:
    """From log-likelihoods, the best being 1 and none under the floor."""
    top = max(logs)
    return np.array([exp(max(one - top, LOG_FLOOR)) for one in logs])


def weighed(belief: Array, likelihood: Array) -> Array:
    """Bayes' rule."""
    new: Array = belief * likelihood
    return new / float(new.sum())
