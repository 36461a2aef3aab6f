"""Is a vehicle on the bay? A hidden Markov model over two technologies and their nuisances.

The hidden state is (occupied, magnetic class, radar class). The classes absorb what is not the
bay's own vehicle: a neighbour's field, a tram, a leaf, snow, a passer-by. Evidence for occupancy
comes from *which classes change together*; a disturbance that lasts is not counted once a sample.
Model and constants: domain.md. Pure arithmetic: no bay, no order, no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np

from beffroi.domains.markov import Array, Chain, likelihoods, weighed

MAG = 4  # classes: noise only, a few µT, about ten, tens of µT
RADAR = 5  # nothing above, vehicle, a lid (leaf, snow), anything else, beside the beam
VEHICLE, LID = 1, 2
SIZE = 2 * MAG * RADAR  # index = 20 * occupied + 5 * magnetic + radar
# arrivals and departures (equal, so that silence never takes sides): they move the field
FLIP_PER_S, FLIP_STILL_PER_S = 1 / 250, 1 / 24_000
WANDER_PER_S = 1 / 900  # a class changes for a nuisance; mostly equal: dwelling proves little
MAG_SD_UT = (0.0, 2.2, 8.0, 29.0)  # per axis, beyond noise and baseline doubt
FAR_M = 1.2
STATEMENT_LOGIT = log(0.97 / 0.03)  # of a device that decides itself

# [occupied][class] just after a change of occupancy; leaves and snow outlast it
MAG_GIVEN = np.array([[0.62, 0.30, 0.07, 0.01], [0.03, 0.09, 0.23, 0.65]])
RADAR_GIVEN = np.array([[0.60, 0.33, 0.03, 0.04, 0.0], [0.49, 0.42, 0.04, 0.04, 0.01]])
LID_STAYS = np.array([[0.48, 0.01, 0.48, 0.03, 0.0], [0.02, 0.47, 0.48, 0.02, 0.01]])
# [from][to], in shares of WANDER_PER_S. Free: noise, people and drops are soon gone.
MAG_FREE = [[0, 0.63, 0.27, 0.1], [0.63, 0, 0.27, 0.1], [0.5, 0.4, 0, 0.1], [7.5, 3.75, 3.75, 0]]
RADAR_FREE = [[0, 0.005, 0.1, 3.1, 0], [215, 0, 2, 8, 0], [0.7, 0.005, 0, 0.295, 0],
              [45, 0.005, 0.1, 0, 0], [1, 0, 0, 0, 0]]  # fmt: skip
# Occupied: a vehicle on its way in is soon in the beam, or else it stays beside it.
MAG_TAKEN = [[0, 0.8, 0.18, 0.02], [0.3, 0, 0.65, 0.05], [0.01, 0.29, 0, 0.7],
             [0.002, 0.018, 0.98, 0]]  # fmt: skip
RADAR_TAKEN = [[0, 194, 16, 9, 6], [0.01, 0, 0.2, 0.79, 0], [0.01, 0.7, 0, 0.29, 0],
               [0.01, 0.79, 0.2, 0, 0], [0, 0.2, 0.005, 3.0, 0]]  # fmt: skip
MAG_WANDER, RADAR_WANDER = np.array([MAG_FREE, MAG_TAKEN]), np.array([RADAR_FREE, RADAR_TAKEN])


def _chain(flip_per_s: float) -> Chain:
    """Occupancy flips and redraws both classes, or one class wanders."""
    rate = np.zeros((2, MAG, RADAR, 2, MAG, RADAR))
    for o, m, r in np.ndindex(2, MAG, RADAR):
        radar = (LID_STAYS if r == LID else RADAR_GIVEN)[1 - o]
        rate[o, m, r, 1 - o] = flip_per_s * np.outer(MAG_GIVEN[1 - o], radar)
        rate[o, m, r, o, :, r] += WANDER_PER_S * MAG_WANDER[o, m]
        rate[o, m, r, o, m, :] += WANDER_PER_S * RADAR_WANDER[o, r]
    return Chain(rate.reshape(SIZE, SIZE))


MOVING, STILL = _chain(FLIP_PER_S), _chain(FLIP_STILL_PER_S)
_PICK_MAG = np.eye(MAG)[[(i // RADAR) % MAG for i in range(SIZE)]].T.copy()
_PICK_RADAR = np.eye(RADAR)[[i % RADAR for i in range(SIZE)]].T.copy()


def start_belief() -> Array:
    """Nothing known: both occupancies equal, classes as at a change."""
    joint = [np.outer(MAG_GIVEN[o], RADAR_GIVEN[o]).ravel() for o in range(2)]
    return np.concatenate(joint) / 2


def seen(belief: Array, mag: list[float], radar: list[float]) -> Array:
    """After the samples of one instant: a log-likelihood per class of each technology."""
    both = (likelihoods(mag) @ _PICK_MAG) * (likelihoods(radar) @ _PICK_RADAR)
    return weighed(belief, both)


def occupied_p(belief: Array, statements_logit: float = 0.0) -> float:
    """P(occupied) from the raw belief and the log-odds of what deciding devices say."""
    p = min(max(float(sum(belief.tolist()[SIZE // 2 :])), 1e-9), 1 - 1e-9)
    logit = log(p / (1 - p)) + statements_logit
    return 1 / (1 + exp(-max(-40.0, min(40.0, logit))))


def free_p(belief: Array) -> tuple[float, float]:
    """P(free with a clean field), P(free with an offset); what looks like a vehicle left out."""
    b = belief.tolist()
    shares = [sum(b[i : i + RADAR]) - b[i + VEHICLE] for i in range(0, SIZE // 2, RADAR)]
    return shares[0], sum(shares[1:])


def _normal(x: float, sd: float) -> float:
    return -0.5 * (x / sd) ** 2 - log(sd)


def mag_logs(dev: float, noise_var: float) -> Sequence[float]:
    """Deviation of one axis from its baseline (µT); `noise_var` in µT²: noise + baseline doubt."""
    half = -0.5 * dev * dev
    return [half / v - 0.5 * log(v) for v in (noise_var + sd * sd for sd in MAG_SD_UT)]


def range_logs(radar_m: float) -> Sequence[float]:
    """Distance of the nearest target above the sensor (m); far or maximal means nothing there."""
    if radar_m > FAR_M:
        return -0.9, -6.2, -6.2, -3.5, -0.9
    vehicle, lid = exp(_normal(radar_m - 0.23, 0.09)), exp(_normal(radar_m - 0.08, 0.035))
    return -5.3, log(0.4 * vehicle + 0.002), log(0.4 * lid + 0.002), -0.36, -5.3


def echo_logs(echo_db: float) -> Sequence[float]:
    """Echo strength over the noise floor (dB)."""
    floor = _normal(echo_db - 2, 4)
    strong, lid, weak = (_normal(echo_db - at, sd) for at, sd in ((25, 5), (13, 5), (12, 7)))
    return floor, strong, lid, weak, floor


def ir_logs(ir_reflect: float) -> Sequence[float]:
    """Reflected infrared, 0 to 1."""
    floor = _normal(ir_reflect - 0.12, 0.08)
    return floor, _normal(ir_reflect - 0.6, 0.2), 0.2, 0.2, floor
