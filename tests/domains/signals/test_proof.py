"""T1: whatever comes in, second by second, no rule of the lamps is broken; and every seeded bug of
a controller is found, with a trace that a person can read."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domains.signals.small import any_junction, cross

from beffroi.domains import signal_law as law
from beffroi.domains.signal_controller import (
    FAULT,
    FLASH,
    FLASHING,
    GREEN,
    RED,
    Controller,
    Given,
    cycle_s,
)
from beffroi.domains.signal_junction import PEDESTRIAN, Group, JunctionError, Plan, Stage
from beffroi.domains.signal_observer import Observer
from beffroi.domains.signal_proof import explore, prove, story
from beffroi.lab.broken_controllers import BUGS
from beffroi.lab.formal import FormalError, opinion
from beffroi.lab.junctions import random_legs, signalled


def test_a_sound_junction_is_proven_against_every_input() -> None:
    made = cross()
    proof = prove(made)
    assert proof.holds
    assert proof.states > 100
    # nothing was left out: each state was tried with each order and each event on the spot
    assert proof.transitions == proof.states * len(Controller(made).inputs())
    assert len(Controller(made).inputs()) == (3 + len(made.plans) + 1) * 3


def test_no_state_is_left_out() -> None:
    """Counted again without any short cut."""
    made = cross()
    machine, observer = Controller(made), Observer(made)
    start = machine.first()
    todo = [(start, observer.first(start.lamps))]
    seen = set(todo)
    while todo:
        state, shown = todo.pop()
        for given_ in machine.inputs():
            after = machine.step(state, given_)
            node = (after, observer.look(shown, after.lamps)[0])
            if node not in seen:
                seen.add(node)
                todo.append(node)
    assert prove(made).states == len(seen)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_seeded_bug_is_found_and_told(bug: type[Controller]) -> None:
    made = cross()
    proof = explore(bug(made), made)
    assert proof.wrong is not None
    assert proof.wrong.rule == BUGS[bug]
    # the trace is a run of that controller: playing it again gives the same lamps
    machine = bug(made)
    state = machine.first()
    for moment in proof.trace[1:]:
        state = machine.step(state, moment.given)
        assert state.lamps == moment.lamps
    told = story(made, proof)
    assert told[-1].fr.startswith("=> ")
    assert told[-1].en != told[-1].fr


def test_the_trace_is_a_shortest_one_in_words() -> None:
    made = cross(plans={1: Plan("", (Stage(frozenset({0, 1}), 10), Stage(frozenset({2}), 6)))})
    proof = prove(made)
    assert proof.wrong is not None
    assert proof.wrong.rule == "wait"  # the interlock holds; the plan starves one road
    assert "Est-Ouest attend plus de 120 s" in story(made, proof)[-1].fr
    assert "Est-Ouest waits for more than 120 s" in story(made, proof)[-1].en


def test_a_plan_that_makes_somebody_wait_is_refused_at_the_second() -> None:
    """Red of the side road: the main stage, six seconds, ambers and clearances around them."""
    ok = next(green for green in range(110, 20, -1) if prove(cross(plans=_only(green))).holds)
    assert not prove(cross(plans=_only(ok + 1))).holds
    assert opinion(cross(plans=_only(ok))).holds
    assert not opinion(cross(plans=_only(ok + 1))).holds


def _only(main_s: int) -> dict[int, Plan]:
    stages = (Stage(frozenset({0, 2}), main_s), Stage(frozenset({0}), 6), Stage(frozenset({1}), 8))
    return {1: Plan("", stages)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.data())
def test_no_run_of_inputs_breaks_a_rule(seed: int, data: st.DataObject) -> None:
    """The same promise without the explorer: long random runs, judged second by second."""
    rng = random.Random(seed)
    made = signalled(rng, "j", "", random_legs(rng))
    machine, observer = Controller(made), Observer(made)
    state = machine.first()
    seen = observer.first(state.lamps)
    inputs = st.sampled_from([*machine.inputs(), *[Given()] * 40])
    for given_ in data.draw(st.lists(inputs, min_size=50, max_size=300)):
        state = machine.step(state, given_)
        seen, wrong = observer.look(seen, state.lamps)
        assert wrong is None


def test_a_fault_stays_until_somebody_comes_and_flashing_goes_on_request() -> None:
    machine = Controller(cross())
    state = machine.step(machine.first(), Given(site="fault"))
    for given_ in [one for one in machine.inputs() if one.site != "reset"]:
        state = machine.step(state, given_)
        assert (state.mode, set(state.lamps)) == (FAULT, {FLASH})
    state = machine.step(state, Given(site="reset"))
    assert set(state.lamps) == {RED}
    shown = set()
    for _ in range(40):
        state = machine.step(state, Given())
        shown |= set(state.lamps)
    assert GREEN in shown
    state = machine.step(state, Given("flash"))
    assert state.mode == FLASHING
    state = machine.step(state, Given("local"))
    assert set(state.lamps) == {RED}


def test_a_plan_changes_at_the_end_of_the_cycle_only() -> None:
    machine = Controller(cross())
    state = machine.first()
    for _ in range(30):
        state = machine.step(state, Given())
    running = state.plan
    state = machine.step(state, Given("plan", 2))
    seen = []
    while state.plan == running:
        seen.append(state.stage)
        state = machine.step(state, Given())
    assert seen[-1] == 2  # the last stage was served
    assert (state.plan, state.stage) == (2, 0)
    # 20 s with pedestrians and 6 s without; amber 3 and clearance 2; 8 s; amber 3 and the longer
    # of 2 s to vehicles and 1 s to pedestrians
    assert cycle_s(machine, 1) == 20 + 6 + 3 + 2 + 8 + 3 + 2


def test_amber_and_clearance_follow_from_law_and_distance() -> None:
    assert (Group("a").amber_s, Group("a", speed_kmh=70).amber_s) == (3, 5)
    assert Group("p", PEDESTRIAN).amber_s == 0
    assert Group("p", PEDESTRIAN).clear_s(71) == 8  # 7.1 m at 1 m/s
    assert Group("a").clear_s(150) == 2  # 15 m at 10 m/s
    assert Group("a", speed_kmh=18).clear_s(150) == 3  # slower than the rule's 10 m/s: 5 m/s
    assert cross().start_s == 7 + 3
    assert (law.GREEN_S_MIN, law.WAIT_S_MAX) == (6, 120)


@pytest.mark.parametrize(
    "change",
    [
        {"conflicts": {(0, 1): 150}},  # one way only
        {"conflicts": {(0, 0): 150}},
        {"conflicts": {(0, 7): 1, (7, 0): 1}},
        {"conflicts": {(0, 1): 0, (1, 0): 10}},
        {"local": 9},
        {"plans": {}},
        {"plans": {1: Plan("", ())}},
        {"plans": {1: Plan("", (Stage(frozenset({9}), 9),))}},
        {"plans": {1: Plan("", (Stage(frozenset({0}), 111),))}},
        {"groups": (Group("a"), Group("a"))},
    ],
)
def test_data_that_do_not_hold_together_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(JunctionError):
        cross(**change)


def test_the_digest_covers_whatever_a_proof_depends_on() -> None:
    made = cross()
    others = [
        cross(local=2),
        cross(conflicts={**made.conflicts, (0, 1): 151, (1, 0): 130}),
        cross(plans={**made.plans, 3: made.plans[2]}),
        cross(groups=(Group("Nord-Sud", speed_kmh=70), *made.groups[1:])),
    ]
    assert len({made.digest, *(one.digest for one in others)}) == 5
    assert cross().digest == made.digest
    assert cross(name="other").digest == made.digest  # a name moves no lamp


def test_a_junction_too_large_to_explore_is_not_proven() -> None:
    proof = explore(Controller(cross()), cross(), states_max=50)
    assert (proof.holds, proof.whole, proof.wrong) == (False, False, None)


# --- the second prover ---------------------------------------------------------------------------
def test_two_provers_agree_on_many_random_junctions() -> None:
    pytest.importorskip("z3", reason="the second prover is in the extra `formal`")
    verdicts = []
    for seed in range(60):
        made = any_junction(random.Random(seed))
        proof, told = prove(made), opinion(made)
        assert proof.holds == told.holds, (seed, told, story(made, proof))
        verdicts.append(proof.holds)
    assert 5 < sum(verdicts) < 55  # both answers were asked for


def test_z3_is_not_needed_by_anything_else() -> None:
    code = (
        "import sys; sys.modules['z3'] = None\n"
        "from beffroi.lab.formal import opinion, FormalError\n"
        "from beffroi.lab.junctions import signalled, random_legs\n"
        "from beffroi.domains.signal_proof import prove\n"
        "import random; r = random.Random(1)\n"
        "made = signalled(r, 'j', '', random_legs(r)); assert prove(made).holds\n"
        "try: opinion(made)\n"
        "except FormalError as error: assert 'make setup' in str(error)\n"
        "else: raise SystemExit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    assert issubclass(FormalError, Exception)
