"""Leaks in seeded worlds (EPANET), and what must not look like one."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from beffroi.domains.water import DOMAIN
from beffroi.lab.worlds.water import WaterEventError, WaterWorld
from beffroi.model.asset import Asset
from beffroi.model.finding import Derived, Finding
from beffroi.model.reading import Obs

MIN, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_740_000_000_000
PERIOD = 15 * MIN


def live(
    world: WaterWorld, days: int, events: dict[int, tuple[str, dict[str, object]]]
) -> tuple[list[tuple[float, Finding]], list[Derived]]:
    """(day, finding) and derived values of every part of a world; events by day."""
    watches = {a.id: DOMAIN.watch(a, None) for a in world.assets() if a.kind != "network"}
    found, derived = [], []
    for i in range(days * DAY // PERIOD):
        if i * PERIOD % DAY == 0 and i * PERIOD // DAY in events:
            name, args = events[i * PERIOD // DAY]
            world.inject(name, **args)
        ts, by = T0 + i * PERIOD, defaultdict(list)
        for (ident, prop), value in world.step(ts).items():
            by[ident].append(Obs(prop, "d", ts, value))
        for ident, obs in by.items():
            step = watches[ident].step(obs)
            found += [(i * PERIOD / DAY, f) for f in step.findings]
            derived += step.derived
    return found, derived


def test_a_healthy_commune_is_quiet_for_two_months() -> None:
    found, derived = live(WaterWorld(1_500, 7), 60, {})
    assert not found
    nights = [d for d in derived if d.prop == "night_flow_m3_h"]
    assert len(nights) == 2 * 60
    pcts = [d.value for d in derived if d.prop == "yield_pct"]
    assert all(86 < pct < 93 for pct in pcts), "the world loses about a tenth"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_leak_of_a_tenth_of_the_inflow_is_found_within_two_nights(seed: int) -> None:
    world = WaterWorld(1_500, seed)
    l_s = 0.10 * world.use_l_s / 2
    found, _ = live(world, 34, {30: ("leak", {"sector": "sector-1", "l_s": l_s})})
    leaks = [(day, f) for day, f in found if f.rule == "water.leak"]
    assert leaks, "not found"
    day, first = leaks[0]
    assert first.asset == "sector-1"
    assert 30 <= day <= 32.5
    assert all(f.asset == "sector-1" for _, f in found if f.rule in ("water.leak", "water.burst"))
    assert float(first.facts["leak_l_s"]) == pytest.approx(l_s, rel=0.5)


@pytest.mark.parametrize(
    ("event", "args", "rule"),
    [
        ("pump_dry", {}, "water.pump_no_flow"),
        ("pump_speed", {"ratio": 0.8}, "water.pump_weak"),
        ("chlorine", {"mg_l": 1.5}, "water.chlorine_high"),
        ("stuck", {"asset": "tank-1", "prop": "level_m"}, "water.stuck"),
        ("replay", {"asset": "tank-1", "prop": "level_m"}, "water.replay"),
        ("drift", {"asset": "tank-1", "prop": "inflow_l_s", "per_day": -3.0}, "water.tank_balance"),
        ("offset", {"asset": "tank-1", "prop": "level_m", "by": 2.0}, "water.level_jump"),
    ],
)
def test_an_attack_on_an_instrument_or_machine(
    event: str, args: dict[str, object], rule: str
) -> None:
    found, _ = live(WaterWorld(1_000, 3), 23, {20: (event, args)})
    assert not [f for day, f in found if day < 20]
    assert rule in {f.rule for _, f in found if f.active}


def test_unknown_events_are_refused() -> None:
    world = WaterWorld(1_000, 1)
    with pytest.raises(WaterEventError, match="no event"):
        world.inject("flood")
    with pytest.raises(WaterEventError, match="takes"):
        world.inject("leak", where="sector-1")


def test_the_same_seed_gives_the_same_readings() -> None:
    one, two, other = WaterWorld(800, 5), WaterWorld(800, 5), WaterWorld(800, 6)
    for i in range(50):
        ts = T0 + i * PERIOD
        values = one.step(ts)
        assert values == two.step(ts)
        assert values != other.step(ts)


@pytest.mark.parametrize("start", ["2026-03-20", "2026-10-16"])
def test_the_change_of_clock_keeps_one_night_flow_a_night(start: str) -> None:
    t0 = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() * 1000)
    watch = DOMAIN.watch(Asset("s", "water", "sector", "S", 2, 46), None)
    nights = []
    for i in range(14 * 96):
        step = watch.step([Obs("inflow_m3_h", "d", t0 + i * PERIOD, 5.0)])
        nights += [d for d in step.derived if d.prop == "night_flow_m3_h"]
    assert len(nights) == 14
    assert all(d.value == pytest.approx(5.0) for d in nights)


def test_no_metered_consumption_no_yield() -> None:
    watch = DOMAIN.watch(Asset("s", "water", "sector", "S", 2, 46), None)
    props = set()
    for i in range(20 * 96):
        step = watch.step([Obs("inflow_m3_h", "d", T0 + i * PERIOD, 5.0 + i % 7)])
        props |= {d.prop for d in step.derived}
    assert props == {"night_flow_m3_h", "leak_l_s"}
