"""The method: gates, proofs, freshness, two levels side by side, and what nobody can fake."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from beffroi import law
from beffroi.hub.maturity import platform
from beffroi.hub.maturity.advice import advice
from beffroi.hub.maturity.method import (
    DAY_MS,
    DEPLOYED,
    PILOT,
    PLAN,
    STAGES,
    Answer,
    Document,
    Initiative,
    Result,
    assess,
)

NOW = 20_000 * DAY_MS
FRESH = law.maturity().fresh_days
AXES = [axis.id for axis in law.maturity().axes]
DOC = Document("délibération 2026-12", NOW - 10 * DAY_MS)
OLD = Document("délibération 2023-01", NOW - (FRESH + 1) * DAY_MS)
FULL = Initiative(
    "i1", "Éclairage", ("environment",), "nuit trop éclairée", "capteurs", "syndicat", "deployed",
    NOW - 200 * DAY_MS, 1.0, "-20 %", "12 000 €", "adjoint", "syndicat", "-23 %", "", DOC,
)  # fmt: skip


def run(
    *initiatives: Initiative,
    answers: dict[str, Answer] | None = None,
    proven: dict[str, int] | None = None,
    checks: dict[str, bool] | None = None,
) -> Result:
    return assess(answers or {}, initiatives, proven or {}, checks or {}, AXES, NOW, FRESH)


def strategy(document: Document = DOC) -> dict[str, Answer]:
    return {"A1": Answer("A1", True, document)}


def test_a_small_commune_deploys_without_a_strategy() -> None:
    result = run(FULL)
    assert (result.strict, result.observed) == (0, DEPLOYED)
    assert result.axes == {axis: DEPLOYED if axis == "environment" else 0 for axis in AXES}
    assert advice(result, {})[0].effort_days <= 2
    assert run(FULL, answers=strategy()).strict == DEPLOYED  # two pages were missing


def test_what_is_only_said_raises_nothing() -> None:
    """An attack on one's own mayor: everything answered yes, nothing shown."""
    said = {q.id: Answer(q.id, True) for q in law.maturity().questions}
    result = run(replace(FULL, document=Document()), answers=said)
    assert (result.strict, result.observed, result.covered_axes) == (0, 0, 0)
    undated = replace(FULL, document=Document("pièce", 0))
    tomorrow = replace(FULL, document=Document("pièce", NOW + DAY_MS))
    blank = replace(FULL, document=Document("   ", NOW))
    assert run(undated, tomorrow, blank, answers=said).observed == 0


def test_the_three_gates_are_all_needed() -> None:
    for gate in ("problem", "means", "partners"):
        assert run(replace(FULL, **{gate: " "})).observed == 0  # type: ignore[arg-type]
    assert run(replace(FULL, axes=())).observed == 0


def test_a_document_that_is_too_old_costs_a_stage() -> None:
    result = run(replace(FULL, document=OLD))
    assert result.observed == DEPLOYED - 1
    assert result.judged[0].by == "stale"
    assert run(FULL, answers=strategy(OLD)).strict == 0


def test_a_stage_is_passed_by_its_test_not_by_its_word() -> None:
    assert run(replace(FULL, covered=0.9)).observed == PILOT
    assert run(replace(FULL, started_ms=NOW - 40 * DAY_MS)).observed == PILOT
    assert run(replace(FULL, started_ms=NOW - 10 * DAY_MS)).observed == PLAN
    assert run(replace(FULL, started_ms=NOW + DAY_MS)).observed == PLAN
    assert run(replace(FULL, stage="idea")).observed == 0
    assert run(replace(FULL, operator="", stage="deployed")).observed == PILOT


def test_the_platform_goes_before_what_is_declared() -> None:
    claimed = replace(FULL, rule="lamps")
    assert run(claimed, proven={"lamps": 0}).observed == 0  # it measured, and it is not so
    bare = Initiative("i2", "x", ("mobility",), "a", "b", "c", "idea", rule="bays")
    assert run(bare, proven={"bays": PILOT}).observed == PILOT
    assert run(proven={"bays": PILOT}).observed == 0  # nobody answered the three questions
    assert run(proven={"bays": PILOT}).unattached == ["bays"]


def test_vigilance_stays_apart() -> None:
    good = dict.fromkeys(("S2", "S3", "S4", "S5", "S6", "S7", "S8", "A7"), True)
    assert (run(checks=good).grade, run(checks=good).observed) == ("A", 0)
    assert run(FULL, checks=dict.fromkeys(good, False)).grade == "E"
    assert run(FULL).observed == run(FULL, checks=good).observed
    assert run().grade == "E"  # nothing known is not good


documents = st.builds(Document, st.sampled_from(["", "d"]), st.integers(0, NOW + 100 * DAY_MS))
sheets = st.builds(
    Initiative,
    st.just("i"),
    st.just("n"),
    st.lists(st.sampled_from(AXES), max_size=3).map(tuple),
    *[st.sampled_from(["", "x"])] * 3,
    st.sampled_from(sorted(STAGES)),
    st.integers(0, NOW + DAY_MS),
    st.floats(0, 1),
    *[st.sampled_from(["", "x"])] * 5,
    st.sampled_from(["", "bays", "lamps"]),
    documents,
)
replies = st.dictionaries(
    st.sampled_from(["A1", "A3", "A7"]),
    st.builds(lambda y, d: Answer("q", y, d), st.booleans(), documents),
)
proven = st.dictionaries(st.sampled_from(["bays", "lamps"]), st.sampled_from([0, PILOT, DEPLOYED]))


def no_lower(before: Result, after: Result) -> None:
    assert after.strict >= before.strict
    assert after.observed >= before.observed
    assert all(after.axes[axis] >= before.axes[axis] for axis in AXES)


@given(st.lists(sheets, max_size=4), replies, proven, sheets)
def test_more_proof_never_lowers(
    given_sheets: list[Initiative],
    answers: dict[str, Answer],
    found: dict[str, int],
    more: Initiative,
) -> None:
    before = run(*given_sheets, answers=answers, proven=found)
    assert 0 <= before.strict <= before.observed <= DEPLOYED
    no_lower(before, run(*given_sheets, more, answers=answers, proven=found))
    raised = {rule: min(DEPLOYED, stage + 1) for rule, stage in found.items()}
    no_lower(before, run(*given_sheets, answers=answers, proven=raised))
    shown = {q: replace(a, yes=True, document=DOC) for q, a in answers.items()}
    no_lower(before, run(*given_sheets, answers=answers | shown | strategy(), proven=found))
    renewed = [replace(one, document=DOC) for one in given_sheets]
    no_lower(before, run(*renewed, answers=answers, proven=found))


@given(st.lists(sheets, max_size=4), replies, st.integers(0, 3_000))
def test_time_alone_never_raises_a_proof_that_is_complete(
    given_sheets: list[Initiative], answers: dict[str, Answer], days: int
) -> None:
    """Sheets that started long ago: later, documents are only older."""
    old = [
        replace(one, started_ms=min(one.started_ms, NOW - 100 * DAY_MS),
                document=replace(one.document, day_ms=min(one.document.day_ms, NOW)))
        for one in given_sheets
    ]  # fmt: skip
    past = {
        q: replace(a, document=replace(a.document, day_ms=min(a.document.day_ms, NOW)))
        for q, a in answers.items()
    }
    now = run(*old, answers=past)
    then = assess(past, old, {}, {}, AXES, NOW + days * DAY_MS, FRESH)
    no_lower(then, now)


def test_every_rule_of_the_law_is_judged() -> None:
    assert set(platform.RULES) == {rule.id for rule in law.maturity().rules}
