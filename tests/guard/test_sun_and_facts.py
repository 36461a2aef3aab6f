"""Sun against astral; what a guard derives from place, time and neighbours."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation
from hypothesis import given
from hypothesis import strategies as st
from tests.guard.kit import PLACE

from beffroi.guard.facts import Neighbours, Place, adjacent_dark, of_time
from beffroi.guard.sun import elevation_mdeg
from beffroi.kernel.situation import Fact

YEAR_2020_S, YEAR_2040_S = 1_577_836_800, 2_208_988_800


@given(
    st.floats(-66, 66),
    st.floats(-180, 180),
    st.integers(YEAR_2020_S, YEAR_2040_S),
)
def test_the_sun_stands_where_astral_sees_it(latitude, longitude, at_s):
    there = Observer(latitude, longitude)
    wanted = elevation(there, datetime.fromtimestamp(at_s, UTC), with_refraction=False)
    assert abs(elevation_mdeg(latitude, longitude, at_s * 1000) - wanted * 1000) < 30


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=ZoneInfo("Europe/Paris")).timestamp() * 1000)


def test_local_time_follows_summer_and_winter():
    for when in (ms(2026, 7, 6, 7, 30), ms(2026, 12, 7, 7, 30)):
        facts = of_time(PLACE, when)
        assert (facts["local_minute"].value, facts["weekday"].value) == (450, 0)


def test_night_is_when_the_sun_has_set():
    assert of_time(PLACE, ms(2026, 6, 21, 13, 0))["night"].value == 0
    assert of_time(PLACE, ms(2026, 6, 21, 23, 30))["night"].value == 1
    assert of_time(PLACE, ms(2026, 12, 21, 17, 30))["night"].value == 1


@given(st.integers(0, 32_503_680_000_000))
def test_facts_exist_at_any_time(now_ms):
    facts = of_time(Place(43.0, 5.0, ZoneInfo("Europe/Paris")), now_ms)
    assert 0 <= facts["local_minute"].value < 1_440
    assert 0 <= facts["weekday"].value <= 6
    assert abs(facts["sun_mdeg"].value) <= 90_000


def test_an_unknown_neighbour_is_a_dark_one_and_a_stale_one_makes_the_fact_stale():
    near = Neighbours(("a", "b", "c"), "level_pct", 5)
    facts = {"a": {"level_pct": Fact(5, 900)}, "b": {"level_pct": Fact(6, 700)}}
    assert adjacent_dark(near, facts, 1_000) == Fact(2, 700)
    assert adjacent_dark(Neighbours(), facts, 1_000) == Fact(0, 1_000)
