"""Which alarms follow from reports."""

from __future__ import annotations

from dataclasses import replace

from beffroi.domains.participation.findings import DANGER, DAY_MS, LATE, OVERDUE, reported
from beffroi.domains.participation.rules import RULES
from beffroi.model.finding import Severity
from beffroi.model.report import Report, ReportState

CALM = Report("r1", "hole", ReportState.RECEIVED, 1_000, 1_000)
RISKY = replace(CALM, id="r2", asset="lamp-1", danger=True, deadline_ms=5_000)


def active(*reports: Report, now_ms: int = 2_000) -> dict[str, str]:
    return {one.rule: one.asset for one in reported(reports, now_ms) if one.active}


def test_a_danger_is_grave_at_its_asset_until_it_is_safe() -> None:
    assert RULES[DANGER].severity is Severity.GRAVE
    assert active(RISKY) == {DANGER: "lamp-1"}
    assert active(RISKY, now_ms=5_001) == {DANGER: "lamp-1", OVERDUE: "lamp-1"}
    assert active(replace(RISKY, safe_ms=3_000), now_ms=9_000) == {}
    assert active(replace(RISKY, asset="")) == {DANGER: "r2"}


def test_withdrawn_words_do_not_undo_a_danger() -> None:
    assert DANGER in active(replace(RISKY, state=ReportState.WITHDRAWN))
    assert active(replace(RISKY, state=ReportState.REJECTED)) == {}


def test_two_dangers_at_one_asset_are_one_alarm_that_ends_with_the_last() -> None:
    other = replace(RISKY, id="r3", deadline_ms=4_000)
    (told,) = [one for one in reported([RISKY, other], 2_000) if one.active]
    assert told.facts["report"] == "r3", "the one whose time runs out first speaks"
    assert active(RISKY, replace(other, safe_ms=1_500)) == {DANGER: "lamp-1"}


def test_an_answer_is_late_after_ten_days() -> None:
    after = 1_000 + 10 * DAY_MS
    assert active(CALM, now_ms=after) == {}
    assert active(CALM, now_ms=after + 1) == {LATE: "r1"}
    assert active(replace(CALM, first_answer_ms=2_000), now_ms=after + 1) == {}


def test_what_does_not_hold_is_said_too() -> None:
    found = reported([replace(RISKY, safe_ms=3_000)], 4_000)
    assert {(one.rule, one.asset) for one in found} >= {(DANGER, "lamp-1"), (DANGER, "r2")}
    assert not any(one.active for one in found)
