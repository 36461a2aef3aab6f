"""A line with data cites; one without says that it is not proven; editions count what they hide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.dossier.kit import DAY_MS, Town

from beffroi.hub.dossier.books import WHOLE, Book, Field
from beffroi.hub.dossier.lines import (
    Calendar,
    Cite,
    Edition,
    Line,
    LineError,
    Reach,
    Section,
    cited,
    counted,
    for_edition,
    missing,
    proven,
    share,
)
from beffroi.hub.dossier.paper import paper_section
from beffroi.hub.dossier.registers import RegisterError, read_fields
from beffroi.hub.dossier.sections import build
from beffroi.model.alarm import Decision, DecisionKind
from beffroi.model.asset import Label
from beffroi.model.finding import Severity

CITES = st.lists(
    st.builds(Cite, st.just("alarm"), st.text(max_size=4), st.just(0), st.integers(-1, 9))
)
LINES = st.builds(
    Line, st.text(max_size=9), CITES.map(tuple), st.just(""), st.sampled_from(list(Reach))
)
SECTIONS = st.builds(Section, st.just(1), st.just("x"), st.lists(LINES).map(tuple))
WHEN = Calendar("Europe/Paris")


def test_a_claim_without_a_citation_cannot_be_made() -> None:
    with pytest.raises(LineError):
        proven("tout va bien")
    assert not missing("x").is_proven
    assert not counted("0 sur 0", []).is_proven


@given(SECTIONS)
def test_the_paper_shows_citations_exactly_where_there_are_some(section: Section) -> None:
    shown = paper_section(section, WHEN)
    for line, kept in zip(section.lines, shown.lines, strict=True):
        assert bool(kept.cites) == line.is_proven


@given(SECTIONS)
def test_an_edition_leaves_out_what_it_may_not_tell_and_counts_it(section: Section) -> None:
    for edition, hidden in (
        (Edition.PUBLIC, {Reach.INSIDE, Reach.SEALED}),
        (Edition.INTERNAL, {Reach.SEALED}),
        (Edition.SEALED, set()),
    ):
        kept = for_edition(section, edition)
        assert not hidden & {line.reach for line in kept.lines}
        assert len(kept.lines) + kept.withheld == len(section.lines)
        assert bool(paper_section(kept, WHEN).note) == bool(kept.withheld)


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_a_share_is_one_of_the_values(values: list[float]) -> None:
    assert share(values, 0.5) in values
    assert share(values, 0.5) <= share(values, 0.9) <= max(values)
    for part in (0.5, 0.9):
        assert sum(one <= share(values, part) for one in values) >= part * len(values)
        assert sum(one < share(values, part) for one in values) < part * len(values)


@pytest.mark.parametrize(
    ("text", "fits"), [("12", True), ("0" * 16 + "9" * 40, False), ("9" * 14, False), ("1x", False)]
)
def test_whole_numbers_are_bounded_however_they_are_written(text: str, fits: bool) -> None:
    book = Book("b", Label("b", "b"), Label("b", "b"), (Field("n", Label("n", "n"), WHOLE),))
    if fits:
        assert read_fields(book, {"n": text}) == {"n": int(text)}
    else:
        with pytest.raises(RegisterError):
            read_fields(book, {"n": text})


def test_the_fourteen_sections_of_an_empty_and_of_a_living_commune(town: Town) -> None:
    empty = build(town.office.sections(town.year)[0])
    assert [section.n for section in empty] == list(range(14))
    assert all(section.lines for section in empty)
    alarm = town.alarm()
    town.alarm(Severity.WARNING)
    town.clock.ms += DAY_MS
    town.desk.act(
        alarm.id, "decide", "u1", town.clock.ms,
        decision=Decision(DecisionKind.TREAT, "u1", town.clock.ms + 9 * DAY_MS, "pièce commandée"),
    )  # fmt: skip
    town.ledger.follow(alarm.id)
    facts, sections = town.office.sections(town.year)
    risk = " ".join(line.text for line in sections[4].lines)
    assert "0 alarme grave sans décision sur 1" in risk
    assert "traiter" in risk
    assert "un administrateur" in risk  # an account is told by its role, never by its name
    everything = " ".join(line.text for s in sections for line in s.lines)
    assert "Camille" not in everything
    entries = cited(sections)
    assert entries
    assert all(0 <= entry < town.log.checkpoint().size for entry in entries)
    assert facts.log is not None


def test_a_declared_line_is_cited_and_a_year_without_is_not_proven(town: Town) -> None:
    before = town.office.sections(town.year)[1][2]
    assert any(not line.is_proven and line.head == "Moyens" for line in before.lines)
    given_ = {
        "budget_eur": "48000", "it_budget_eur": "4200", "staff_fte": "3",
        "difficulties": "Relief, réseau ancien", "document": "BP 2026",
    }  # fmt: skip
    line = town.office.registers.declare("means", "2026", given_, "u1")
    town.clock.ms += 1
    after = town.office.sections(town.year)[1][2]
    found = next(one for one in after.lines if one.head == "2026")
    assert "48\u202f000" in found.text
    assert found.cites[0].entry == line.entry >= 0
