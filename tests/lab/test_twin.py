"""The twin: what changes in the street must change the guess the right way, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.lab.twin import LabTwin
from beffroi.ports.twin import TwinError

TWIN = LabTwin()
NAMES = [offer.name for offer in TWIN.offers()]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers_give_the_same_guess(name: str) -> None:
    guess = TWIN.run(name, {})
    assert guess == TWIN.run(name, {})
    assert guess.low_pct <= guess.change_pct <= guess.high_pct
    assert guess.low_pct < guess.high_pct


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dimming", {"dimmed_h": 0.0}),
        ("dimming", {"level_pct": 100.0}),
        ("pressure", {"pressure_bar": 4.0, "pressure_after_bar": 4.0}),
        ("pressure", {"leak_pct": 0.0}),
        ("signals", {"green_s": 30.0, "green_after_s": 30.0}),
    ],
)
def test_nothing_changes_where_nothing_is_changed(name: str, params: dict[str, float]) -> None:
    assert TWIN.run(name, params) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)


@given(st.floats(0, 90), st.floats(1, 10))
@settings(max_examples=15, deadline=None)
def test_dimming_deeper_saves_more(level: float, deeper: float) -> None:
    deep = TWIN.run("dimming", {"level_pct": max(level - deeper, 0.0)})
    assert deep.change_pct <= TWIN.run("dimming", {"level_pct": level}).change_pct


def test_dimming_saves_what_a_hand_computes() -> None:
    """Six of twelve hours at 30 %, the driver keeping about 9 %: 0.5 x 0.7 x 0.91 = 32 %."""
    assert TWIN.run("dimming", {}).change_pct == pytest.approx(-31.8, abs=1.0)


def test_more_bays_are_emptier_and_longer_greens_quicker() -> None:
    few, many = (TWIN.run("bays", {"new_bays": n}).change_pct for n in (1.0, 6.0))
    assert many < few < 0
    assert TWIN.run("signals", {"green_after_s": 40.0}).change_pct < 0
    assert TWIN.run("signals", {"green_s": 32.0, "green_after_s": 25.0}).change_pct > 0


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("nothing", {}),
        ("dimming", {"level_pct": 101.0}),
        ("dimming", {"level_pct": float("nan")}),
        ("signals", {"volume_veh_h": 1_900.0}),  # the queue would grow for ever
        ("signals", {"green_s": 80.0, "cycle_s": 70.0}),
    ],
)
def test_what_cannot_be_simulated_says_why(name: str, params: dict[str, float]) -> None:
    with pytest.raises(TwinError):
        TWIN.run(name, params)
