"""The lab's small worlds: plausible, deterministic, and the same live as in history."""

from __future__ import annotations

import itertools
from datetime import date, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.lab.bays import BaySource, last_half_past_nine
from beffroi.lab.commune import commune
from beffroi.lab.history import Past, batches
from beffroi.lab.sources import LightSource, PeopleSource, Sources, WaterSource
from beffroi.lab.worlds.flows import HOUR_MS, SLOT_MS, ZONE, PeopleWorld, Spot
from beffroi.lab.worlds.mains import Leak
from beffroi.lab.worlds.stops import Parked, day_start_ms, sayings, stays

DAY_MS = 86_400_000
START_MS = day_start_ms(date(2026, 3, 16))  # a Monday
MADE = commune(800, 5)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


# --- people --------------------------------------------------------------------------------------
def test_the_market_fills_the_square() -> None:
    world = PeopleWorld([Spot("a", 1.0, market=True), Spot("b", 1.0)], 3)
    saturday = day_start_ms(date(2026, 3, 21))
    market, other = (
        sum(world.hour(i, saturday + h * HOUR_MS) for h in range(9, 14)) for i in (0, 1)
    )
    assert market > 2 * other


def test_an_hour_is_the_sum_of_its_slots() -> None:
    world = PeopleWorld([Spot("a", 1.0)], 3)
    end = START_MS + 18 * HOUR_MS
    slots = [world.count(0, end - HOUR_MS + k * SLOT_MS) for k in range(HOUR_MS // SLOT_MS)]
    assert world.hour(0, end) == sum(slots)


def test_counts_do_not_depend_on_when_they_are_asked() -> None:
    one, two = PeopleSource(MADE, 1), PeopleSource(MADE, 1)
    late = START_MS + 17 * HOUR_MS
    list(one.measures(START_MS))
    assert list(one.measures(late + 100_000)) == list(two.measures(late + 200_000))


def test_counts_follow_their_mean() -> None:
    world = PeopleWorld([Spot("a", 1.0)], 11)
    slots = [START_MS + k * SLOT_MS for k in range(7 * 288)]
    seen = sum(world.count(0, slot) for slot in slots)
    mean = sum(world.expected(Spot("a", 1.0), slot) for slot in slots)
    assert 0.85 < seen / mean < 1.15


# --- bays ----------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 40_000), DAYS)
def test_stays_do_not_overlap_and_stay_in_their_day(seed: int, bay: int, day: date) -> None:
    found = stays(seed, bay, day)
    for (start, end, _), (later, _, _) in itertools.pairwise(found):
        assert start < end < later
    for start, end, _ in found:
        assert day_start_ms(day) <= start
        assert datetime.fromtimestamp(end / 1000, ZONE).date() == day


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 40_000), DAYS)
def test_sensors_say_each_change_once_and_end_free(seed: int, bay: int, day: date) -> None:
    said = sayings(seed, bay, day)
    assert [s.ts_ms for s in said] == sorted(s.ts_ms for s in said)
    changes = [s.values for s in said if "battery_V" not in s.values]
    for before, after in itertools.pairwise(changes):
        assert before != after
    assert any("battery_V" in s.values for s in said)
    assert not said[-1].values["occupied_mag"]


def test_a_bay_source_says_the_same_in_one_call_or_in_many() -> None:
    once, often = BaySource(MADE, 4, START_MS), BaySource(MADE, 4, START_MS)
    end = START_MS + 2 * DAY_MS + 5 * HOUR_MS
    whole = list(once.measures(end))
    parts = [m for at in range(START_MS + HOUR_MS, end + 1, HOUR_MS) for m in often.measures(at)]
    assert sorted(whole) == sorted(parts)
    assert len(whole) > 100


def test_a_bay_source_does_not_speak_of_before_its_start() -> None:
    noon = START_MS + 12 * HOUR_MS
    said = list(BaySource(MADE, 4, noon).measures(noon + 4 * HOUR_MS))
    assert said
    assert all(noon < measure.ts_ms <= noon + 4 * HOUR_MS for measure in said)


def test_a_van_stays_whatever_else_happens() -> None:
    start = START_MS + 9 * HOUR_MS
    van = Parked(7, start, start + 3 * HOUR_MS)
    said = sayings(1, 7, date(2026, 3, 16), [van])
    here = [s for s in said if start + 15_000 < s.ts_ms < van.end_ms]
    assert all(s.values["occupied_radar"] for s in here)


def test_half_past_nine_is_a_working_day() -> None:
    sunday = day_start_ms(date(2026, 3, 22)) + 12 * HOUR_MS
    at = datetime.fromtimestamp(last_half_past_nine(sunday) / 1000, ZONE)
    assert (at.weekday(), at.hour, at.minute) == (5, 9, 30)


# --- water ---------------------------------------------------------------------------------------
def test_water_is_conserved_and_the_tower_never_runs_dry() -> None:
    source = WaterSource(MADE, 1, START_MS)
    levels, gaps, last = [], [], None
    for k in range(1, 3 * 144):
        values = {m.device: m.values for m in source.measures(START_MS + k * 600_000)}
        tank = values["rtu-tank-1"]
        levels.append(tank["level_m"])
        net_m3 = (tank["inflow_l_s"] - tank["outflow_l_s"]) * 0.6
        if last is not None:
            gaps.append((levels[-1] - last) * source.world.plant.area_m2 - net_m3)
        last = levels[-1]
    height = source.world.plant.height_m
    assert 0.4 * height < min(levels) < max(levels) < height
    assert abs(float(np.mean(gaps))) < 0.05  # m3 per ten minutes


def test_a_leak_raises_the_night_flow_of_its_sector_only() -> None:
    dry, wet = WaterSource(MADE, 1, START_MS), WaterSource(MADE, 1, START_MS)
    wet.world.leaks.append(Leak("sector-002", 0.4, START_MS, START_MS + DAY_MS))
    at = START_MS + 3 * HOUR_MS
    before = {m.device: m.values for m in dry.measures(at)}
    after = {m.device: m.values for m in wet.measures(at)}
    name = "inflow_m3_h"
    assert after["rtu-sector-002"][name] - before["rtu-sector-002"][name] > 1.2
    assert after["rtu-sector-001"][name] == before["rtu-sector-001"][name]


# --- lamps ---------------------------------------------------------------------------------------
def test_meters_do_not_go_back_when_the_lab_starts_again() -> None:
    night = START_MS + 22 * HOUR_MS
    first = {m.device: m.values for m in LightSource(MADE, 1).measures(night)}
    owner = {d.id: d.asset for d in MADE.devices}
    known = {
        (owner[device], prop): value + 500
        for device, values in first.items()
        for prop, value in values.items()
        if prop in ("energy_kWh", "burning_h")
    }
    again = {m.device: m.values for m in LightSource(MADE, 1, known).measures(night + HOUR_MS)}
    for (asset, prop), value in known.items():
        device = next(d for d, a in owner.items() if a == asset and d in again)
        assert again[device][prop] >= value - 0.001


# --- together ------------------------------------------------------------------------------------
def test_every_measure_fits_the_books() -> None:
    """A day of all sources: known devices, known properties, inside their physical bounds."""
    from beffroi.domains.registry import domains

    sources = Sources.of(MADE, 1, START_MS)
    parts = (
        sources.people,
        sources.water,
        sources.lights,
        sources.bays,
        sources.signals,
        sources.fixtures,
    )
    pasts = [Past(source, START_MS, 900.0) for source in parts]
    devices = {d.id: d for d in MADE.devices}
    assets = {a.id: a for a in MADE.assets}
    heard = set()
    last_ms = 0
    for _, measures in batches(pasts, START_MS + DAY_MS):
        assert measures[-1].ts_ms >= last_ms - 900_000
        last_ms = measures[-1].ts_ms
        for measure in measures:
            device = devices[measure.device]
            heard.add(device.id)
            own = assets[device.asset]
            values = domains()[own.domain].decode(device.model, measure.values)
            for tag, value in values.items():
                asset_id, prop = device.points.get(tag, (device.asset, tag))
                asset = assets[asset_id]
                kind = domains()[asset.domain].kinds[asset.kind]
                assert prop not in kind.derived
                assert kind.properties[prop].low <= value <= kind.properties[prop].high
    silent = set(devices) - heard
    assert all(devices[name].id.startswith("gw-") for name in silent)  # roofs only carry
