"""Is a vehicle on the bay? A hidden Markov model over two technologies and their nuisances.

The hidden state is (occupied, magnetic class, radar class). The classes absorb what is not the
bay's own vehicle: a neighbour's field, a tram, a leaf, snow, a passer-by. Evidence for occupancy
comes from *which classes change together*, never from the mere length of an observation, so that a
lasting disturbance is not counted once per sample. Model and constants: domain.md.

Pure arithmetic: no bay, no order, no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, log

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Logs = Sequence[float]  # log-likelihood of each class

MAG = 4  # classes: noise only, a few µT, about ten, tens of µT
RADAR = 5  # nothing above, vehicle, a lid (leaf, snow), anything else, beside the beam
VEHICLE, LID = 1, 2
SIZE = 2 * MAG * RADAR  # index = 20 * occupied + 5 * magnetic + radar
# arrivals and departures (equal, so that silence never takes sides): they move the field
FLIP_PER_S, FLIP_STILL_PER_S = 1 / 250, 1 / 24_000
WANDER_PER_S = 1 / 900  # a class changes for a nuisance; equal for all: dwelling proves nothing
LOG_FLOOR = -7.0  # of a likelihood ratio: no single sample is proof
STEP_MS = 250  # time is rounded to this for the cached transition matrices
DT_MS_MAX = 3_600_000
MAG_SD_UT = (0.0, 2.2, 8.0, 29.0)  # per axis, beyond noise and baseline doubt
FAR_M = 1.2

# [occupied][class] just after a change of occupancy
MAG_GIVEN = np.array([[0.62, 0.30, 0.07, 0.01], [0.03, 0.09, 0.23, 0.65]])
RADAR_GIVEN = np.array([[0.60, 0.33, 0.03, 0.04, 0.0], [0.49, 0.42, 0.04, 0.04, 0.01]])
# leaves and snow last
LID_STAYS = np.array([[0.48, 0.01, 0.48, 0.03, 0.0], [0.02, 0.47, 0.48, 0.02, 0.01]])
# [occupied][from][to]: where a wandering class goes
MAG_WANDER = np.array(
    [
        [  # a burst of noise is over in a minute, a vehicle beside the beam is not
            [0, 0.63, 0.27, 0.1],
            [0.63, 0, 0.27, 0.1],
            [0.5, 0.4, 0, 0.1],
            [7.5, 3.75, 3.75, 0],
        ],
        [[0, 0.8, 0.18, 0.02], [0.3, 0, 0.65, 0.05], [0.01, 0.29, 0, 0.7], [0.002, 0.018, 0.98, 0]],
    ]
)
RADAR_WANDER = np.array(
    [
        [  # what is no vehicle does not look like one for long, nor do people and drops last
            [0, 0.005, 0.1, 3.1, 0],
            [215, 0, 2, 8, 0],
            [0.7, 0.005, 0, 0.295, 0],
            [45, 0.005, 0.1, 0, 0],
            [1, 0, 0, 0, 0],
        ],
        [  # a vehicle on its way in is soon in the beam, or else it stays beside it
            [0, 194, 16, 9, 6],
            [0.01, 0, 0.2, 0.79, 0],
            [0.01, 0.7, 0, 0.29, 0],
            [0.01, 0.79, 0.2, 0, 0],
            [0, 0.2, 0.005, 3.0, 0],
        ],
    ]
)


def _generator(flip_per_s: float) -> Array:
    """The rate matrix: occupancy flips and redraws both classes, or one class wanders."""
    rate = np.zeros((2, MAG, RADAR, 2, MAG, RADAR))
    for o, m, r in np.ndindex(2, MAG, RADAR):
        radar = (LID_STAYS if r == LID else RADAR_GIVEN)[1 - o]
        rate[o, m, r, 1 - o] = flip_per_s * np.outer(MAG_GIVEN[1 - o], radar)
        rate[o, m, r, o, :, r] += WANDER_PER_S * MAG_WANDER[o, m]
        rate[o, m, r, o, m, :] += WANDER_PER_S * RADAR_WANDER[o, r]
    flat = rate.reshape(SIZE, SIZE)
    np.fill_diagonal(flat, 0.0)
    np.fill_diagonal(flat, -flat.sum(axis=1))
    return flat


_RATES = {still: _generator(FLIP_STILL_PER_S if still else FLIP_PER_S) for still in (False, True)}


@lru_cache(maxsize=1024)
def _transition(steps: int, still: bool) -> Array:
    """exp(rate * steps * STEP_MS), by squaring."""
    small = np.eye(SIZE) + _RATES[still] * (STEP_MS / 1000 / 16)
    return np.linalg.matrix_power(small, 16 * steps)


def start_belief() -> Array:
    """Nothing known: both occupancies equal, classes as at a change."""
    joint = [np.outer(MAG_GIVEN[o], RADAR_GIVEN[o]).ravel() for o in range(2)]
    return np.concatenate(joint) / 2


def passed(belief: Array, dt_ms: int, still: bool = False) -> Array:
    """The belief `dt_ms` later; `still`: the magnetic field has not moved meanwhile.

    Long gaps are rounded to minutes so that few matrices are needed.
    """
    steps = (min(dt_ms, DT_MS_MAX) + STEP_MS // 2) // STEP_MS
    if steps <= 0:
        return belief
    return belief @ _transition(int(steps if steps <= 240 else steps // 240 * 240), still)


_PICK_MAG = np.eye(MAG)[[(i // RADAR) % MAG for i in range(SIZE)]].T.copy()
_PICK_RADAR = np.eye(RADAR)[[i % RADAR for i in range(SIZE)]].T.copy()
_ONES = np.ones(SIZE)


def weighed(belief: Array, mag: Logs, radar: Logs) -> Array:
    """Bayes' rule with one log-likelihood per class of each technology. Never NaN, sums to 1."""
    new = belief * (_bounded(mag) @ _PICK_MAG) * (_bounded(radar) @ _PICK_RADAR)
    total = float(new @ _ONES)
    return new / total if total > 1e-300 else start_belief()


def _bounded(logs: Logs) -> Array:
    top = max(logs)
    return np.array([exp(max(one - top, LOG_FLOOR)) for one in logs])


def occupied_p(belief: Array) -> float:
    """P(occupied), within [0, 1]."""
    return min(1.0, max(0.0, float(sum(belief.tolist()[SIZE // 2 :]))))


def free_p(belief: Array) -> tuple[float, float]:
    """P(free with a clean field), P(free with an offset); what looks like a vehicle left out."""
    b = belief.tolist()
    seen = [sum(b[i : i + RADAR]) - b[i + VEHICLE] for i in range(0, SIZE // 2, RADAR)]
    return seen[0], sum(seen[1:])


# --- log-likelihoods of one sample, per class ----------------------------------------------------


def _normal(x: float, sd: float) -> float:
    return -0.5 * (x / sd) ** 2 - log(sd)


def mag_logs(dev: float, noise_var: float) -> Logs:
    """Deviation of one axis from its baseline (µT); `noise_var` in µT²: noise + baseline doubt."""
    half = -0.5 * dev * dev
    return [half / v - 0.5 * log(v) for v in (noise_var + sd * sd for sd in MAG_SD_UT)]


def range_logs(radar_m: float) -> Logs:
    """Distance of the nearest target above the sensor (m); far or maximal means nothing there."""
    if radar_m > FAR_M:
        return -0.9, -6.2, -6.2, -3.5, -0.9
    vehicle, lid = exp(_normal(radar_m - 0.23, 0.09)), exp(_normal(radar_m - 0.08, 0.035))
    return -5.3, log(0.4 * vehicle + 0.002), log(0.4 * lid + 0.002), -0.36, -5.3


def echo_logs(echo_db: float) -> Logs:
    """Echo strength over the noise floor (dB)."""
    floor = _normal(echo_db - 2, 4)
    strong, lid, weak = (_normal(echo_db - at, sd) for at, sd in ((25, 5), (13, 5), (12, 7)))
    return floor, strong, lid, weak, floor


def ir_logs(ir_reflect: float) -> Logs:
    """Reflected infrared, 0 to 1."""
    floor = _normal(ir_reflect - 0.12, 0.08)
    return floor, _normal(ir_reflect - 0.6, 0.2), 0.2, 0.2, floor


# --- statements of devices that decide themselves ------------------------------------------------
STATEMENT_LOGIT = log(0.97 / 0.03)


def combined_p(raw_p: float, statements_logit: float) -> float:
    """Raw belief and the sum of the statements' log-odds."""
    raw_p = min(max(raw_p, 1e-9), 1 - 1e-9)
    logit = log(raw_p / (1 - raw_p)) + statements_logit
    return 1 / (1 + exp(-max(-40.0, min(40.0, logit))))
