"""The rules of reports: every action from every state, dangers, duplicates, figures, places."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.registry import domains
from beffroi.hub.reports import danger, figures, lifecycle, nearby, places, sent
from beffroi.hub.reports.lifecycle import TABLE, Refused, ReportAct, decide
from beffroi.model.asset import Asset, Commune, Label
from beffroi.model.report import Report, ReportState, Topic

HOUR, DAY = 3_600_000, 86_400_000
TOPIC = Topic(Label("a", "a"), Label("b", "b"), Label("c", "c"))
HERE = Report("r1", "hole", ReportState.RECEIVED, 1_000, 1_000, 2.5, 50.1, subject="s")


def act(action: str, **kw: object) -> ReportAct:
    full = {"text": "mots", "target": "r2", "at_ms": 2_000, "deadline_ms": 9_000, "lon": 1.0}
    return ReportAct(action, "u-1", 5_000, **{**full, "lat": 2.0, **kw})  # type: ignore[arg-type]


@pytest.mark.parametrize("action", TABLE)
@pytest.mark.parametrize("state", ReportState)
def test_only_the_table_decides_what_is_possible(state: ReportState, action: str) -> None:
    report = replace(HERE, state=state, danger=action == "safe", deadline_ms=5)
    outcome = decide(report, act(action))
    assert isinstance(outcome, Refused) is (state not in TABLE[action][0])
    if not isinstance(outcome, Refused):
        assert outcome.report.version == report.version + 1
        assert outcome.event.version == outcome.report.version
        assert outcome.report.state is (TABLE[action][1] or state) or state is ReportState.CLOSED


steps = st.lists(
    st.tuples(st.sampled_from(sorted(TABLE)), st.sampled_from(["", "mots"])), max_size=20
)


@given(steps)
def test_a_danger_is_never_closed_before_it_is_safe_or_none(course: list[tuple[str, str]]) -> None:
    report = replace(HERE, danger=True, danger_why="topic", deadline_ms=9_000)
    for action, text in course:
        outcome = decide(report, act(action, text=text))
        report = report if isinstance(outcome, Refused) else outcome.report
        if report.state is ReportState.CLOSED:
            assert not report.unsafe


def test_closing_asks_first_when_it_was_made_safe() -> None:
    open_danger = replace(HERE, state=ReportState.ACCEPTED, danger=True, deadline_ms=9_000)
    refused = decide(open_danger, act("close"))
    assert isinstance(refused, Refused)
    assert refused.code == "unsafe"
    for way in ("safe", "no_danger"):
        after = decide(open_danger, act(way))
        assert not isinstance(after, Refused)
        assert not isinstance(decide(after.report, act("close")), Refused)


@given(steps)
def test_the_first_answer_is_kept_for_good(course: list[tuple[str, str]]) -> None:
    report, first = HERE, 0
    for n, (action, text) in enumerate(course):
        outcome = decide(report, replace(act(action, text=text), now_ms=5_000 + n))
        report = report if isinstance(outcome, Refused) else outcome.report
        first = first or report.first_answer_ms
        assert report.first_answer_ms == first


def test_a_time_of_safety_is_between_reception_and_now() -> None:
    risky = replace(HERE, danger=True, deadline_ms=9_000)
    for at_ms in (0, 999, 5_001):
        assert isinstance(decide(risky, act("safe", at_ms=at_ms)), Refused)
    assert not isinstance(decide(risky, act("safe", at_ms=1_000)), Refused)


def test_the_report_that_goes_on_takes_over_the_earlier_deadline() -> None:
    double = replace(HERE, id="r2", danger=True, deadline_ms=4_000, supports=2)
    calm = lifecycle.absorbed(HERE, double, act("merge")).report
    assert (calm.danger, calm.deadline_ms, calm.supports) == (True, 4_000, 3)
    later = replace(HERE, danger=True, deadline_ms=3_000)
    assert lifecycle.absorbed(later, double, act("merge")).report.deadline_ms == 3_000


def test_words_of_an_author_are_in_no_event() -> None:
    for action in ("publish", "add"):
        outcome = decide(replace(HERE, state=ReportState.ACCEPTED), act(action, text="chez Anne"))
        assert not isinstance(outcome, Refused)
        assert outcome.event.text == ""


@pytest.mark.parametrize(
    "text",
    ["Des fils dénudés !", "Ça sent le gaz", "Un enfant s’est BLESSÉ", "odeur de gaz", "bare wires",
     "L’arbre va tomber", "Trou béant", "c’est dangereux"],
)  # fmt: skip
def test_words_of_danger(text: str) -> None:
    assert danger.judge(TOPIC, text, 1_000) == (True, "words", 1_000 + 24 * HOUR)


@pytest.mark.parametrize("text", ["Lampe éteinte", "Feu tricolore sale", "Le banc est tagué", ""])
def test_ordinary_words(text: str) -> None:
    assert danger.judge(TOPIC, text, 1_000) == (False, "", 0)


def test_every_topic_says_what_it_means_and_dangers_have_a_deadline() -> None:
    topics = domains()["participation"].topics
    risky = [one for one in topics.values() if one.danger_h]
    assert len(topics) > 10
    assert all(0 < one.danger_h <= 24 for one in risky)
    assert danger.judge(topics["wires"], "", 0).deadline_ms == 2 * HOUR


def test_a_report_near_of_the_same_topic_and_lately_is_proposed() -> None:
    metre = 1 / nearby.METRES_PER_DEGREE
    some = [
        replace(HERE, id="far", lat=50.1 + 61 * metre),
        replace(HERE, id="near", lat=50.1 + 30 * metre),
        replace(HERE, id="other", topic="lamp"),
        replace(HERE, id="old", received_ms=1_000 - 46 * DAY),
        replace(HERE, id="no", state=ReportState.REJECTED),
        replace(HERE, id="asset", lat=None, lon=None, asset="lamp-1"),
    ]
    found = nearby.likely(some, "hole", (2.5, 50.1), "lamp-1", 1_000)
    assert [one.report.id for one in found] == ["asset", "near"]


@given(st.floats(-180, 180), st.floats(-85, 85), st.floats(0, 360), st.floats(0, 59))
def test_the_box_holds_the_circle(lon: float, lat: float, angle: float, apart: float) -> None:
    from math import cos, radians, sin

    box = nearby.box_around(lon, lat)
    dy = apart * cos(radians(angle)) / nearby.METRES_PER_DEGREE
    dx = apart * sin(radians(angle)) / nearby.METRES_PER_DEGREE / cos(radians(lat + dy))
    assert box.south <= lat + dy <= box.north
    assert box.west <= lon + dx <= box.east


def test_figures_count_what_still_waits() -> None:
    safe = replace(HERE, danger=True, deadline_ms=1_000 + 2 * HOUR, safe_ms=1_000 + HOUR)
    waits = replace(HERE, id="r2", danger=True, deadline_ms=1_000 + HOUR)
    told = replace(HERE, id="r3", first_answer_ms=1_000 + 2 * DAY, state=ReportState.ANSWERED)
    double = replace(HERE, id="r4", state=ReportState.DUPLICATE, danger=True)
    made = figures.figures([safe, waits, told, double], 1_000 + 10 * HOUR)
    assert (made.received, made.dangers, made.safe, made.unsafe, made.in_time) == (3, 2, 1, 1, 1)
    assert made.safe_h_p90 == 10.0, "the danger that waits is in the figure"
    assert made.answer_days_mean == 2.0
    assert figures.figures([], 0).answer_days_mean is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_occurred(values: list[float], percent: int) -> None:
    found = figures.percentile(values, percent)
    assert found in values
    assert sum(v <= found for v in values) * 100 >= percent * len(values)


def test_a_place_is_found_by_street_with_a_number_or_by_the_number_on_the_pole() -> None:
    lamp = Asset("l1", "x", "luminaire", "Lampadaire 0042, rue Haute", 2.0, 50.0)
    line = {"type": "LineString", "coordinates": [[1, 1], [2.5, 50.5], [3, 3]]}
    street = {"geometry": line, "properties": {"class": "street", "name": "rue des Lilas"}}
    pipe = {"geometry": line, "properties": {"class": "pipe", "name": "rue des Lilas bis"}}
    bad = {"geometry": None, "properties": {"class": "street", "name": "rue cassée"}}
    ground = {"features": [street, pipe, bad]}
    assert places.find("12 rue des Lilas", [lamp], ground) == [
        places.Spot("rue des Lilas", 2.5, 50.5)
    ]
    assert places.find("0042", [lamp], ground)[0].asset == "l1"
    assert places.find("rue de la", [lamp], ground) == []


@given(st.text(max_size=300))
def test_an_address_that_passes_cannot_end_a_header(text: str) -> None:
    if sent.is_address(text):
        assert text.isprintable()
        assert not set(text) & set(' ,;:<>"\r\n')
    assert not sent.is_address("a@b.fr\nBcc: c@d.fr")
    assert sent.is_address("jeanne.dupont+mairie@exemple.fr")


@given(st.text(max_size=200))
def test_what_is_kept_can_be_seen_and_stored(text: str) -> None:
    clean = sent.visible(text)
    assert all(c == "\n" or c.isprintable() for c in clean)
    clean.encode()


def test_a_place_outside_the_commune_is_refused() -> None:
    town = Commune("c", "Aubigny", 800, 2.5, 50.1)
    good = sent.Sent("hole", "Trou", lon=2.5, lat=50.1)
    assert sent.checked(good, {"hole": TOPIC}, town) == good
    far = sent.checked(replace(good, lon=5.0), {"hole": TOPIC}, town)
    assert isinstance(far, Refused)
    assert far.code == "far"
