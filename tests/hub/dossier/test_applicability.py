"""Which obligations bind a commune: thresholds, unknowns, and doubt that is never hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi import law
from beffroi.hub.dossier.applicability import RULES, Applies, Situation, answers, situation_of
from beffroi.ports.registers import Record

SOME = st.one_of(st.none(), st.booleans())
COUNTS = st.one_of(st.none(), st.integers(0, 2_000_000))
SITUATIONS = st.builds(Situation, COUNTS, COUNTS, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME)


def answer(name: str, situation: Situation) -> Applies:
    return next(a.applies for a in answers(law.obligations(), situation) if a.obligation.id == name)


def test_every_obligation_has_a_rule_and_no_rule_is_dead() -> None:
    assert {one.id for one in law.obligations()} == set(RULES)


@given(SITUATIONS)
def test_one_answer_for_each_with_a_reason_and_its_doubt(situation: Situation) -> None:
    found = answers(law.obligations(), situation)
    assert [a.obligation for a in found] == list(law.obligations())
    assert all(a.why for a in found)
    assert all(a.doubt for a in found if not a.obligation.verified)


@pytest.mark.parametrize(
    ("people", "staff", "expected"),
    [
        (3_499, 900, Applies.NO),
        (3_500, 50, Applies.YES),
        (3_500, 49, Applies.NO),
        (9_000, None, Applies.UNKNOWN),
        (None, 49, Applies.NO),
        (None, None, Applies.UNKNOWN),
    ],
)
def test_open_data_needs_both_thresholds(
    people: int | None, staff: int | None, expected: Applies
) -> None:
    assert answer("CRPA-OPENDATA", Situation(people, staff)) is expected


@pytest.mark.parametrize("name", ["CGCT-L2212-2", "DEN", "CP-121-3", "RGAA", "RGPD-33-34"])
@given(situation=SITUATIONS)
def test_what_binds_everybody_never_depends(name: str, situation: Situation) -> None:
    assert answer(name, situation) is Applies.YES


def test_what_nobody_said_is_unknown_never_no() -> None:
    for name in ("LOPMI-72H", "NIS2", "CSI-VIDEO", "FPS", "PCS", "EAU-D2224", "CGCT-L2213-1"):
        assert answer(name, Situation()) is Applies.UNKNOWN


def test_roads_handed_over_move_the_police_of_traffic() -> None:
    moved = Situation(800, roads_moved=True)
    assert answer("CGCT-L2213-1", moved) is Applies.NO
    assert answer("CGCT-L5211-9-2", moved) is Applies.YES
    assert answer("CGCT-L2212-2", moved) is Applies.YES


def test_the_register_is_read_and_an_erased_line_says_nothing() -> None:
    facts = {"staff_fte": 12, "insured": "yes", "nis2": "unknown"}
    line = Record("a", "situation", "", "declared", 1, "u", facts, 3)
    assert situation_of(800, line) == Situation(800, 12, insured=True)
    assert situation_of(0, Record("a", "situation", "", "declared", 1, erased=True)) == Situation()
