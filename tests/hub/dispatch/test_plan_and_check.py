"""Plans, fleets and interlocks: pure decisions, then carried out on the bench."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.dispatch.kit import P1, P2, TARGETS, TRUSTED, Town

from beffroi.hub.dispatch import check, lifecycle
from beffroi.hub.dispatch import plan as plans
from beffroi.hub.dispatch.check import Act, InForce, Interlock, Interlocks
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.plan import Plan, Step
from beffroi.hub.dispatch.plans import read_known
from beffroi.model.limits import FLEET_FREE_TARGETS, FLEET_SHARE_PCT_MAX
from beffroi.ports.commands import FINAL, State

PARIS = ZoneInfo("Europe/Paris")
DAY_MS = 86_400_000
EVERY_DAY = tuple(range(7))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()) * 1000


def no_sun(day: date) -> None:
    return None


def schedule(*steps: Step) -> Plan:
    return Plan("night", 1, "schedule", "Nuit", steps)


def at(plan: Plan, start: str, end: str, sun: plans.Almanac = no_sun) -> list[str]:
    found = plans.at(plan, ms(start), ms(end), PARIS, sun)
    return [
        datetime.fromtimestamp(due.at_ms / 1000, UTC).astimezone(PARIS).strftime("%d %H:%M")
        for due in found
    ]


def dim(target: str = "t-1", level: int = 60, **more: object) -> Step:
    return Step(target, "dim", {"level_pct": level}, **more)  # type: ignore[arg-type]


# --- time ----------------------------------------------------------------------------------------
def test_a_schedule_follows_the_wall_clock() -> None:
    plan = schedule(dim(minute=22 * 60, weekdays=(0, 1)))
    assert at(plan, "2026-11-23 00:00", "2026-11-30 00:00") == ["23 22:00", "24 22:00"]
    assert at(plan, "2026-11-23 22:00", "2026-11-24 21:59") == []  # after, not at


def test_the_two_days_of_the_changing_clock() -> None:
    plan = schedule(dim(minute=2 * 60 + 30, weekdays=EVERY_DAY))
    assert len(at(plan, "2026-03-28 12:00", "2026-03-29 12:00")) == 1  # the hour that is skipped
    assert len(at(plan, "2026-10-24 12:00", "2026-10-25 12:00")) == 1  # the hour that comes twice


def test_the_sun_and_days_without_one() -> None:
    def sun(day: date) -> tuple[int, int] | None:
        noon = ms(f"{day} 12:00")
        return None if day.day == 24 else (noon - 4 * 3_600_000, noon + 5 * 3_600_000)

    plan = schedule(dim(minute=-30, weekdays=EVERY_DAY, sun="set"))
    assert at(plan, "2026-11-23 00:00", "2026-11-26 00:00", sun) == ["23 16:30", "25 16:30"]


@given(st.lists(st.integers(1, 3 * DAY_MS), min_size=1, max_size=8))
def test_however_often_it_is_looked_at_each_moment_comes_once(pauses: list[int]) -> None:
    plan = schedule(dim(minute=0, weekdays=EVERY_DAY), dim(minute=721, weekdays=(2, 6)))
    start = now = ms("2026-10-20 00:00")
    found = []
    for pause in pauses:
        found += plans.at(plan, now, now + pause, PARIS, no_sun)
        now += pause
    assert found == plans.at(plan, start, now, PARIS, no_sun)
    assert len({due.ident for due in found}) == len(found)


def test_a_plan_is_its_bytes() -> None:
    plan = schedule(dim(minute=1, weekdays=(0,)))
    assert plans.read_plan(plan.encoded()) == plan
    with pytest.raises(ValueError, match="whole number"):
        plans.read_plan(schedule(dim(minute=1440, weekdays=(0,))).encoded())


# --- checks --------------------------------------------------------------------------------------
def test_what_is_wrong_with_a_plan_is_all_said(town: Town) -> None:
    plan = schedule(
        dim(weekdays=()),
        dim("t-9", weekdays=(0,)),
        dim(level=101, weekdays=(0,)),
        dim("t-2", 60, minute=5, weekdays=(0, 1)),
        dim("t-2", 70, minute=5, weekdays=(1, 2)),
    )
    found = town.dispatch.plans.problems(plan)
    assert [one.code for one in found] == [
        "never",
        "unknown_target",
        "outside_envelope",
        "contradiction",
    ]


LOCK = Interlocks((Interlock("sorties", 2, tuple(
    Act(target, "dim", {"level_pct": 0}) for target in TARGETS[:3])),))  # fmt: skip


def test_exits_may_not_all_be_closed() -> None:
    force = {name: InForce("dim", {"level_pct": 0}) for name in TARGETS[:2]}
    assert check.excluded("t-3", "dim", {"level_pct": 0}, force, LOCK) is not None
    assert check.excluded("t-3", "dim", {"level_pct": 50}, force, LOCK) is None
    assert check.excluded("t-1", "dim", {"level_pct": 0}, force, LOCK) is None  # it is already
    opened = {**force, "t-1": InForce("dim", {"level_pct": 100})}
    assert check.excluded("t-3", "dim", {"level_pct": 0}, opened, LOCK) is None


def test_a_scene_that_closes_all_exits_is_refused_before_it_is_kept(town: Town) -> None:
    town.dispatch.plans.put_interlocks(LOCK, "chef")
    steps = [dim(target, 0) for target in TARGETS[:3]]
    with pytest.raises(DeniedError) as error:
        town.dispatch.plans.put("evacuation", "scene", "Évacuation", steps, "chef")
    assert error.value.denied.code == "interlock"
    assert town.dispatch.plans.newest_of_each() == []


def test_an_interlock_is_looked_at_again_just_before_sending(town: Town) -> None:
    town.dispatch.plans.put_interlocks(LOCK, "chef")
    rows = [town.ask(target, 0) for target in TARGETS[:3]]  # none is in force yet
    for row in rows:
        town.clock.ms += 1
        town.sign(town.sign(row, P1), P2)
    town.settle(2)
    states = [town.row(row).state for row in rows]
    assert sorted(states) == [State.DONE, State.DONE, State.REFUSED]
    assert len(town.cabinet.moved) == 2


@given(st.integers(1, 300), st.integers(0, 300))
def test_the_share_of_a_fleet(fleet: int, others: int) -> None:
    from tests.adapters.sql.test_commands import row

    moved = [
        row(f"c{n}", n + 1, target=f"x{n}", state=State.DONE, sent_ms=1_000) for n in range(others)
    ]
    held = check.crowded(row("new", 1), moved, fleet, 2_000) is not None
    most = max(FLEET_FREE_TARGETS, fleet * FLEET_SHARE_PCT_MAX // 100)
    assert held == (others + 1 > most)
    assert check.crowded(row("new", 1), moved, fleet, 1_000_000) is None  # the window is over
    assert check.crowded(row("new", 1, klass="C"), moved, fleet, 2_000) is None


# --- carried out ---------------------------------------------------------------------------------
def test_a_schedule_makes_each_command_once_over_restarts(town: Town) -> None:
    begin = ms("2026-11-24 21:59")
    town.clock.ms = begin
    town.cabinet.tell()
    town.hear()
    every = EVERY_DAY
    town.dispatch.plans.put("night", "schedule", "Nuit", [dim(minute=1320, weekdays=every)], "chef")
    for _ in range(8):
        town.clock.ms += 30_000
        town.cabinet.tell()
        town.hear()
        town.turn()
        town.restart()
    rows = town.store.commands.commands(plan="night.1")
    assert [row.not_before_ms for row in rows] == [ms("2026-11-24 22:00")]
    town.hear()
    assert len(town.cabinet.moved) == 1


def test_a_turn_reads_the_newest_of_each_plan_and_decodes_it_once(town: Town) -> None:
    for minute in (1, 2, 3):
        steps = [dim(minute=minute, weekdays=(0,))]
        town.dispatch.plans.put("night", "schedule", "Nuit", steps, "chef")
    read_known.cache_clear()
    for _ in range(4):
        town.turn()
    assert read_known.cache_info().misses == 1
    assert [row.generation for row in town.dispatch.plans.newest_of_each()] == [3]


def test_a_step_that_passed_while_the_hub_was_down_is_told_not_made_up_for(town: Town) -> None:
    every = EVERY_DAY
    town.clock.ms = ms("2026-11-24 20:00")
    town.dispatch.plans.put("night", "schedule", "Nuit", [dim(minute=1320, weekdays=every)], "chef")
    town.turn()
    assert town.rules() == set()
    town.stop()
    town.clock.ms = ms("2026-11-25 06:00")  # 22:00 and the step's life are over
    town.start()
    town.cabinet.tell()
    town.hear()
    town.turn()
    town.turn()
    missed = [one for one in town.found if one.rule == "commands.plan_missed"]
    assert [(one.asset, one.facts["why"]) for one in missed] == [("t-1", "hub_down")]
    assert town.store.commands.commands(plan="night.1") == []
    town.clock.ms = ms("2026-11-25 22:00")  # the next one is commanded: the alarm ends
    town.cabinet.tell()
    town.hear()
    town.turn()
    assert [one.active for one in town.found if one.rule == "commands.plan_missed"] == [True, False]
    assert len(town.store.commands.commands(plan="night.1")) == 1


def test_a_newer_generation_stops_the_older_one(town: Town) -> None:
    put = town.dispatch.plans.put
    put("market", "scene", "Marché", [dim("t-1", 30)], "chef")
    (old,) = town.dispatch.plans.run("market", "u1")
    put("market", "scene", "Marché", [dim("t-1", 40)], "chef")
    town.turn()
    assert (town.row(old).state, town.row(old).reason) == (State.REFUSED, "old_plan")
    (new,) = town.dispatch.plans.run("market", "u1")
    assert (new.plan, new.params) == ("market.2", {"level_pct": 40})
    town.dispatch.plans.stop("market")
    town.turn()
    assert town.row(new).state is State.REFUSED
    kinds = [entry["kind"] for entry in town.entries()]
    assert kinds.count("plan.signed") == 2
    assert kinds.count("plan.stopped") == 1


def test_a_scene_is_asked_whole_or_not_at_all(town: Town) -> None:
    town.dispatch.plans.put("market", "scene", "Marché", [dim("t-1", 30), dim("t-2", 30)], "chef")
    other = dict(TRUSTED.envelopes)
    other["t-2"] = replace(other["t-2"], version=9)  # its guard is behind
    town.trust.trusted = replace(TRUSTED, envelopes=other)
    town.dispatch.book.look()
    with pytest.raises(DeniedError) as error:
        town.dispatch.plans.run("market", "u1")
    assert error.value.denied.code == "guard_behind"
    rows = town.store.commands.commands(plan="market.1")
    assert {row.state for row in rows} == {State.CANCELLED}


def test_a_step_that_cannot_be_asked_is_an_alarm(town: Town) -> None:
    begin = ms("2026-11-24 21:59")
    town.clock.ms = begin  # long after the last status: the guard is silent
    step = dim(minute=1320, weekdays=EVERY_DAY)
    town.dispatch.plans.put("night", "schedule", "Nuit", [step], "chef")
    town.clock.ms += 61_000
    town.turn()
    assert "plan_missed" in town.rules()
    town.cabinet.tell()
    town.hear()
    town.settle(2)
    assert len(town.cabinet.moved) == 1
    assert any(f.rule == "commands.plan_missed" and not f.active for f in town.found)


# --- the table -----------------------------------------------------------------------------------
def test_only_a_receipt_makes_done_and_nothing_leaves_done() -> None:
    for (state, event), after in lifecycle.TABLE.items():
        if after is State.DONE:
            assert event == "did"
        assert state not in (State.DONE, State.FAILED)
        if state in FINAL:
            assert event in {"did", "failed", "declined", "outlived"}
        if after is State.CANCELLED:
            assert state in (State.REQUESTED, State.AWAITING, State.READY)


def test_every_state_can_end() -> None:
    ends = {state: {state} for state in State}
    for _ in State:
        for (state, _event), after in lifecycle.TABLE.items():
            ends[state] |= ends[after]
    for state in State:
        assert ends[state] & FINAL
    ours = {e for (s, e), a in lifecycle.TABLE.items() if s is State.SENT and a is State.UNKNOWN}
    assert ours == {"lost"}  # without any receipt it ends too
