"""The rules of `decide`, one by one: an example, a property, an attack, and where the border runs.

`examples.RULES` says which reasons belong to which rule; the three tables have one entry each for
every reason, and the first tests here see that none is missing.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kernel.attacks import ALSO_REFUSED, ATTACKS
from tests.kernel.examples import EXAMPLES, RULES, SAME_THING, borders
from tests.kernel.properties import PROPERTIES
from tests.kernel.world import SHAPES, STATE, TANK, TARGET, Trial, trial

from beffroi.kernel import decide as judge
from beffroi.kernel.envelope import Case, Condition
from beffroi.kernel.limits import SENTENCE_CHARS_MAX
from beffroi.kernel.state import State, TargetState
from beffroi.kernel.verdict import Accepted, Reason, Refused

BORDERS = borders(trial)
RULE_OF = {reason: number for number, reasons in RULES.items() for reason in reasons}
ALL_ATTACKS = [(reason, name) for reason, tries in ATTACKS.items() for name in tries]
EXAMPLE_PAIRS = [
    (first, second)
    for first, second in itertools.combinations(EXAMPLES, 2)
    if EXAMPLES[first][0] == EXAMPLES[second][0]
    and not any({first, second} <= together for together in SAME_THING)
]


def named(reason: Reason) -> str:
    return f"rule{RULE_OF[reason]}-{reason}"


def refused(one: Trial) -> Refused:
    verdict = one.verdict()
    assert isinstance(verdict, Refused), "accepted"
    assert verdict.detail
    assert len(verdict.detail) <= SENTENCE_CHARS_MAX
    assert verdict.detail.isprintable(), "it goes into logs and onto terminals"
    return verdict


def test_every_reason_has_a_rule_an_example_a_property_and_an_attack() -> None:
    assert [r for reasons in RULES.values() for r in reasons] == list(Reason), "in this order"
    assert set(EXAMPLES) == set(PROPERTIES) == set(ATTACKS) == set(Reason)
    assert all(ATTACKS.values())


def test_the_docstring_of_the_judge_has_the_same_rules() -> None:
    numbers = re.findall(r"^ ?(\d+)\. ", judge.__doc__ or "", re.MULTILINE)
    assert [int(n) for n in numbers] == list(RULES)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_valid_command_of_each_shape_is_accepted(shape: str) -> None:
    one = trial(shape)
    said = one.accepted()
    action = one.known.envelopes[TARGET].actions[one.command.action]
    assert said.command == one.command
    assert {m.person for m in said.approvers} == set(one.by) - {"hub"}
    assert said.break_glass == ("sealed" in one.by)
    assert said.safe == action.cases[0].safe
    new = said.state.of(TARGET)
    assert (new.epoch, new.counter) == (2, 11)
    (effect,) = new.effects
    assert (effect.at_ms, effect.action, effect.safe) == (
        one.known.now_ms,
        one.command.action,
        said.safe,
    )
    assert one.known.state == STATE, "what was known before is not touched"


@pytest.mark.parametrize("reason", Reason, ids=named)
def test_example(reason: Reason) -> None:
    shape, spoil = EXAMPLES[reason]
    assert refused(spoil(trial(shape))).reason == reason


@pytest.mark.parametrize("reason", Reason, ids=named)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_property(reason: Reason, data: st.DataObject) -> None:
    assert refused(data.draw(PROPERTIES[reason])).reason == reason


@pytest.mark.parametrize(("reason", "name"), ALL_ATTACKS, ids=str)
def test_attack(reason: Reason, name: str) -> None:
    assert refused(ATTACKS[reason][name]).reason == reason


@pytest.mark.parametrize("name", ALSO_REFUSED)
def test_also_refused(name: str) -> None:
    refused(ALSO_REFUSED[name])


@pytest.mark.parametrize("border", BORDERS, ids=lambda b: b[0])
def test_border(border: tuple[str, Reason, Trial, Trial]) -> None:
    _, reason, beyond, within = border
    assert refused(beyond).reason == reason
    within.accepted()


@pytest.mark.parametrize(("first", "second"), EXAMPLE_PAIRS)
def test_of_two_faults_the_first_is_named(first: Reason, second: Reason) -> None:
    shape = EXAMPLES[first][0]
    spoilt = EXAMPLES[first][1](EXAMPLES[second][1](trial(shape)))
    assert refused(spoilt).reason == first


def test_a_refusal_names_the_command_once_it_can_be_read() -> None:
    early = {Reason.TOO_LARGE, Reason.UNREADABLE, Reason.NOT_A_COMMAND}
    for reason, (shape, spoil) in EXAMPLES.items():
        spoilt = spoil(trial(shape))
        expected = None if reason in early else spoilt.command
        assert refused(spoilt).command == expected


def test_an_accepted_command_is_refused_the_second_time() -> None:
    for shape in SHAPES:
        one = trial(shape)
        again = one.where(state=one.accepted().state)
        assert refused(again).reason == Reason.REPLAYED


def test_the_last_size_that_is_read() -> None:
    for size, reason in ((16_384, Reason.UNREADABLE), (16_385, Reason.TOO_LARGE)):
        padded = replace(trial(), mangle=lambda wire, size=size: wire.ljust(size, b"\0"))
        assert refused(padded).reason == reason


def test_a_full_memory_still_knows_its_own_targets() -> None:
    others = {f"x{n}": TargetState() for n in range(999)}
    full = State({**others, TARGET: TargetState(2, 10)})
    assert len(trial().where(state=full).accepted().state.targets) == 1_000


def chosen(*cases: Case, by: tuple[str, ...] = ("hub", "clerk", "engineer")) -> Accepted:
    one = replace(trial("C"), by=by).says(params={}).acts("set", cases=cases, slew=())
    return one.accepted()


def test_the_mildest_case_that_holds_decides() -> None:
    a, b, c = Case("A"), Case("B"), Case("C")
    safe = Case("C", safe=True)
    empty = Condition("tank_pct", ((0, 10),), 60_000)
    assert [chosen(*some).klass for some in ((a, b, c), (c, b, a), (c, b), (b, c), (c,))] == (
        ["A", "A", "B", "B", "C"]
    )
    assert chosen(a, safe).safe, "the safe direction first"
    assert chosen(safe, a).safe
    assert chosen(replace(a, conditions=(empty,)), b).klass == "B", "whose conditions hold"
    assert chosen(b, replace(a, conditions=(TANK,))).klass == "A"
    assert chosen(a, b, c, by=("hub",)).klass == "A", "persons follow the case"


def test_all_conditions_of_a_case_hold() -> None:
    empty = Condition("tank_pct", ((0, 10),), 60_000)
    for conditions in ((TANK, empty), (empty, TANK)):
        one = trial("C").says(params={})
        spoilt = one.acts("set", cases=(Case("A", conditions=conditions),), slew=())
        assert refused(spoilt).detail == "tank_pct does not permit it, or is unknown"
    two = Condition("tank_pct", ((0, 10), (40, 60)), 60_000)
    assert chosen(Case("A", conditions=(TANK, two))).klass == "A"


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=400))
def test_whatever_comes_the_judge_answers(raw: bytes) -> None:
    assert isinstance(judge.decide(raw, trial().known), Accepted | Refused)
