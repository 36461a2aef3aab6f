"""Figures of the hub itself: alarms that wait, secrets, reports, stops, entered figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.indicators.town import NOW, SPAN, Town

from beffroi.hub.indicators import uptime
from beffroi.hub.indicators.entries import EntryError
from beffroi.hub.indicators.public import public
from beffroi.hub.indicators.uptime import Uptime, alive, out_of_service
from beffroi.model.alarm import Decision, DecisionKind
from beffroi.model.asset import Device
from beffroi.model.finding import Severity
from beffroi.model.limits import UPTIME_HOLE_S
from beffroi.model.measure import DAY_MS, Measured, Span
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState


def test_alarms_that_nobody_decided(town: Town) -> None:
    old = (NOW - SPAN.start_ms) / 3_600_000
    town.alarm("x.y", "a", old - 25, None, severity=Severity.GRAVE)
    town.alarm("x.y", "b", old - 23, None, severity=Severity.GRAVE)
    town.alarm("x.y", "c", old - 8 * 24, None)
    town.alarm("x.y", "d", old - 6 * 24, None)
    decided = Decision(DecisionKind.TREAT, "maire", NOW)
    town.alarm("x.y", "e", old - 100, None, severity=Severity.GRAVE, decision=decided)
    found = town.measure("S2")
    assert (found.value, dict(found.parts)) == (2.0, {"grave": 1.0})
    past = Span(SPAN.start_ms, SPAN.end_ms - 2 * DAY_MS)
    assert town.measure("S2", past).value is None  # not known of the past


def test_secrets_are_a_share_of_what_was_checked(town: Town) -> None:
    checks = (True, False, False, False, None)
    town.store.assets.put_devices(
        [Device(f"d{i}", "a", default_secret=one) for i, one in enumerate(checks)]
    )
    found = town.measure("S3")
    assert (found.value, found.known) == (25.0, 0.8)


def report(town: Town, number: int, day: float, answer_d: float = 0, **more: object) -> None:
    at = SPAN.start_ms + int(day * DAY_MS)
    told = at + int(answer_d * DAY_MS) if answer_d else 0
    one = Report(f"r{number}", "t", ReportState.RECEIVED, at, at, first_answer_ms=told, **more)  # type: ignore[arg-type]
    town.store.reports.add(ReportChange(one, ReportEvent(one.id, 1, at, "author", "sent")), one.id)


def test_answers_and_participation(town: Town) -> None:
    assert town.figures("G1", "G2", "G4") == {"G1": None, "G2": None, "G4": None}
    for i in range(9):
        report(town, i, i, answer_d=2 if i % 2 else 4)
    assert town.measure("G4").value is None  # nine people: told to nobody
    report(town, 9, 9.5, danger=True, safe_ms=SPAN.start_ms + 10 * DAY_MS)
    report(town, 10, -3)  # before the period
    assert town.measure("G1").value == pytest.approx((4 * 2 + 5 * 4) / 9)
    assert town.measure("G1").known == pytest.approx(0.9)
    assert town.measure("G2").value == pytest.approx(12)
    assert town.measure("G4").value == pytest.approx(10 / 1_000 * 100 * 36.5)


def test_entered_figures_are_lines_and_the_newest_counts(town: Town) -> None:
    assert town.measure("S8").why is not None
    town.enter(exposed_devices="3")
    assert (town.measure("S8").value, town.measure("S8").declared) == (3.0, True)
    town.enter(exposed_devices="0")
    assert town.measure("S8").value == 0.0
    assert len(town.store.registers.records("figure")) == 2
    town.enter(restore_tested="2026-09-01")
    age = town.measure("S5").value
    assert age is not None
    assert age >= 0
    for name, text, document in (
        ("exposed_devices", "-1", "d"),
        ("exposed_devices", "nan", "d"),
        ("exposed_devices", "1e12", "d"),
        ("exposed_devices", "3", " "),
        ("restore_tested", "yesterday", "d"),
        ("no_such", "1", "d"),
    ):
        with pytest.raises(EntryError):
            town.board.entries.enter(name, text, 2026, document, "u")


def test_a_month_is_kept_and_computed_again_when_a_figure_is_entered(town: Town) -> None:
    before = dict(town.board.months())
    assert len(before) == 12
    last = sorted(before)[-2]
    assert before[last]["S8"].value is None
    town.enter(exposed_devices="1")
    assert dict(town.board.months())[last]["S8"].value == 1.0


def test_stops_of_the_hub(town: Town) -> None:
    minute = 60_000
    known = Uptime()
    for at in [*range(0, 600, 1), *range(660, 1_440, 1)]:  # one hour without a sign
        known = alive(known, SPAN.start_ms + at * minute)
    found = out_of_service(known, Span(SPAN.start_ms, SPAN.start_ms + DAY_MS))
    assert found.n == 1
    assert found.parts["h"] == pytest.approx(61 / 60)
    assert out_of_service(Uptime(), SPAN).value is None
    uptime.note(town.store.people, NOW)
    uptime.note(town.store.people, NOW + 10 * minute)
    assert len(uptime.read(town.store.people).holes) == 1
    town.store.people.put_setting("uptime", "[1, 2")
    assert uptime.read(town.store.people) == Uptime()


@given(st.lists(st.integers(-1_000, 2_000_000), max_size=30))
def test_a_clock_that_jumps_back_invents_no_stop(steps: list[int]) -> None:
    known, at = Uptime(), 10**12
    for step in steps:
        at += step
        known = alive(known, max(at, 1))
    assert all(b - a > UPTIME_HOLE_S * 1_000 for a, b in known.holes)
    assert list(known.holes) == sorted(known.holes)


def test_figures_about_few_people_are_not_published() -> None:
    figures = {
        "P3": Measured(50.0, 1.0, 2), "G4": Measured(2.0, 1.0, 12), "W1": Measured(80.0, 1.0, 2),
        "S2": Measured(3.0, 1.0, 3),
    }  # fmt: skip
    shown = public(figures)
    assert {ident: one.value for ident, one in shown.items()} == {"P3": None, "G4": 2.0, "W1": 80.0}
