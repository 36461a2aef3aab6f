"""The belief: always a probability, and moved by which things change together."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.markov import Array
from beffroi.domains.parking import fusion
from beffroi.domains.parking.sensors import STUCK_CHANGES, Sensors

CALM, CAR = [0.3, -0.2, 0.1], [20.0, 8.0, -15.0]
EMPTY, VEHICLE, LEAF = (3.0, 2.0), (0.22, 25.0), (0.06, 13.0)
NOISE_VAR = 0.5


def look(belief: Array, field: list[float] | None, radar: tuple[float, float] | None) -> Array:
    mag, beam = [0.0] * fusion.MAG, [0.0] * fusion.RADAR
    for dev in field or []:
        mag = [a + b for a, b in zip(mag, fusion.mag_logs(dev, NOISE_VAR), strict=True)]
    if radar:
        beam = [a + b for a, b in zip(fusion.range_logs(radar[0]), fusion.echo_logs(radar[1]),
                                      strict=True)]  # fmt: skip
    return fusion.seen(belief, mag, beam)


def stay(
    belief: Array, field: list[float] | None, radar: tuple[float, float] | None, samples: int = 30
) -> Array:
    for _ in range(samples):
        belief = look(fusion.MOVING.passed(belief, 2_000), field, radar)
    return belief


def test_both_technologies_together_are_sure_at_once() -> None:
    free = stay(fusion.start_belief(), CALM, EMPTY)
    assert fusion.occupied_p(free) < 0.01
    here = look(fusion.MOVING.passed(free, 2_000), CAR, VEHICLE)
    assert fusion.occupied_p(here) > 0.95
    gone = stay(stay(here, CAR, VEHICLE), CALM, EMPTY, 2)
    assert fusion.occupied_p(gone) < 0.05


def test_a_leaf_is_no_arrival_and_does_not_hide_a_departure() -> None:
    free = stay(fusion.start_belief(), CALM, EMPTY)
    still = fusion.STILL.passed(free, 2_000)
    assert fusion.occupied_p(look(still, CALM, LEAF)) < 0.1
    under_leaf = stay(stay(stay(free, CALM, LEAF), CAR, LEAF, 5), CAR, LEAF)
    assert fusion.occupied_p(under_leaf) > 0.9
    assert fusion.occupied_p(stay(under_leaf, CALM, LEAF, 2)) < 0.05


def test_an_echo_while_the_field_stands_still_is_doubted() -> None:
    free = stay(fusion.start_belief(), CALM, EMPTY)
    moved = look(fusion.MOVING.passed(free, 2_000), CALM, VEHICLE)
    still = look(fusion.STILL.passed(free, 2_000), CALM, VEHICLE)
    assert fusion.occupied_p(still) < 0.5 * fusion.occupied_p(moved)


def test_a_lid_that_stays_is_expected_to_stay() -> None:
    """Leaves and snow outlast a change: given a lid, departing keeps it with about even chance."""
    after = fusion.MOVING.passed(stay(stay(stay(fusion.start_belief(), CALM, LEAF), CAR, LEAF, 5),
                                      CAR, LEAF), 2_000)  # fmt: skip
    free = after[: fusion.SIZE // 2].reshape(fusion.MAG, fusion.RADAR).sum(axis=0)
    assert free[fusion.LID] / free.sum() > 0.3


def test_dwelling_on_an_empty_bay_proves_nothing() -> None:
    """With calm sensors the belief converges and then stays where it is, for hours."""
    early = fusion.occupied_p(stay(fusion.start_belief(), CALM, EMPTY, 200))
    late = fusion.occupied_p(stay(fusion.start_belief(), CALM, EMPTY, 4_000))
    assert abs(early - late) < 0.02


floats = st.floats(-4_000, 4_000, allow_nan=False)
looks = st.tuples(
    st.integers(0, 4_000_000),
    st.one_of(st.none(), st.lists(floats, min_size=1, max_size=3)),
    st.one_of(st.none(), st.tuples(st.floats(0, 20), st.floats(-60, 120))),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(looks, max_size=30), st.floats(-30, 30))
def test_the_belief_is_a_probability_whatever_comes(
    samples: list[tuple[int, list[float] | None, tuple[float, float] | None]], logit: float
) -> None:
    belief = fusion.start_belief()
    for dt_ms, field, radar in samples:
        belief = look(fusion.MOVING.passed(belief, dt_ms), field, radar)
        assert np.isfinite(belief).all()
        assert (belief >= -1e-12).all()
        assert abs(float(belief.sum()) - 1) < 1e-6
        assert 0 <= fusion.occupied_p(belief, logit) <= 1


def test_a_sensor_that_still_moves_has_missed_nothing() -> None:
    sensors = Sensors()
    lazy, lively = sensors.see("mag/a", 0), sensors.see("radar/b", 0)
    lazy.say(0, 0)
    for i in range(1, STUCK_CHANGES + 1):
        now = i * 600_000
        lively.say(now, i % 2)
        sensors.changed(now)
    assert (lazy.stuck(), lively.stuck()) == (True, False)
    lazy.say(STUCK_CHANGES * 600_000 + 1, 1)
    assert not lazy.stuck()
