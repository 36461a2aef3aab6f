"""One bay's watch: properties that always hold, a day of events, and sensors that lie."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.base import Watch
from beffroi.domains.parking import DOMAIN
from beffroi.domains.parking.entities import BAY
from beffroi.model.asset import Asset
from beffroi.model.finding import Step
from beffroi.model.reading import Obs

T0 = 1_790_000_000_000
S = 1_000
MIN = 60 * S
ATTRS: dict[str, Any] = {
    "mag_zero_uT": [20.0, 0.0, -40.0],
    "order": {"reference": "2026-12", "max_stay_min": 20},
}
MEASURED = [p for p in BAY.properties.values() if p.name not in BAY.derived]


def bay(**attrs: Any) -> Asset:
    return Asset("b", "parking", "bay", "B", 2, 46, attrs={**ATTRS, **attrs})


def sample(
    t_ms: int, mag: bool, radar: bool, rng: random.Random, device: str = "d"
) -> Iterator[Obs]:
    """One message of a two-technology sensor on a calm day."""
    field = (42.0, 9.0, -58.0) if mag else (20.0, 0.0, -40.0)
    for axis, value in zip("xyz", field, strict=True):
        yield Obs(f"mag_{axis}_uT", device, t_ms, value + rng.gauss(0, 0.3))
    yield Obs("radar_m", device, t_ms, (0.22 if radar else 3.0) + rng.gauss(0, 0.02))
    yield Obs("radar_echo_db", device, t_ms, (25 if radar else 2) + rng.gauss(0, 2))


class Street:
    """Drives a watch in time and remembers what it said."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.now = watch, T0
        self.values: dict[str, float] = {}
        self.active: dict[str, dict[str, float | str]] = {}
        self.raised: list[str] = []
        self.rng = random.Random(7)

    def take(self, step: Step) -> None:
        for item in step.derived:
            self.values[item.prop] = item.value
        for finding in step.findings:
            if finding.active:
                self.raised.append(finding.rule)
                self.active[finding.rule] = dict(finding.facts)
            else:
                del self.active[finding.rule]

    def run(self, minutes: float, mag: bool, radar: bool, every_s: int = 10) -> None:
        for _ in range(round(minutes * 60 / every_s)):
            self.now += every_s * S
            self.take(self.watch.step(list(sample(self.now, mag, radar, self.rng))))

    def quiet(self, minutes: float) -> None:
        for _ in range(round(minutes * 6)):
            self.now += 10 * S
            self.take(self.watch.tick(self.now))


@pytest.fixture
def street() -> Street:
    return Street(DOMAIN.watch(bay(), None))


# --- a day ---------------------------------------------------------------------------------------


def test_a_stay_is_seen_timed_and_counted(street: Street) -> None:
    street.run(10, False, False)
    assert street.values["state"] == 0
    street.run(15, True, True)
    assert street.values["occupied"] == 1
    assert street.values["confidence"] > 0.99
    street.run(5, False, False)
    assert street.values["occupied"] == 0
    assert street.values["stay_min"] == pytest.approx(15, abs=0.5)
    assert street.values["rotation_per_day"] == 1
    assert street.raised == []


def test_an_overstay_needs_an_order_and_ends_with_the_departure(street: Street) -> None:
    street.run(5, False, False)
    street.run(19, True, True)
    assert street.raised == []
    street.run(3, True, True)
    facts = street.active["parking.overstay"]
    assert facts["order"] == "2026-12"
    assert facts["stay_min"] == pytest.approx(20, abs=0.5)
    assert street.values["state"] == 2
    street.run(1, False, False)
    assert street.active == {}
    assert street.values["state"] == 0


def test_without_an_order_no_stay_is_too_long() -> None:
    for order in (None, {"max_stay_min": 20}, {"reference": "r", "max_stay_min": "x"}):
        street = Street(DOMAIN.watch(bay(order=order), None))
        street.run(5, False, False)
        street.run(120, True, True)
        assert "parking.overstay" not in street.raised


def test_time_alone_makes_an_overstay_of_a_device_that_only_tells_changes() -> None:
    street = Street(DOMAIN.watch(bay(), None))
    street.take(street.watch.step([Obs("occupied_device", "bosch", T0, 0.0)]))
    street.now += 60 * S
    street.take(street.watch.step([Obs("occupied_device", "bosch", street.now, 1.0)]))
    assert street.values["occupied"] == 1
    street.quiet(21)
    assert "parking.overstay" in street.active
    assert street.values["occupied"] == 1, "silence of such a device is no news, not no vehicle"
    street.quiet(27 * 60)
    assert "parking.silent" in street.active
    assert street.values["state"] == 3


def test_a_blink_of_a_few_seconds_is_the_same_stay() -> None:
    street = Street(DOMAIN.watch(bay(), None))
    for at_s, said in ((0, 0.0), (60, 1.0), (660, 0.0), (665, 1.0), (1_000, 0.0)):
        step = street.watch.step([Obs("occupied_device", "bosch", T0 + at_s * S, said)])
        street.take(step)
    assert street.values["rotation_per_day"] == 1
    assert street.values["stay_min"] == pytest.approx(940 / 60)


def test_two_devices_that_contradict_each_other_leave_the_state_and_raise_no_overstay() -> None:
    street = Street(DOMAIN.watch(bay(), None))
    street.take(street.watch.step([Obs("occupied_mag", "a", T0, 0.0)]))
    street.now += MIN
    street.take(street.watch.step([Obs("occupied_mag", "a", street.now, 1.0)]))
    street.take(street.watch.step([Obs("occupied_radar", "b", street.now + S, 0.0)]))
    street.quiet(40)
    assert "parking.overstay" not in street.raised
    facts = street.active["parking.sensors_disagree"]
    assert facts == {"says_occupied": "mag/a", "says_free": "radar/b"}


def test_a_silent_raw_sensor_makes_the_bay_unknown(street: Street) -> None:
    street.run(5, False, False)
    street.quiet(20)
    assert street.values["state"] == 3
    assert "parking.silent" in street.active
    street.run(1, False, False)
    street.quiet(0.5)
    assert street.values["state"] == 0
    assert street.active == {}


def test_history_that_is_replayed_is_not_silent(street: Street) -> None:
    street.run(5, False, False)
    assert street.watch.tick(T0 + 90 * 86_400 * S) == Step()


def test_a_weak_battery_is_told_once_and_the_cold_is_allowed_for(street: Street) -> None:
    for value in (3.2, 2.95, 2.96, 2.94):
        street.now += MIN
        street.take(street.watch.step([Obs("battery_V", "d", street.now, value)]))
    assert street.raised == ["parking.low_battery"]
    cold = Street(DOMAIN.watch(bay(), None))
    cold.take(cold.watch.step([Obs("temperature_C", "d", T0, -12.0)]))
    cold.take(cold.watch.step([Obs("battery_V", "d", T0 + S, 2.95)]))
    assert cold.raised == []


# --- nuisances and attacks -----------------------------------------------------------------------


def test_a_neighbours_field_or_a_leaf_alone_is_no_vehicle(street: Street) -> None:
    street.run(30, False, False)
    for _ in range(120):
        street.now += 10 * S
        moved = [o._replace(value=o.value + 3.5) if o.prop == "mag_x_uT" else o
                 for o in sample(street.now, False, False, street.rng)]  # fmt: skip
        street.take(street.watch.step(moved))
    assert street.values["occupied"] == 0
    street.run(30, False, False)
    for _ in range(120):
        street.now += 10 * S
        leaf = {"radar_m": 0.07, "radar_echo_db": 13.0}
        obs = sample(street.now, False, False, street.rng)
        covered = [o._replace(value=leaf.get(o.prop, o.value)) for o in obs]
        street.take(street.watch.step(covered))
    assert street.values["occupied"] == 0


def test_a_drift_of_ten_microtesla_in_a_day_is_followed(street: Street) -> None:
    for minute in range(24 * 60):
        street.now += MIN
        obs = sample(street.now, False, False, street.rng)
        drifted = [o._replace(value=o.value + 10 * minute / 1440) if o.prop[:3] == "mag" else o
                   for o in obs]  # fmt: skip
        street.take(street.watch.step(drifted))
    assert street.values["occupied"] == 0
    assert street.raised == []


@pytest.mark.parametrize("stuck", ["mag", "radar"])
def test_a_sensor_held_at_free_is_found_by_the_other(stuck: str) -> None:
    """Spoofed constant, swapped or dead: one technology says the same whatever comes."""
    street = Street(DOMAIN.watch(bay(), None))
    street.run(5, False, False)
    for _ in range(12):
        street.run(6, stuck != "mag", stuck != "radar")
        street.run(6, False, False)
    assert street.raised, "at least the contradiction is told"
    if "parking.sensor_stuck" in street.active:
        assert str(street.active["parking.sensor_stuck"]["sensor"]).startswith(stuck)


def test_a_sensor_moved_to_another_bay_contradicts_its_twin() -> None:
    street = Street(DOMAIN.watch(bay(), None))
    rng = random.Random(3)
    mine, theirs = False, True
    for minute in range(600):
        if minute % 25 == 0:
            mine = not mine
        if minute % 40 == 0:
            theirs = not theirs
        t = T0 + minute * MIN
        obs = list(sample(t, mine, theirs, rng))
        street.take(street.watch.step(obs))
    assert "parking.sensors_disagree" in street.raised or "parking.sensor_stuck" in street.raised


def test_the_very_same_number_for_a_day_is_a_stuck_sensor() -> None:
    street = Street(DOMAIN.watch(bay(), None))
    for minute in range(0, 25 * 60, 5):
        t = T0 + minute * MIN
        obs = [o._replace(value=20.0) if o.prop == "mag_x_uT" else o
               for o in sample(t, False, False, street.rng)]  # fmt: skip
        street.take(street.watch.step([o for o in obs if o.prop in ("mag_x_uT", "radar_m")]))
    assert street.active["parking.sensor_stuck"]["sensor"] == "mag/d"


# --- properties ----------------------------------------------------------------------------------


def anything() -> st.SearchStrategy[list[list[Obs]]]:
    one = st.sampled_from(MEASURED).flatmap(
        lambda p: st.tuples(st.just(p.name), st.floats(p.low, p.high, allow_nan=False))
    )
    reading = st.tuples(
        st.integers(1, 4_000_000), st.sampled_from("ab"), st.lists(one, min_size=1, max_size=5)
    )

    def dated(raw: list[tuple[int, str, list[tuple[str, float]]]]) -> list[list[Obs]]:
        now, out = T0, []
        for gap, device, values in raw:
            now += gap
            out.append([Obs(prop, device, now, v) for prop, v in dict(values).items()])
        return out

    return st.lists(reading, max_size=25).map(dated)


def check(step: Step, told: dict[str, int], open_rules: set[str]) -> None:
    for item in step.derived:
        prop = BAY.properties[item.prop]
        assert prop.low <= item.value <= prop.high
        assert item.ts_ms > told.get(item.prop, 0), "instants of a series only grow"
        told[item.prop] = item.ts_ms
    for finding in step.findings:
        assert finding.active != (finding.rule in open_rules), "raised once, cleared once"
        (open_rules.add if finding.active else open_rules.remove)(finding.rule)
        rule = DOMAIN.rules[finding.rule]
        if finding.active:
            rule.text.fr.format(**finding.facts)
            rule.text.en.format(**finding.facts)


@settings(max_examples=120, deadline=None)
@given(anything(), st.booleans())
def test_whatever_comes_it_stays_sound_and_survives_a_restart(
    readings: list[list[Obs]], zero: bool
) -> None:
    asset = bay() if zero else bay(mag_zero_uT=None)
    straight, restarted = DOMAIN.watch(asset, None), DOMAIN.watch(asset, None)
    told: dict[str, int] = {}
    open_rules: set[str] = set()
    for obs in readings:
        restarted = DOMAIN.watch(asset, json.loads(json.dumps(restarted.dump())))
        step = straight.step(obs)
        assert restarted.step(obs) == step
        check(step, told, open_rules)
        later = straight.tick(obs[-1].ts_ms + 10 * S)
        assert restarted.tick(obs[-1].ts_ms + 10 * S) == later
        check(later, told, open_rules)
    assert restarted.dump() == straight.dump()
