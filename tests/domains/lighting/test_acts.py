"""Lighting's envelopes asked by the judge itself: a dark street needs a signed schedule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domains.judged import EVERYBODY, MINUTE, TERMS, Bench, asset, bench, envelope_of, reason
from tests.kernel.world import COMMUNE, GUARD_ID, NONCE, NOW, ORIGIN, PLAIN, ROSTER, Trial

from beffroi.domains.lighting.acts import DAY_MDEG
from beffroi.domains.registry import domains
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import State
from beffroi.kernel.verdict import Accepted
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

NIGHT = {"sun_mdeg": -20_000, "night": 1, "local_minute": 22 * 60, "adjacent_dark": 0}
DIM = [{"from": "22:30", "to": "05:30", "pct": 50}]
OFF = [{"from": "00:30", "to": "05:00", "order": "2024-12"}]
numbers = st.one_of(st.floats(), st.integers(-200, 200))
wall = st.sampled_from(["22:00", "23:30", "00:30", "05:00", "12:00", "24:61"])
window = st.fixed_dictionaries({"from": wall, "to": wall}, optional={"pct": numbers})
some_attrs = st.fixed_dictionaries(
    {},
    optional={
        "floor_pct": numbers,
        "crossing": st.booleans(),
        "dim": st.lists(window, max_size=3),
        "off": st.lists(window, max_size=3),
    },
)


def inside(attrs: dict[str, Any], minute: int, minutes: int) -> bool:
    """Some window of the schedule holds from now until it ends."""
    for one in (*attrs.get("dim", ()), *attrs.get("off", ())):
        try:
            start, end = (
                int(one[k][:2]) * 60 + int(one[k][3:]) for k in ("from", "to") if one[k] != "24:61"
            )
        except ValueError:
            continue
        if (minute - start) % 1_440 + minutes <= (end - start) % 1_440:
            return True
    return False


@settings(max_examples=150)
@given(
    st.sampled_from(["luminaire", "cabinet"]),
    some_attrs,
    st.integers(-1, 101),
    st.integers(0, 800),
    st.integers(0, 1_439),
    st.integers(-90_000, 90_000),
    st.integers(0, 2),
    st.sampled_from("ABC"),
)
def test_whatever_the_asset_no_street_goes_dark(
    kind: str, attrs: dict[str, Any], level: int, minutes: int, minute: int, sun: int, near: int,
    klass: str,
) -> None:  # fmt: skip
    one = Asset("target-1", "lighting", kind, "Cible", 2, 48, authority="mairie", attrs=attrs)
    facts = {"local_minute": minute, "sun_mdeg": sun, "adjacent_dark": near}
    told = Bench(envelope_of(one), facts).ask(
        "dim", klass, EVERYBODY, level_pct=level, minutes=minutes
    )
    if not isinstance(told, Accepted):
        return
    assert 0 <= level <= 100
    assert 1 <= minutes <= 720
    if level < 10:
        by_day = sun >= DAY_MDEG and minutes <= 30
        alone = kind == "luminaire" and near == 0 and minutes <= 240 and told.klass == "C"
        scheduled = inside(attrs, minute, minutes) and minutes <= 30
        assert by_day or alone or scheduled
    if attrs.get("crossing") is True and sun < DAY_MDEG:
        assert level >= 50


def test_all_lamps_off_from_a_phone() -> None:
    """The attack on Nice: whoever holds a session, even a key, finds no such action at night."""
    cabinet = bench("lighting", "cabinet", NIGHT, dim=DIM)
    for klass, by in (("A", ("hub",)), ("B", ("hub", "lamps")), ("C", EVERYBODY)):
        told = cabinet.ask("dim", klass, by, level_pct=0, minutes=30)
        assert reason(told) in ("not_permitted_now", "class_too_low")
    assert reason(cabinet.ask("off")) == "unknown_action"


def test_one_lamp_may_be_off_two_neighbours_may_not() -> None:
    lamp = bench("lighting", "luminaire", NIGHT)
    assert reason(lamp.ask("dim", "B", level_pct=0, minutes=60)) == "class_too_low"
    assert reason(lamp.ask("dim", "C", level_pct=0, minutes=60)) == "accepted"
    lamp.facts["adjacent_dark"] = 1
    assert reason(lamp.ask("dim", "C", level_pct=0, minutes=60)) == "not_permitted_now"
    del lamp.facts["adjacent_dark"]  # nobody knows
    assert reason(lamp.ask("dim", "C", level_pct=0, minutes=60)) == "not_permitted_now"


def test_the_schedule_dims_by_itself_and_ends_in_time() -> None:
    cabinet = bench("lighting", "cabinet", {**NIGHT, "local_minute": 23 * 60}, dim=DIM)
    assert reason(cabinet.ask("dim", "A", level_pct=50, minutes=30)) == "accepted"
    assert reason(cabinet.ask("dim", "A", level_pct=49, minutes=30)) == "not_permitted_now"
    cabinet.facts["local_minute"] = 5 * 60 + 1  # 29 minutes before the end
    assert reason(cabinet.ask("dim", "A", level_pct=50, minutes=30)) == "not_permitted_now"
    cabinet.facts["local_minute"] = 22 * 60 + 29
    assert reason(cabinet.ask("dim", "A", level_pct=50, minutes=30)) == "not_permitted_now"


def test_a_signed_switch_off_makes_dark_but_never_at_a_crossing() -> None:
    facts = {**NIGHT, "local_minute": 2 * 60}
    assert reason(
        bench("lighting", "cabinet", facts, off=OFF).ask("dim", "A", level_pct=0, minutes=30)
    ) == "accepted"  # fmt: skip
    told = bench("lighting", "cabinet", facts, off=OFF, crossing=True).ask(
        "dim", "C", level_pct=0, minutes=30
    )
    assert reason(told) in ("outside_envelope", "not_permitted_now")


def test_by_day_the_lights_go_out_but_not_into_the_dusk() -> None:
    cabinet = bench("lighting", "cabinet", {**NIGHT, "night": 0, "sun_mdeg": 30_000})
    assert reason(cabinet.ask("dim", "A", level_pct=0, minutes=30)) == "accepted"
    cabinet.facts["sun_mdeg"] = 3_000
    assert reason(cabinet.ask("dim", "A", level_pct=0, minutes=30)) == "not_permitted_now"


def test_on_is_always_possible() -> None:
    cabinet = bench("lighting", "cabinet")
    cabinet.lease = False
    for _ in range(100):
        assert reason(cabinet.ask("on", "A")) == "accepted"


def test_a_street_is_not_moved_at_once() -> None:
    """One guard, twelve lamps: with every key, at most five of them change within ten minutes."""
    domain = domains()["lighting"]
    envelopes: dict[str, Envelope] = {}
    for i in range(12):
        one = Asset(f"lamp-{i}", "lighting", "luminaire", "", 2, 48, authority="mairie")
        made = domain.envelope(one, TERMS)
        assert made is not None
        envelopes[one.id] = made
    facts = {name: {k: Fact(v, NOW) for k, v in NIGHT.items()} for name in envelopes}
    state, moved = State(), 0
    for name, envelope in envelopes.items():
        known = Situation(COMMUNE, GUARD_ID, ORIGIN, NONCE, ROSTER, envelopes, state, NOW,
                          NOW + 30_000, facts)  # fmt: skip
        trial = Trial(PLAIN, EVERYBODY, known).says(
            target=name, klass="C", action="dim", params={"level_pct": 0, "minutes": 60},
            envelope=envelope.digest, epoch=0, counter=1,
        )  # fmt: skip
        told = trial.verdict()
        if isinstance(told, Accepted):
            state, moved = told.state, moved + 1
        else:
            assert reason(told) == "fleet_limit"
    assert moved == 5


# --- the watch knows what was ordered ---
EVENING = 1_767_294_000_000  # 1 January 2026, 19:00 UTC: dark in Paris


def told_of(level_pct: int, ordered: bool) -> set[str]:
    domain, one = domains()["lighting"], asset("lighting", "luminaire", power_W_nominal=100)
    watch = domain.watch(one, None)
    obs: list[Obs] = []
    if ordered:
        params = {"level_pct": level_pct, "minutes": 120}
        for prop, value in domain.ordered(one, "dim", params, b"", EVENING).items():
            assert prop in domain.kinds["luminaire"].derived
            obs.append(Obs(prop, "", EVENING, value))
    watts = 100 * (0.1 + 0.9 * level_pct / 100) if level_pct else 0.0
    for minute in range(0, 60, 5):
        obs.append(Obs("power_W", "lc-1", EVENING + minute * MINUTE, watts))
    return {f.rule for ob in obs for f in watch.step([ob]).findings if f.active}


@pytest.mark.parametrize(("level", "rule"), [(50, "lighting.low_power"), (0, "lighting.lamp_out")])
def test_an_ordered_level_is_no_fault_and_an_unordered_one_is(level: int, rule: str) -> None:
    assert rule in told_of(level, ordered=False)
    assert not told_of(level, ordered=True)
