"""Is a vehicle on the bay? A hidden Markov model over two technologies and their nuisances.

The hidden state is (occupied, magnetic class, radar class). The classes absorb what is not the
bay's own vehicle: a neighbour's field, a leaf, snow, a passer-by. Evidence for occupancy comes
only from *how classes change together*, never from the mere length of an observation, so that a
lasting disturbance is not counted once per sample. See domain.md for the model and its constants.

Pure arithmetic: no bay, no order, no alarm.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, inf, log, pi, sqrt

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CLEAN, SMALL, LARGE = 0, 1, 2  # magnetic classes: only noise, a few µT, a vehicle's tens of µT
NOTHING, VEHICLE, OTHER = 0, 1, 2  # radar classes: far ground, vehicle-like, anything else

FLIP_PER_S = 1 / 1_200  # arrivals and departures; equal, so that silence never takes sides
WANDER_PER_S = 1 / 900  # a class changes for a nuisance; equal for all: dwelling proves nothing
RARE = 0.03  # of those, to a class that mimics the other occupancy

MAG_GIVEN = np.array([[0.90, 0.09, 0.01], [0.03, 0.12, 0.85]])  # [occupied][class] at a change
RADAR_GIVEN = np.array([[0.93, 0.01, 0.06], [0.05, 0.89, 0.06]])
# where a wandering class goes, [occupied][from][to]
MAG_WANDER = np.array(
    [
        [[0, 1 - RARE, RARE], [1 - RARE, 0, RARE], [0.5, 0.5, 0]],
        [[0, 0.5, 0.5], [RARE, 0, 1 - RARE], [RARE, 1 - RARE, 0]],
    ]
)
RADAR_WANDER = np.array(
    [
        [[0, RARE, 1 - RARE], [0.5, 0, 0.5], [1 - RARE, RARE, 0]],
        [[0, 0.5, 0.5], [RARE, 0, 1 - RARE], [RARE, 1 - RARE, 0]],
    ]
)

MAG_SD_UT = (0.0, 2.5, 25.0)  # per axis, beyond noise and baseline doubt
FLOOR = 1e-3  # of a likelihood: no single sample is proof
STEP_MS = 250  # time is rounded to this for the cached transition matrices
DT_MS_MAX = 3_600_000


def _generator() -> Array:
    """The 18 x 18 rate matrix; index = 9 * occupied + 3 * magnetic + radar."""
    rate = np.zeros((2, 3, 3, 2, 3, 3))
    for o in range(2):
        arrive = np.multiply.outer(MAG_GIVEN[1 - o], RADAR_GIVEN[1 - o])
        for m in range(3):
            for r in range(3):
                rate[o, m, r, 1 - o] = FLIP_PER_S * arrive
                rate[o, m, r, o, :, r] += WANDER_PER_S * MAG_WANDER[o, m]
                rate[o, m, r, o, m, :] += WANDER_PER_S * RADAR_WANDER[o, r]
    flat = rate.reshape(18, 18)
    np.fill_diagonal(flat, 0.0)
    np.fill_diagonal(flat, -flat.sum(axis=1))
    return flat


_RATE = _generator()


@lru_cache(maxsize=512)
def _transition(steps: int) -> Array:
    """exp(rate * steps * STEP_MS), by squaring."""
    small = np.eye(18) + _RATE * (STEP_MS / 1000 / 16)
    one = np.linalg.matrix_power(small, 16)
    return np.linalg.matrix_power(one, steps)


def start_belief() -> Array:
    """Nothing known: both occupancies equal, classes as at a change."""
    joint = np.stack([np.multiply.outer(MAG_GIVEN[o], RADAR_GIVEN[o]) for o in range(2)])
    return np.ascontiguousarray(joint.reshape(18) / 2)


def passed(belief: Array, dt_ms: int) -> Array:
    """The belief `dt_ms` later. Long gaps are rounded so that few matrices are needed."""
    dt_ms = min(dt_ms, DT_MS_MAX)
    steps = (dt_ms + STEP_MS // 2) // STEP_MS
    if steps <= 0:
        return belief
    if steps > 240:
        steps = steps // 240 * 240
    return belief @ _transition(int(steps))


_MAG_OF = [(i // 3) % 3 for i in range(18)]
_RADAR_OF = [i % 3 for i in range(18)]
_PICK_MAG = np.eye(3)[_MAG_OF].T.copy()
_PICK_RADAR = np.eye(3)[_RADAR_OF].T.copy()
_ONES = np.ones(18)


def weighed(belief: Array, likelihood: tuple[float, float, float], radar: bool) -> Array:
    """Bayes' rule with one likelihood per magnetic (or radar) class. Never NaN, sums to 1."""
    top = max(likelihood)
    if not 0 < top < inf:
        return belief
    a, b, c = likelihood
    low = FLOOR * top
    scaled = np.array((max(a, low), max(b, low), max(c, low)))
    new = belief * (scaled @ (_PICK_RADAR if radar else _PICK_MAG))
    total = float(new @ _ONES)
    return new / total if total > 1e-300 else start_belief()


def occupied_p(belief: Array) -> float:
    """P(occupied), within [0, 1]."""
    return min(1.0, max(0.0, float(belief[9:] @ _ONES[9:])))


def class_p(belief: Array, occupied: int, magnetic: int) -> float:
    """P(occupancy and magnetic class)."""
    start = 9 * occupied + 3 * magnetic
    return float(belief[start] + belief[start + 1] + belief[start + 2])


# --- likelihoods of one sample, per class ------------------------------------------------------


def _normal(x: float, sd: float) -> float:
    return exp(-0.5 * min((x / sd) ** 2, 1_000.0)) / sd


def mag_likelihood(dev_uT: float, noise_var: float) -> tuple[float, float, float]:  # noqa: N803
    """Deviation of one axis from its baseline (µT); `noise_var` in µT²: noise + baseline doubt."""
    a, b, c = (sqrt(noise_var + sd * sd) for sd in MAG_SD_UT)
    return _normal(dev_uT, a), _normal(dev_uT, b), _normal(dev_uT, c)


def range_likelihood(radar_m: float) -> tuple[float, float, float]:
    """Distance of the nearest target above the sensor (m); far or maximal means nothing there."""
    far = radar_m > 1.2
    vehicle = _normal(radar_m - 0.27, 0.12) / sqrt(2 * pi)
    return (0.4 if far else 0.005), vehicle + 0.002, (0.03 if far else 0.7)


def echo_likelihood(echo_db: float) -> tuple[float, float, float]:
    """Echo strength over the noise floor (dB)."""
    return _normal(echo_db - 2, 4), _normal(echo_db - 24, 6), _normal(echo_db - 12, 7)


def ir_likelihood(ir_reflect: float) -> tuple[float, float, float]:
    """Reflected infrared, 0 to 1."""
    return _normal(ir_reflect - 0.12, 0.08), _normal(ir_reflect - 0.6, 0.2), 1.2


# --- statements of devices that decide themselves ----------------------------------------------
STATEMENT_LOGIT = log(0.97 / 0.03)


def combined_p(raw_p: float, statements_logit: float) -> float:
    """Raw belief and the sum of the statements' log-odds."""
    raw_p = min(max(raw_p, 1e-9), 1 - 1e-9)
    logit = log(raw_p / (1 - raw_p)) + statements_logit
    return 1 / (1 + exp(-max(-40.0, min(40.0, logit))))
