"""Figures of the services, in towns whose true value is known."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.indicators.town import NOW, SPAN, Town

from beffroi import law
from beffroi.domains.registry import domains
from beffroi.hub.indicators.own import OWN_MEASURES
from beffroi.model.measure import DAY_MS, HOUR_MS, Span

MIN = 60_000


def test_each_of_the_34_is_measured_by_one_and_only_one() -> None:
    owners = [*OWN_MEASURES, *(i for d in domains().values() for i in d.measures)]
    assert sorted(owners) == sorted(law.indicators())


def test_an_empty_town_proves_nothing_and_invents_no_zero(town: Town) -> None:
    found = town.board.compute(SPAN)
    assert list(found) == list(law.indicators())
    told = {ident for ident, one in found.items() if one.value is not None}
    assert told == {"S2"}  # no open alarm is known to be none
    assert all(one.why for ident, one in found.items() if ident not in told)


def test_water_volumes(town: Town) -> None:
    """100 in, 20 out, 64 metered an hour: 80 % yield; 16 m³/h are lost; 5 days of 10 known."""
    sector = town.asset("water", "sector", "s1", length_km=3.0)
    hours = range(120)
    town.hourly(sector, "inflow_m3_h", 100.0, range(240))
    town.hourly(sector, "outflow_m3_h", 20.0, range(240))
    town.hourly(sector, "metered_m3_h", 64.0, hours)
    assert town.measure("W2").value is None  # no length, no index
    town.enter(network_km="12", water_eur_m3="2,5")
    assert town.figures("W1", "W2", "W3", "W6") == pytest.approx(
        {"W1": 80.0, "W2": 16 * 24 / 12, "W3": 20.0, "W6": 25.0}
    )
    loss = town.measure("W3")
    assert loss.known == pytest.approx(0.5)
    assert [m.euros for m in loss.money] == pytest.approx([16 * 120 * 2.5])


def test_unmetered_volumes_count_when_they_are_entered(town: Town) -> None:
    sector = town.asset("water", "sector", "s1")
    town.hourly(sector, "inflow_m3_h", 10.0, range(240))
    town.hourly(sector, "metered_m3_h", 8.0, range(240))
    assert town.measure("W1").value == pytest.approx(80)
    town.enter(unmetered_m3=str(8_760))  # 1 m³ every hour of a year
    assert town.measure("W1").value == pytest.approx(90)


def test_pressure_and_interruptions(town: Town) -> None:
    """Two points of one sector of 100, one of a sector of 300: 12 h without pressure at one of the
    two count 12 × 50/400."""
    town.asset("water", "sector", "s1", inhabitants=100)
    town.asset("water", "sector", "s2", inhabitants=300)
    for ident, sector in (("n1", "s1"), ("n2", "s1"), ("n3", "s2")):
        town.asset("water", "node", ident, sector=sector, pressure_bar_max=5.0)
        town.hourly(ident, "pressure_bar", 3.0, range(228))
    town.hourly("n1", "pressure_bar", 0.1, range(228, 234))
    town.hourly("n2", "pressure_bar", 6.0, range(228, 234))
    town.hourly("n3", "pressure_bar", 3.0, range(228, 234))
    town.alarm("water.pressure_low", "n1", 222, 234)
    held = town.measure("W5")
    assert held.value == pytest.approx(100 * (3 * 234 - 12) / (3 * 234))
    cut = town.measure("W4")
    assert cut.value == pytest.approx(12 * 50 / 400 / (10 / 365 * 234 / 240))


def test_lighting_energy_and_savings(town: Town) -> None:
    """Two cabinets of 10 and 20 kWh a night; lamps saved a quarter."""
    for ident, kwh in (("c1", 10.0), ("c2", 20.0)):
        town.asset("lighting", "cabinet", ident)
        town.put(ident, "night_kWh", [(d * DAY_MS + HOUR_MS, kwh) for d in range(10)])
    for n in range(4):
        lamp = town.asset("lighting", "luminaire", f"l{n}", cct_K=4_000.0 if n == 0 else 2_700.0)
        town.put(lamp, "night_kWh", [(d * DAY_MS + HOUR_MS, 3.0) for d in range(10)])
        town.put(lamp, "saved_kWh", [(d * DAY_MS + HOUR_MS, 1.0) for d in range(10)])
    town.put("l0", "power_W", [(HOUR_MS, 30.0)])
    town.enter(lit_km="5", energy_eur_kwh="0,20")
    assert town.figures("L1", "L2", "L3", "L4") == pytest.approx(
        {"L1": 30 * 365 / 5, "L2": 25.0, "L3": 25.0, "L4": 25.0}
    )
    assert [m.euros for m in town.measure("L3").money] == pytest.approx([4 * 10 * 0.2])
    assert town.measure("L1").known == 1.0


def test_the_time_to_light_again_counts_what_is_still_dark(town: Town) -> None:
    for n in range(3):
        town.asset("lighting", "luminaire", f"l{n}")
        town.hourly(f"l{n}", "power_W", 10.0, range(10))
    assert town.measure("L5").value is None  # no failure is no delay of zero
    town.alarm("lighting.lamp_out", "l0", 10, 14)
    town.alarm("lighting.lamp_out", "l1", 10, 18)
    town.alarm("lighting.lamp_out", "l2", 200, None)
    found = town.measure("L5")
    assert (found.value, dict(found.parts)) == (8.0, {"p90_h": 40.0, "open": 1.0})


def test_bays(town: Town) -> None:
    """Four stays in ten days on one bay, one too long; the other bay says nothing."""
    town.asset("parking", "bay", "b1")
    town.asset("parking", "bay", "b2")
    stays = [(10, 20), (30, 31), (50, 51), (70, 75)]
    told = [(0, 0.0), *((h * HOUR_MS, v) for a, b in stays for h, v in ((a, 1.0), (b, 0.0)))]
    blink = [(20 * HOUR_MS + 2_000, 1.0), (20 * HOUR_MS + 4_000, 0.0)]
    daily = [(d * DAY_MS + 1, 0.0) for d in range(4, 10)]
    town.put("b1", "occupied", sorted([*told, *blink, *daily]))
    town.put("b1", "state", sorted([*told, (11 * HOUR_MS, 2.0), *daily]))
    found = town.measure("P2")
    assert found.n == 4
    assert found.value == pytest.approx(0.4, rel=0.01)
    assert found.known == pytest.approx(0.5, rel=0.01)
    assert town.figures("P1", "P3") == {"P1": 50.0, "P3": 25.0}
    town.enter(public_bays="8")
    assert town.measure("P1").value == 12.5


def test_two_sensors_agree_most_of_the_time(town: Town) -> None:
    """They differ for one hour of 240."""
    town.asset("parking", "bay", "b1")
    heartbeat = [(h * HOUR_MS, 0.0) for h in range(0, 240, 12)]
    town.put("b1", "occupied_mag", heartbeat, "d1")
    lied = [(6 * HOUR_MS, 1.0), (7 * HOUR_MS, 0.0)]
    town.put("b1", "occupied_radar", sorted([*heartbeat, *lied]), "d1")
    found = town.measure("P4")
    assert found.value == pytest.approx(100 * 239 / 240)


def test_junctions(town: Town) -> None:
    """Half an hour at flashing amber in 240 h known of each of two."""
    for ident in ("j1", "j2"):
        town.asset("signals", "junction", ident, proof="ab")
        at = [(n * HOUR_MS // 2, 2.0 if (ident, n) == ("j1", 100) else 1.0) for n in range(480)]
        town.put(ident, "state", at)
        town.put(ident, "wait_s", [(HOUR_MS, 80.0 if ident == "j1" else 95.0)])
    assert town.figures("T1", "T2", "T3") == pytest.approx(
        {"T1": 0.0, "T2": 95.0, "T3": 8_760 * 0.5 / 480}
    )
    town.board.signed = lambda: frozenset({"j1"})
    assert town.measure("T1").value == 50.0


def test_boards_and_footfall(town: Town) -> None:
    town.asset("boards", "board", "p1")
    town.put("p1", "ordered_text", [(HOUR_MS, 7.0), (50 * HOUR_MS, 8.0)])
    shown = [(2, 7.0), (10, 0.0), (51, 8.0), (60, 0.0), (70, 666.0), (71, 0.0), (90, 8.0)]
    town.put("p1", "shown_text", [(h * HOUR_MS, v) for h, v in shown])
    assert town.measure("D1").value == 75.0
    assert town.measure("D2").value is None
    town.enter(covered_inhabitants="400")
    assert town.measure("D2").value == 40.0
    town.asset("flows", "counter", "k1")
    town.hourly("k1", "count_1h", 0.03, range(240))
    assert town.measure("F1").value is None  # 7 people in ten days: told to nobody
    town.asset("flows", "counter", "k2")
    town.hourly("k2", "count_1h", 20.0, range(240))
    assert town.measure("F1").value == pytest.approx(10.015)


def test_a_figure_that_rests_on_almost_nothing_is_none(town: Town) -> None:
    town.asset("water", "node", "n1")
    town.hourly("n1", "pressure_bar", 3.0, range(11))
    assert town.measure("W5").value is None
    town.hourly("n1", "pressure_bar", 3.0, range(11, 13))
    assert town.measure("W5").value == 100.0


def test_suspect_values_do_not_make_arrivals(town: Town) -> None:
    from beffroi.model.reading import Row
    from beffroi.ports.store import Batch, SeriesKey

    town.asset("parking", "bay", "b1")
    for prop in ("occupied", "state"):
        town.put("b1", prop, [(d * DAY_MS + 1, 0.0) for d in range(10)])
    series = town.store.readings.series_ids([SeriesKey("b1", "", "occupied")])[0]
    bad = [Row(series, SPAN.start_ms + h * HOUR_MS, 1.0, 1, NOW) for h in (5, 10)]
    town.store.readings.commit(Batch(rows=bad))
    assert town.measure("P2").value == 0.0


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 239), st.integers(1, 48)), max_size=6), st.integers(1, 9))
def test_a_month_split_in_two_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int]], day: int
) -> None:
    """Time in failure adds up over any split of the period."""
    town = Town(tmp_path_factory.mktemp("t"))
    town.asset("lighting", "luminaire", "l0")
    for start, length in cuts:
        town.alarm("lighting.lamp_out", "l0", start, min(start + length, 240))
    middle = SPAN.start_ms + day * DAY_MS
    parts = (SPAN, Span(SPAN.start_ms, middle), Span(middle, SPAN.end_ms))
    from beffroi.hub.indicators.reader import StoreReader

    def held(span: Span) -> int:
        reader = StoreReader(town.store, "lighting", span, given=lambda _: None, signed=frozenset())
        return sum(e.end_ms - e.start_ms for e in reader.episodes("lighting.lamp_out"))

    whole, one, two = map(held, parts)
    town.store.close()
    assert whole == one + two
