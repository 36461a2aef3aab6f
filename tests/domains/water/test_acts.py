"""Water's envelopes asked by the judge itself: what no signature and no patience can do (M9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domains.judged import EVERYBODY, MINUTE, TERMS, Bench, bench, envelope_of, reason

from beffroi.domains.registry import domains
from beffroi.domains.water.acts import DOSE_UGL, HOT_MDEG, PRESSURE_MBAR
from beffroi.kernel.verdict import Accepted
from beffroi.model.asset import Asset

numbers = st.one_of(st.floats(allow_nan=True), st.integers(-(10**6), 10**6), st.text(max_size=3))
NAMES = (
    "pressure_bar_min", "pressure_bar_max", "flow_l_s_min", "flow_l_s_max", "dose_mg_l_min",
    "dose_mg_l_max", "temperature_C_min", "temperature_C_max", "fed_level_pct_max",
    "fed_level_pct_min", "source_level_pct_min", "starts_per_h_max",
)  # fmt: skip
bands = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.sampled_from(["23:00", "05:00", "x"]),
            "to": st.sampled_from(["05:00", "12:00"]),
        },
        optional={"low": numbers, "high": numbers},
    ),
    max_size=3,
)
some_attrs = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, numbers) | {"bands": bands})
HARD = {
    "valve": ("pressure_mbar", PRESSURE_MBAR),
    "doser": ("dose_ugl", DOSE_UGL),
    "hot_water": ("temperature_mdeg", HOT_MDEG),
}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(HARD)),
    some_attrs,
    st.integers(-(10**5), 10**6),
    st.integers(-1_000, 1_000),
    st.sampled_from("ABC"),
    st.integers(0, 1_439),
)
def test_whatever_the_asset_the_hard_limits_hold(
    kind: str, attrs: dict[str, Any], value: int, step: int, klass: str, minute: int
) -> None:
    one = Asset("target-1", "water", kind, "Cible", 2, 48, authority="mairie",
                attrs={**attrs, "mixers": True})  # fmt: skip
    if domains()["water"].envelope(one, TERMS) is None:
        return
    param, (low, high) = HARD[kind]
    facts = {param: value + step, "local_minute": minute, "flow_lph": 10, "chlorine_ugl": 200}
    told = Bench(envelope_of(one), facts).ask("set", klass, EVERYBODY, **{param: value})
    if isinstance(told, Accepted):
        assert low <= value <= high
        assert told.klass != "A"
        assert abs(step) <= 1_000


@given(some_attrs, st.integers(0, 100), st.integers(0, 100), st.sampled_from("BC"))
def test_a_pump_never_starts_into_a_full_tank_or_from_an_empty_one(
    attrs: dict[str, Any], fed: int, source: int, klass: str
) -> None:
    one = Asset("target-1", "water", "pump", "Pompe", 2, 48, authority="mairie", attrs=attrs)
    pump = Bench(envelope_of(one), {"fed_level_pct": fed, "source_level_pct": source})
    if isinstance(pump.ask("start", klass), Accepted):
        assert fed <= 98
        assert source >= 5


def test_a_pump_starts_and_stops_by_its_tanks() -> None:
    pump = bench("water", "pump", {"fed_level_pct": 60, "source_level_pct": 80})
    assert reason(pump.ask("start", "B")) == "accepted"
    pump.facts["fed_level_pct"] = 95
    pump.passes(6 * MINUTE)
    assert reason(pump.ask("start", "B")) == "not_permitted_now"
    pump.facts["fed_level_pct"] = 20  # too low to stop for one person
    assert reason(pump.ask("stop", "B")) == "not_permitted_now"
    assert reason(pump.ask("stop", "C")) == "accepted"
    del pump.facts["source_level_pct"]  # a sensor that says nothing permits nothing
    assert reason(pump.ask("start", "C")) == "not_permitted_now"


def test_outside_the_daily_band_two_persons_are_needed() -> None:
    valve = bench("water", "valve", {"pressure_mbar": 2_950})
    assert reason(valve.ask("set", "B", pressure_mbar=3_100)) == "class_too_low"
    assert reason(valve.ask("set", "C", ("hub", "clerk"), pressure_mbar=3_100)) == "too_few_persons"
    by_page = ("hub", "clerk", "mayor")  # nobody with a signer of their own
    assert reason(valve.ask("set", "C", by_page, pressure_mbar=3_100)) == "no_independent_signer"
    assert reason(valve.ask("set", "C", pressure_mbar=3_100)) == "accepted"


def test_a_band_holds_at_its_hours() -> None:
    night = [{"from": "23:00", "to": "05:00", "low": 1.0, "high": 2.0}]
    valve = bench("water", "valve", {"pressure_mbar": 2_000, "local_minute": 60}, bands=night)
    assert reason(valve.ask("set", "B", pressure_mbar=1_900)) == "accepted"
    valve.passes(6 * MINUTE)
    valve.facts["local_minute"] = 12 * 60
    assert reason(valve.ask("set", "B", pressure_mbar=1_900)) == "not_permitted_now"


def test_a_hundred_legal_small_steps_do_not_add_up() -> None:
    """M9: patience instead of force. The pressure goes nowhere within the hour, nor in a day."""
    valve = bench("water", "valve", {"pressure_mbar": 2_000})
    refused = set()
    for _ in range(100):
        wanted = valve.facts["pressure_mbar"] + 50
        told = valve.ask("set", "B", pressure_mbar=wanted)
        if isinstance(told, Accepted):
            valve.facts["pressure_mbar"] = wanted
        refused.add(reason(told))
        valve.passes(30_000)
    assert valve.facts["pressure_mbar"] <= 2_000 + 400
    assert {"too_often"} <= refused
    for _ in range(23 * 10):
        wanted = min(3_000, valve.facts["pressure_mbar"] + 200)
        if isinstance(valve.ask("set", "B", pressure_mbar=wanted), Accepted):
            valve.facts["pressure_mbar"] = wanted
        valve.passes(6 * MINUTE)
    assert valve.facts["pressure_mbar"] <= 3_000  # the band, whatever the patience


def test_a_jump_and_an_hours_travel_are_refused() -> None:
    valve = bench("water", "valve", {"pressure_mbar": 2_000})
    assert reason(valve.ask("set", "B", pressure_mbar=2_201)) == "too_fast"
    for wanted in (2_200, 2_400):
        assert reason(valve.ask("set", "B", pressure_mbar=wanted)) == "accepted"
        valve.facts["pressure_mbar"] = wanted
        valve.passes(6 * MINUTE)
    assert reason(valve.ask("set", "B", pressure_mbar=2_500)) == "too_fast"


def test_chlorine_has_a_ceiling_a_drift_and_needs_water_that_flows() -> None:
    facts = {"dose_ugl": 480, "flow_lph": 5_000, "chlorine_ugl": 400}
    doser = bench("water", "doser", facts, dose_mg_l_max=40)
    assert reason(doser.ask("set", "C", dose_ugl=1_001)) == "outside_envelope"
    assert reason(doser.ask("set", "B", dose_ugl=520)) == "class_too_low"
    assert reason(doser.ask("set", "C", dose_ugl=520)) == "accepted"
    doser.passes(6 * MINUTE)
    doser.facts["dose_ugl"] = 520
    doser.facts["flow_lph"] = 0
    assert reason(doser.ask("set", "C", dose_ugl=540)) == "not_permitted_now"
    doser.facts |= {"flow_lph": 5_000, "chlorine_ugl": 1_200}
    assert reason(doser.ask("set", "C", dose_ugl=540)) == "not_permitted_now"


def test_the_outlet_of_a_tank_keeps_its_chlorine() -> None:
    facts = {"dose_ugl": 310, "flow_lph": 5_000, "chlorine_ugl": 300}
    doser = bench("water", "doser", facts, place="reservoir_outlet")
    assert reason(doser.ask("set", "C", dose_ugl=299)) == "outside_envelope"


@pytest.mark.parametrize("value", [54_999, 60_001])
def test_hot_water_neither_breeds_nor_scalds(value: int) -> None:
    facts = {"temperature_mdeg": 57_000}
    heater = bench("water", "hot_water", facts, mixers=True, temperature_C_max=90)
    assert reason(heater.ask("set", "C", temperature_mdeg=value)) == "outside_envelope"


def test_without_mixers_at_the_taps_nobody_heats_from_afar() -> None:
    one = Asset("target-1", "water", "hot_water", "École", 2, 48)
    assert domains()["water"].envelope(one, TERMS) is None


@pytest.mark.parametrize("kind", ["valve", "pump", "doser"])
def test_local_control_is_always_open(kind: str) -> None:
    one = bench("water", kind)
    one.lease = False
    for _ in range(3):
        assert reason(one.ask("local", "A")) == "accepted"


def test_what_is_only_measured_has_no_envelope() -> None:
    for kind in ("tank", "node", "sector", "quality", "network"):
        assert domains()["water"].envelope(Asset("x", "water", kind, "", 2, 48), TERMS) is None
