"""Lamps and cabinets in a seeded street: each fault is found, and nothing else is."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.lighting import DOMAIN
from beffroi.lab.worlds.lighting import LightingEventError, LightingWorld
from beffroi.model.asset import Asset
from beffroi.model.finding import Derived, Finding
from beffroi.model.reading import Obs

MIN, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_750_075_200_000  # 16 June 2025, 14:00 in Paris
WINTER = 1_765_288_800_000  # 9 December 2025, 15:00 in Paris
PERIOD = 15 * MIN
DIM = [{"from": "22:30", "to": "05:00", "pct": 50}]


def made(kind: str, ident: str = "a", **attrs: Any) -> Asset:
    return Asset(ident, "lighting", kind, ident, 2.35, 46.7, attrs=attrs)


def street(count: int = 8, **attrs: Any) -> tuple[list[Asset], list[Asset]]:
    lamps = [
        made("luminaire", f"l{i}", power_W_nominal=60, cabinet="c", **attrs) for i in range(count)
    ]
    return lamps, [made("cabinet", "c", power_W_nominal=60 * count, **attrs)]


class Town:
    """Feeds a world to its watches as the hub does, group included."""

    def __init__(self, seed: int, **attrs: Any) -> None:
        lamps, cabinets = street(**attrs)
        self.world = LightingWorld(lamps, cabinets, seed)
        self.watches = {a.id: DOMAIN.watch(a, None) for a in [*lamps, *cabinets]}
        self.ts = T0
        self.found: list[Finding] = []
        self.derived: dict[str, list[Derived]] = defaultdict(list)

    def run(self, hours: float, period: int = PERIOD) -> set[tuple[str, str]]:
        """(asset, rule) raised in the meantime."""
        before = len(self.found)
        for _ in range(round(hours * HOUR / period)):
            by, group = defaultdict(list), []
            for (ident, prop), value in self.world.step(self.ts).items():
                by[ident].append(Obs(prop, "d", self.ts, value))
                if ident != "c":
                    group.append(Obs(f"{ident}/{prop}", "d", self.ts, value))
            for ident, obs in by.items():
                step = self.watches[ident].step(obs)
                self.found += step.findings
                self.derived[ident] += step.derived
            self.found += self.watches["c"].step(group).findings
            for watch in self.watches.values():
                self.found += watch.tick(self.ts).findings
            self.ts += period
        new = self.found[before:]
        return {(f.asset, f.rule.removeprefix("lighting.")) for f in new if f.active}


@pytest.mark.parametrize("period", [5 * MIN, 15 * MIN, HOUR])
def test_a_healthy_street_is_quiet_through_summer_nights(period: int) -> None:
    town = Town(1, dim=DIM, off=[{"from": "00:30", "to": "04:00"}])
    assert not town.run(10 * 24, period)


@pytest.mark.parametrize("start", ["2026-03-27", "2026-10-23", "2026-12-20"])
def test_a_healthy_street_is_quiet_when_the_clock_changes(start: str) -> None:
    town = Town(2, dim=DIM)
    town.ts = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() * 1000)
    assert not town.run(5 * 24)


@pytest.mark.parametrize(
    ("event", "asset", "found"),
    [
        ("lamp_out", "l1", {("l1", "lamp_out")}),
        ("low_power", "l1", {("l1", "low_power")}),
        ("high_power", "l1", {("l1", "high_power"), ("l1", "dim_not_followed")}),
        ("dim_ignored", "l1", {("l1", "dim_not_followed")}),
        ("day_burner", "l1", {("l1", "day_burner"), ("l1", "dim_not_followed")}),
        ("counter_reset", "l1", {("l1", "counter_back")}),
        ("door_open", "c", {("c", "door_open")}),
        ("voltage_low", "c", {("c", "voltage_low")}),
        ("voltage_high", "c", {("c", "voltage_high")}),
        ("silent", "l1", {("l1", "silent")}),
    ],
)
def test_each_fault_is_found_and_no_other(
    event: str, asset: str, found: set[tuple[str, str]]
) -> None:
    town = Town(3, dim=DIM)
    town.ts = WINTER  # long evenings before the dimming
    assert not town.run(48)
    town.world.inject(event, asset)
    assert town.run(30) == found


def test_one_burning_lamp_raises_its_alarm_once_not_each_morning() -> None:
    town = Town(4)
    town.world.inject("day_burner", "l2")
    town.run(24 * 6)
    assert [(f.rule, f.active) for f in town.found] == [("lighting.day_burner", True)]
    town.world.mend("day_burner", "l2")
    town.run(24)
    assert [f.active for f in town.found] == [True, False]


def test_a_lamp_out_stays_told_through_the_day() -> None:
    town = Town(5, dim=DIM)
    town.world.inject("lamp_out", "l2")
    town.run(24 * 5)
    assert [(f.rule, f.active) for f in town.found] == [("lighting.lamp_out", True)]


def test_a_flickering_lamp() -> None:
    town = Town(6)
    town.run(24, 5 * MIN)
    town.world.inject("flicker", "l0")
    assert ("l0", "cycling") in town.run(12, 5 * MIN)


def test_lights_switched_off_from_afar_are_grave_within_half_an_hour() -> None:
    town = Town(7, dim=DIM)
    assert not town.run(9)  # 23:00 local, lit and dimmed
    town.world.inject("all_off", "c")
    raised = town.run(0.75)
    grave = {("c", "group_dark"), ("c", "cabinet_dark"), ("c", "contactor_open")}
    assert grave <= raised
    town.world.mend("all_off", "c")
    town.run(24)
    last = {(f.asset, f.rule): f.active for f in town.found}
    assert not any(last.values())


def test_half_of_the_lamps_dark_is_told_by_the_group_alone() -> None:
    town = Town(8)
    town.run(9)
    for i in range(4):
        town.world.inject("lamp_out", f"l{i}")
    assert ("c", "group_dark") in town.run(1.5)


def test_power_lost_is_told_as_such() -> None:
    town = Town(9)
    town.run(9)
    town.world.inject("voltage_lost", "c")
    assert {("c", "voltage_lost"), ("c", "cabinet_dark")} <= town.run(1)


def test_energy_and_saving_of_a_night() -> None:
    """A June night of about 7.9 h at 46.7 N, half of it and more at 50 %."""
    town = Town(10, dim=DIM)
    town.run(24 * 3)
    nights: dict[str, list[float]] = defaultdict(list)
    for derived in town.derived["l0"]:
        nights[derived.prop].append(derived.value)
    assert {len(values) for values in nights.values()} == {3}
    hours, kwh = nights["night_h"][1], nights["night_kWh"][1]
    expected, saved = nights["expected_kWh"][1], nights["saved_kWh"][1]
    assert hours == pytest.approx(8.0, abs=0.6)
    assert kwh == pytest.approx(expected, rel=0.08)
    assert kwh + saved == pytest.approx(0.060 * hours, rel=0.06)


def test_a_night_that_is_hardly_known_is_not_told() -> None:
    town = Town(11)
    town.run(8)
    town.ts += 9 * HOUR
    town.run(12)
    assert not town.derived["l0"]


def test_a_rating_that_nobody_entered_is_learnt() -> None:
    watch = DOMAIN.watch(made("luminaire"), None)
    found = []
    for i in range(20 * 96):
        ts = T0 + i * PERIOD
        lit = LightingWorld([made("luminaire", "x", power_W_nominal=58)], [], i).step(ts)
        power = lit["x", "power_W"] * (0.45 if i > 15 * 96 else 1)
        found += watch.step([Obs("power_W", "d", ts, power)]).findings
    assert {f.rule for f in found if f.active} == {"lighting.low_power"}


def test_events_that_do_not_exist_are_refused() -> None:
    world = LightingWorld(*street(2), 1)
    with pytest.raises(LightingEventError, match="no event"):
        world.inject("explode", "l0")
    with pytest.raises(LightingEventError, match="no lamp"):
        world.inject("lamp_out", "l9")


KINDS = list(DOMAIN.kinds.values())
ATTRS: list[dict[str, Any]] = [
    {},
    {"power_W_nominal": 60.0, "dim": DIM, "off": [{"from": "23:00", "to": "05:00"}]},
    {"power_W_nominal": "60", "dim_floor": 9, "grace_min": -4, "silent_s": "x", "dim": 3},
]


@st.composite
def stories(draw: st.DrawFn) -> tuple[str, list[list[Obs]]]:
    kind = draw(st.sampled_from(KINDS))
    props = [p for p in kind.properties.values() if p.name not in kind.derived]
    ts, batches = T0, []
    for _ in range(draw(st.integers(1, 40))):
        ts += draw(st.sampled_from([1, MIN, 10 * MIN, HOUR, DAY, 40 * DAY]))
        chosen = draw(st.lists(st.sampled_from(props), min_size=1, unique_by=lambda p: p.name))
        values = [Obs(p.name, "d", ts, draw(st.floats(p.low, p.high))) for p in chosen]
        if kind.name == "cabinet" and draw(st.booleans()):
            lamp = draw(st.sampled_from(["l1", "l2", "l3", "l4"]))
            values = [Obs(f"{lamp}/power_W", "d", ts, draw(st.floats(0, 200)))]
        batches.append(values)
    return kind.name, batches


@settings(max_examples=120, deadline=None)
@given(stories(), st.sampled_from(ATTRS), st.integers(0, 39))
def test_saved_and_taken_up_again_is_the_same_as_going_on(
    story: tuple[str, list[list[Obs]]], attrs: dict[str, Any], cut: int
) -> None:
    kind, batches = story
    asset = made(kind, **attrs)
    whole, parts = DOMAIN.watch(asset, None), DOMAIN.watch(asset, None)
    active: dict[str, bool] = defaultdict(bool)
    for i, batch in enumerate(batches):
        if i == cut:
            parts = DOMAIN.watch(asset, json.loads(json.dumps(parts.dump())))
        one, two = whole.step(batch), parts.step(batch)
        assert one == two
        assert whole.tick(batch[0].ts_ms + HOUR) == parts.tick(batch[0].ts_ms + HOUR)
        for finding in one.findings:
            assert finding.active != active[finding.rule]
            active[finding.rule] = finding.active
            if finding.active:
                DOMAIN.rules[finding.rule].text.fr.format(**finding.facts)
        for derived in one.derived:
            bound = DOMAIN.kinds[kind].properties[derived.prop]
            assert bound.low <= derived.value <= bound.high
    assert whole.dump() == parts.dump()


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 200), st.sampled_from([5 * MIN, HOUR]), st.sampled_from(ATTRS))
def test_constant_power_never_flaps(power: float, period: int, attrs: dict[str, Any]) -> None:
    """Whatever the power, a rule is raised at most once while nothing changes."""
    watch = DOMAIN.watch(made("luminaire", **attrs), None)
    found = []
    for ts in range(T0, T0 + 4 * DAY, period):
        found += watch.step([Obs("power_W", "d", ts, power)]).findings
    assert all(f.active for f in found)
    assert len(found) == len({f.rule for f in found})


def test_silent_lamps_are_unknown_to_their_group_not_dark() -> None:
    town = Town(12)
    town.run(2)  # by day: all dark, as they should be
    for i in range(4):
        town.world.inject("silent", f"l{i}")
    assert not {rule for _, rule in town.run(12) if rule == "group_dark"}


def test_nodes_without_power_by_day_are_not_silent() -> None:
    watch = DOMAIN.watch(made("luminaire", power_W_nominal=60), None)
    night = T0 + 9 * HOUR
    for ts in range(night, night + 4 * HOUR, PERIOD):
        watch.step([Obs("power_W", "d", ts, 60.0 + ts % 3)])
        watch.tick(ts)
    for ts in range(night + 8 * HOUR, night + 20 * HOUR, PERIOD):
        assert not watch.tick(ts).findings
    rules = [
        f.rule for ts in range(2 * 24) for f in watch.tick(night + 21 * HOUR + ts * PERIOD).findings
    ]
    assert rules == ["lighting.silent"], "but they are when light is due again"
