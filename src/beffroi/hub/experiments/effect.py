"""How much a pilot changed a daily figure, and how sure that is. Pure; the method is published.

Days before and during the pilot, each divided by the mean before (by that of its own group where
there is a control, whose days are then subtracted). Ordinary least squares with one level for each
weekday and one for the pilot. The residuals of following days resemble each other: their lag-1
correlation (corrected for its small-sample bias, Kendall 1954) widens the variance by
(1 + r) / (1 - r) and takes degrees of freedom away. 95 % interval of Student's t.

What it cannot tell: weather, holidays, works next door. A control group in the same weather takes
much of that out; without one the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.model.limits import EXPERIMENT_DAYS_MIN

Array = npt.NDArray[np.float64]
Daily = Mapping[int, float]  # proleptic ordinal of a local day -> value
WEEK = 7
CORRELATION_MAX = 0.8
FREEDOM_MIN = 3.0
METHOD = (
    "OLS of daily values relative to the mean before, weekday levels, AR(1)-widened variance, "
    "Student t, 95 %"
)


class Effect(NamedTuple):
    """Of the pilot. Levels in the unit of the measure, changes in %. NaN where nothing is known."""

    before: float
    after: float
    change_pct: float
    low_pct: float
    high_pct: float
    days_before: int
    days_after: int

    @property
    def known(self) -> bool:
        return bool(np.isfinite(self.low_pct) and np.isfinite(self.high_pct))


def effect(treated: Daily, control: Daily | None, start: int) -> Effect:
    """`start`: the first day of the pilot. Only days that both groups have count."""
    days = sorted(day for day in treated if control is None or day in control)
    was = [day for day in days if day < start]
    now = [day for day in days if day >= start]
    before = float(np.mean([treated[day] for day in was])) if was else float("nan")
    after = float(np.mean([treated[day] for day in now])) if now else float("nan")
    nan = float("nan")
    nothing = Effect(before, after, nan, nan, nan, len(was), len(now))
    if min(len(was), len(now)) < EXPERIMENT_DAYS_MIN or not before > 0:
        return nothing
    y = np.array([treated[day] for day in days]) / before
    if control is not None:
        level = float(np.mean([control[day] for day in was]))
        if not level > 0:
            return nothing
        y = y - np.array([control[day] for day in days]) / level + 1.0
    change, half = _fit(np.array(days), y, start)
    return Effect(
        before, after, 100 * change, 100 * (change - half), 100 * (change + half),
        len(was), len(now),
    )  # fmt: skip


def verdict(found: Effect, target_pct: float) -> str:
    """unknown, reached, better, none or worse. Reached: the whole interval lies beyond the goal."""
    if not found.known:
        return "unknown"
    sign = 1.0 if target_pct > 0 else -1.0
    near, far = sorted((sign * found.low_pct, sign * found.high_pct))
    if near >= abs(target_pct):
        return "reached"
    if near > 0:
        return "better"
    return "worse" if far < 0 else "none"


def _fit(days: npt.NDArray[np.int64], y: Array, start: int) -> tuple[float, float]:
    """(change as a share, half of its 95 % interval)."""
    piloted = days >= start
    weekdays = [days % WEEK == k for k in range(WEEK) if bool((days % WEEK == k).any())]
    x = np.column_stack([*weekdays, piloted]).astype(np.float64)
    inverse = np.linalg.pinv(x.T @ x)
    found = inverse @ x.T @ y
    left = y - x @ found
    n, asked = x.shape
    widened = _widened(days, left, piloted)
    freedom = max(n / widened - asked, FREEDOM_MIN)
    many, few = int(piloted.sum()), int((~piloted).sum())
    level = 1.0 + found[-1]
    # the level before is itself uncertain, and the change is told as a share of it
    share = (1 / many + level**2 / few) / (1 / many + 1 / few)
    variance = float(left @ left) / (n - asked) * widened * inverse[-1, -1] * share
    return float(found[-1]), student_975(freedom) * sqrt(variance)


def _widened(days: npt.NDArray[np.int64], left: Array, piloted: npt.NDArray[np.bool_]) -> float:
    """By how much more the mean of resembling days varies than that of strangers."""
    next_to = (np.diff(days) == 1) & (piloted[1:] == piloted[:-1])
    squares = float(left @ left)
    if squares <= 0 or not next_to.any():
        return 1.0
    r = float(left[:-1][next_to] @ left[1:][next_to]) / squares * len(left) / int(next_to.sum())
    r = min(max(r + (1 + 4 * r) / len(left), 0.0), CORRELATION_MAX)
    return (1 + r) / (1 - r)


def student_975(freedom: float) -> float:
    """The 97.5 % point of Student's t (Cornish and Fisher's series; within 1 % from 3 on)."""
    z = NormalDist().inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (k + 1) for k, term in enumerate(terms))
