"""The interval promises 95 %: over many seeded worlds it must hold the truth about as often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.hub.experiments.effect import Effect, effect, student_975, verdict
from beffroi.model.limits import EXPERIMENT_DAYS_MIN

START = 739_000
Days = dict[int, float]


def world(
    seed: int, change: float, *, likeness: float = 0.4, before: int = 28, during: int = 28,
    noise: float = 0.1, shock: Callable[[int], float] = lambda _: 0.0,
) -> tuple[Days, Days]:  # fmt: skip
    """Days of a pilot (changed by the share `change`) and of a control, with weekdays and days
    that resemble the day before."""
    rng = np.random.default_rng([seed, before, during])

    def days(level: float, share: float) -> Days:
        drift, out = 0.0, {}
        for n in range(-before, during):
            drift = likeness * drift + rng.normal(0, noise * np.sqrt(1 - likeness**2))
            week = 1 + 0.3 * np.sin((START + n) * 2 * np.pi / 7)
            value = level * (week + drift + shock(n))
            out[START + n] = value * (1 + share if n >= 0 else 1)
        return out

    return days(10.0, change), days(25.0, 0.0)


@pytest.mark.parametrize("with_control", [False, True])
@pytest.mark.parametrize("likeness", [0.0, 0.3, 0.6])
def test_nothing_is_found_where_nothing_happened(likeness: float, with_control: bool) -> None:
    held = 0
    for seed in range(200):
        pilot, control = world(seed, 0.0, likeness=likeness)
        found = effect(pilot, control if with_control else None, START)
        held += found.low_pct <= 0.0 <= found.high_pct
    assert held >= 180  # of 200 at 95 %: 180 is more than four standard deviations off


def test_what_happened_is_found() -> None:
    found = [effect(*world(seed, -0.25), START) for seed in range(60)]
    assert sum(verdict(one, -10.0) in ("better", "reached") for one in found) >= 55
    assert sum(one.low_pct <= -25 <= one.high_pct for one in found) >= 54
    assert not any(verdict(one, 10.0) in ("better", "reached") for one in found)


def test_a_control_takes_the_weather_out() -> None:
    """A heat wave in both groups begins with the pilot: alone it looks like an effect."""
    pilot, control = world(1, 0.0, noise=0.05, shock=lambda n: 0.3 if n >= 0 else 0.0)
    alone, compared = effect(pilot, None, START), effect(pilot, control, START)
    assert verdict(alone, 20.0) == "reached"
    assert verdict(compared, 20.0) == "none"


def test_too_few_days_say_nothing() -> None:
    short = EXPERIMENT_DAYS_MIN - 1
    for before, during in ((short, 40), (40, short), (0, 0), (40, 0)):
        found = effect(*world(3, -0.5, before=before, during=during), START)
        assert not found.known
        assert verdict(found, -10.0) == "unknown"


@given(st.floats(1e-3, 1e6), st.integers(0, 500), st.floats(-0.6, 0.6))
@settings(max_examples=40, deadline=None)
def test_the_unit_does_not_matter(factor: float, seed: int, change: float) -> None:
    pilot, control = world(seed, change)
    here = effect(pilot, control, START)
    there = effect({day: factor * value for day, value in pilot.items()}, control, START)
    assert there.change_pct == pytest.approx(here.change_pct, abs=1e-6)
    assert there.low_pct == pytest.approx(here.low_pct, abs=1e-6)
    assert here.low_pct <= here.change_pct <= here.high_pct


@given(st.floats(-90, 90), st.floats(0, 60), st.sampled_from([-20.0, 20.0]))
def test_verdicts_are_mirrored(middle: float, half: float, target: float) -> None:
    found = Effect(1.0, 1.0, middle, middle - half, middle + half, 20, 20)
    turned = Effect(1.0, 1.0, -middle, -middle - half, -middle + half, 20, 20)
    word = verdict(found, target)
    assert word == verdict(turned, -target)
    assert (word == "none") == (found.low_pct <= 0 <= found.high_pct)
    if word == "reached":
        assert min(abs(found.low_pct), abs(found.high_pct)) >= abs(target)


def test_student_is_that_of_the_tables() -> None:
    for freedom, table in ((3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1e6, 1.960)):
        assert student_975(freedom) == pytest.approx(table, rel=0.002)
