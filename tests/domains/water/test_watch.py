"""One water asset: limits, physics, false sensors. Values come as a hub would show them."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.water import DOMAIN
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Step
from beffroi.model.reading import Obs

MIN, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_740_000_000_000 - 1_740_000_000_000 % DAY


def asset(kind: str, **attrs: Any) -> Asset:
    return Asset("a", "water", kind, "A", 2.3, 46.7, attrs=attrs)


def feed(
    watch: Any, rows: Iterable[tuple[int, dict[str, float]]], device: str = "d"
) -> list[Finding]:
    found: list[Finding] = []
    for ts, values in rows:
        step: Step = watch.step([Obs(p, device, ts, v) for p, v in values.items()])
        found += step.findings
    return found


def raised(found: Iterable[Finding]) -> set[str]:
    return {f.rule.removeprefix("water.") for f in found if f.active}


def level(ts: int, rng: random.Random) -> float:
    """A tank that lives: daily wave, pump cycle, millimetres of noise."""
    wave = 0.6 * math.sin(2 * math.pi * ts / DAY) + 0.3 * math.sin(2 * math.pi * ts / (5.1 * HOUR))
    return round(3.0 + wave + rng.gauss(0, 0.004), 3)


def test_a_tank_is_low_only_after_it_stayed_low_and_ends_above_the_limit() -> None:
    watch = DOMAIN.watch(asset("tank", height_m=5.0, area_m2=50.0), None)
    found = feed(watch, [(T0, {"level_m": 0.9}), (T0 + MIN, {"level_m": 1.2})])
    assert not found
    found = feed(watch, [(T0 + i * MIN, {"level_m": 0.9}) for i in range(2, 6)])
    assert raised(found) == {"tank_low"}
    assert not feed(watch, [(T0 + i * MIN, {"level_m": 1.05}) for i in range(6, 20)])
    found = feed(watch, [(T0 + i * MIN, {"level_m": 1.2}) for i in range(20, 30)])
    assert [(f.rule, f.active) for f in found] == [("water.tank_low", False)]


def test_volume_is_derived_from_the_area() -> None:
    watch = DOMAIN.watch(asset("tank", diameter_m=10.0), None)
    step = watch.step([Obs("level_m", "d", T0, 2.0)])
    assert step.derived[0].value == pytest.approx(2 * math.pi * 25)


def test_a_level_that_moves_faster_than_water_can() -> None:
    watch = DOMAIN.watch(asset("tank", area_m2=100.0, flow_l_s_max=20.0), None)
    rows = [(T0 + i * 15 * MIN, {"level_m": 2.0 + 0.1 * i}) for i in range(4)]
    assert not feed(watch, rows)
    assert raised(feed(watch, [(T0 + 60 * MIN, {"level_m": 4.0})])) == {"level_jump"}


def test_learnt_pace_finds_swapped_sensors() -> None:
    rng, watch = random.Random(1), DOMAIN.watch(asset("tank"), None)
    rows = [
        (T0 + i * 10 * MIN, {"level_m": level(T0 + i * 10 * MIN, rng)}) for i in range(20 * 144)
    ]
    assert not feed(watch, rows)
    at = T0 + 20 * DAY
    assert "level_jump" in raised(feed(watch, [(at, {"level_m": 5.9})]))


@pytest.mark.parametrize("period", [5 * MIN, 15 * MIN, HOUR])
def test_a_spoofed_constant_is_stuck_and_a_living_series_is_not(period: int) -> None:
    rng, watch = random.Random(2), DOMAIN.watch(asset("tank"), None)
    live = [(t, {"level_m": level(t, rng)}) for t in range(T0, T0 + 20 * DAY, period)]
    assert not feed(watch, live)
    start = T0 + 20 * DAY
    found = feed(watch, [(t, {"level_m": 3.0}) for t in range(start, start + 12 * HOUR, period)])
    assert "stuck" in raised(found)
    first = next(f for f in found if f.rule == "water.stuck")
    assert 3 * HOUR <= first.at_ms - start <= 8 * HOUR


@pytest.mark.parametrize("period", [10 * MIN, 15 * MIN, HOUR])
def test_yesterdays_levels_sent_again_are_a_replay(period: int) -> None:
    rng, watch = random.Random(3), DOMAIN.watch(asset("tank"), None)
    told = {t: level(t, rng) for t in range(T0, T0 + 20 * DAY, period)}
    assert not feed(watch, [(t, {"level_m": v}) for t, v in told.items()])
    start = T0 + 20 * DAY
    again = [(t, {"level_m": told[t - DAY]}) for t in range(start, start + DAY, period)]
    assert raised(feed(watch, again)) == {"replay"}


def test_slow_drift_shows_against_the_twin_and_marks_nothing_before() -> None:
    rng, watch = random.Random(4), DOMAIN.watch(asset("tank"), None)
    found: list[Finding] = []
    for i in range(30 * 24):
        t = T0 + i * HOUR
        value, drift = level(t, rng), max(0.0, (i - 240) * 0.002)
        found += watch.step([Obs("level_m", "x", t, value)]).findings
        found += watch.step([Obs("level_m", "y", t, round(value + 0.7 + drift, 3))]).findings
    assert raised(found) == {"twins_apart"}
    days = (found[0].at_ms - T0) / DAY
    assert 10 < days < 14


def test_a_pump_that_runs_without_water_and_water_without_a_pump() -> None:
    watch = DOMAIN.watch(asset("pump", flow_l_s_nominal=10.0), None)
    on, dry = {"running": 1.0, "flow_l_s": 10.0}, {"running": 1.0, "flow_l_s": 0.0}
    feed(watch, [(T0 + i * MIN, on) for i in range(10)])
    assert raised(feed(watch, [(T0 + i * MIN, dry) for i in range(10, 15)])) == {"pump_no_flow"}
    off = {"running": 0.0, "flow_l_s": 8.0}
    found = feed(watch, [(T0 + i * MIN, off) for i in range(15, 30)])
    assert raised(found) == {"flow_no_pump"}


def test_a_slowed_pump_is_weak_against_what_it_learnt() -> None:
    watch = DOMAIN.watch(asset("pump"), None)

    def runs(flow: float, hours: range) -> list[tuple[int, dict[str, float]]]:
        return [(T0 + i * HOUR, {"running": 1.0, "flow_l_s": flow + i % 7 / 50}) for i in hours]

    assert not feed(watch, runs(50.0, range(40)))
    found = feed(watch, runs(33.0, range(40, 44)))
    assert raised(found) == {"pump_weak"}
    assert found[0].facts["usual_l_s"] == pytest.approx(50, abs=0.1)


def test_a_hunting_pump_is_counted() -> None:
    watch = DOMAIN.watch(asset("pump"), None)
    rows = [(T0 + i * MIN, {"running": float(i % 2), "flow_l_s": 0.0}) for i in range(40)]
    assert "pump_cycling" in raised(feed(watch, rows))


@pytest.mark.parametrize(
    ("kind", "attrs", "values", "rule"),
    [
        ("node", {}, {"pressure_bar": 0.2}, "pressure_low"),
        ("node", {"pressure_bar_max": 6.0}, {"pressure_bar": 6.5}, "pressure_high"),
        ("node", {}, {"temperature_C": 26.0}, "warm"),
        ("quality", {}, {"chlorine_mg_l": 0.05}, "chlorine_low"),
        ("quality", {"place": "reservoir_outlet"}, {"chlorine_mg_l": 0.2}, "chlorine_low"),
        ("quality", {}, {"chlorine_mg_l": 1.6}, "chlorine_high"),
        ("quality", {}, {"ph": 6.3}, "ph"),
        ("quality", {}, {"turbidity_NFU": 0.8}, "turbidity"),
        ("quality", {}, {"conductivity_uS_cm": 1_100.0}, "conductivity"),
    ],
)
def test_each_limit(kind: str, attrs: dict[str, Any], values: dict[str, float], rule: str) -> None:
    watch = DOMAIN.watch(asset(kind, **attrs), None)
    assert raised(feed(watch, [(T0 + i * 10 * MIN, values) for i in range(8)])) == {rule}


@pytest.mark.parametrize(
    ("kind", "attrs", "values"),
    [
        ("node", {}, {"pressure_bar": 0.3, "temperature_C": 25.0}),
        ("quality", {}, {"chlorine_mg_l": 0.1, "ph": 6.5, "turbidity_NFU": 0.5}),
        ("quality", {"place": "reservoir_outlet"}, {"chlorine_mg_l": 0.3, "ph": 9.0}),
        ("quality", {"place": "tap"}, {"chlorine_mg_l": 0.2, "turbidity_NFU": 2.0}),
    ],
)
def test_the_limit_itself_is_allowed(
    kind: str, attrs: dict[str, Any], values: dict[str, float]
) -> None:
    watch = DOMAIN.watch(asset(kind, **attrs), None)
    assert not feed(watch, [(T0 + i * 10 * MIN, values) for i in range(8)])


def test_a_sudden_fall_of_pressure_is_told_and_not_learnt() -> None:
    rng, watch = random.Random(5), DOMAIN.watch(asset("node"), None)
    rows = [(T0 + i * MIN, {"pressure_bar": 4 + rng.gauss(0, 0.02)}) for i in range(300)]
    assert not feed(watch, rows)
    fallen = [(T0 + i * MIN, {"pressure_bar": 2.4 + i / 1e4}) for i in range(300, 900)]
    found = feed(watch, fallen)
    assert [(f.rule, f.active) for f in found if f.rule != "water.stuck"] == [
        ("water.pressure_drop", True)
    ]


def test_silence_is_told_once_and_only_of_what_was_live() -> None:
    watch = DOMAIN.watch(asset("node"), None)
    feed(watch, [(T0 + i * 10 * MIN, {"pressure_bar": 3 + i / 100}) for i in range(12)])
    assert not watch.tick(T0 + 400 * DAY).findings, "a replay of old data is not silence"
    now = T0 + 500 * DAY
    feed(watch, [(now + i * 10 * MIN, {"pressure_bar": 3 + i / 100}) for i in range(50)])
    assert not watch.tick(now + 9 * HOUR).findings
    assert raised(watch.tick(now + 30 * HOUR * 24).findings) == {"silent"}
    assert not watch.tick(now + 31 * HOUR * 24).findings
    back = feed(watch, [(now + 40 * DAY, {"pressure_bar": 3.0})])
    assert ("water.silent", False) in [(f.rule, f.active) for f in back]


KINDS = [(kind, prop) for kind in DOMAIN.kinds.values() for prop in kind.properties.values()]


@st.composite
def stories(draw: st.DrawFn) -> tuple[str, list[list[Obs]]]:
    """In-range values of one kind at any times, in device-time order per series."""
    kind = draw(st.sampled_from([k for k in DOMAIN.kinds.values() if k.name != "network"]))
    props = [p for p in kind.properties.values() if p.name not in kind.derived]
    ts, batches = T0, []
    for _ in range(draw(st.integers(1, 40))):
        ts += draw(st.sampled_from([1, MIN, 10 * MIN, HOUR, DAY, 40 * DAY]))
        chosen = draw(st.lists(st.sampled_from(props), min_size=1, unique_by=lambda p: p.name))
        batches.append(
            [
                Obs(p.name, draw(st.sampled_from("xy")), ts, draw(st.floats(p.low, p.high)))
                for p in chosen
            ]
        )
    return kind.name, batches


ATTRS: list[dict[str, Any]] = [
    {},
    {"height_m": 5.0, "area_m2": 40.0, "flow_l_s_nominal": 10.0, "power_kW_nominal": 5.0},
    {"height_m": "tall", "area_m2": -3, "flow_l_s_max": float("nan"), "timezone": "Nowhere/At"},
]


@settings(max_examples=150, deadline=None)
@given(stories(), st.sampled_from(ATTRS), st.integers(0, 39))
def test_saved_and_taken_up_again_is_the_same_as_going_on(
    story: tuple[str, list[list[Obs]]], attrs: dict[str, Any], cut: int
) -> None:
    """And nothing crashes, findings alternate, suspects are indices, texts can be written."""
    kind, batches = story
    whole, parts = (
        DOMAIN.watch(asset(kind, **attrs), None),
        DOMAIN.watch(asset(kind, **attrs), None),
    )
    active: dict[str, bool] = defaultdict(bool)
    for i, batch in enumerate(batches):
        if i == cut:
            parts = DOMAIN.watch(asset(kind, **attrs), json.loads(json.dumps(parts.dump())))
        one, two = whole.step(batch), parts.step(batch)
        assert one == two
        assert all(0 <= s < len(batch) for s in one.suspects)
        for finding in one.findings:
            assert finding.active != active[finding.rule]
            active[finding.rule] = finding.active
            for text in (DOMAIN.rules[finding.rule].text.fr, DOMAIN.rules[finding.rule].text.en):
                text.format(**finding.facts)
        for derived in one.derived:
            bound = DOMAIN.kinds[kind].properties[derived.prop]
            assert bound.low <= derived.value <= bound.high
    assert whole.dump() == parts.dump()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(KINDS), st.floats(0, 1), st.integers(2, 60))
def test_a_constant_input_never_flaps(pair: Any, share: float, count: int) -> None:
    kind, prop = pair
    if prop.name in kind.derived or kind.name == "network":
        return
    value = prop.low + share * (prop.high - prop.low)
    watch = DOMAIN.watch(asset(kind.name), None)
    found = feed(watch, [(T0 + i * HOUR, {prop.name: value}) for i in range(count)])
    assert all(f.active for f in found)
    assert len(found) == len({f.rule for f in found})
