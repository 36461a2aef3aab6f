"""Answers and sheets are kept as lines; the platform's own proofs come from the indicators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.indicators.town import NOW, SPAN, Town

from beffroi.hub.maturity.method import PILOT
from beffroi.hub.maturity.office import Assessments, MaturityError
from beffroi.model.measure import DAY_MS, HOUR_MS

SHEET = {
    "name": "Arrêt minute", "problem": "places bloquées", "means": "capteurs",
    "partners": "commerçants", "stage": "idea", "rule": "bays",
}  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.store.close()


def test_a_bay_watched_for_a_month_is_a_pilot_once_it_is_described(town: Town) -> None:
    office = Assessments(town.board)
    town.asset("parking", "bay", "b1")
    every = [(d * DAY_MS, float(d % 2)) for d in range(-25, 10)]
    town.put("b1", "occupied", every)
    town.put("b1", "state", every)
    result, todo, proven = office.result()
    assert proven["bays"] == PILOT
    assert (result.observed, result.unattached[0]) == (0, "bays")
    assert "plateforme" in todo[0].text.fr
    office.describe(SHEET, ["mobility"], "u-1")
    result, _, _ = office.result()
    assert (result.strict, result.observed, result.axes["mobility"]) == (0, PILOT, PILOT)
    office.answer("A1", True, "délibération 7", "2026-01-15", "", "u-1")
    assert office.result()[0].strict == PILOT  # the pilot holds the levels below it


def test_lines_are_dated_and_the_newest_counts(town: Town) -> None:
    office = Assessments(town.board)
    office.answer("A1", True, "délibération 7", "2026-01-15", "", "u-1")
    assert office.answers()["A1"].document.reference == "délibération 7"
    town.clock.at_ms += HOUR_MS
    office.answer("A1", False, "", "", "abrogée", "u-1")
    assert not office.answers()["A1"].yes
    assert len(town.store.registers.records("maturity_answer")) == 2
    first = office.describe(SHEET, ["mobility"], "u-1")
    office.describe(SHEET | {"id": first.key, "name": "Autre"}, ["people"], "u-1")
    assert [(one.name, one.axes) for one in office.initiatives()] == [("Autre", ("people",))]
    assert first.at_ms == NOW + HOUR_MS
    assert SPAN.end_ms == NOW


@pytest.mark.parametrize(
    ("change", "axes", "code"),
    [
        ({"name": " "}, ["people"], "name"),
        ({}, [], "axes"),
        ({}, ["moon"], "axes"),
        ({"stage": "finished"}, ["people"], "stage"),
        ({"rule": "trust-me"}, ["people"], "rule"),
        ({"covered_pct": "101"}, ["people"], "percent"),
        ({"covered_pct": "1e2"}, ["people"], "percent"),
        ({"covered_pct": "0000101"}, ["people"], "percent"),
        ({"day": "2026-02-30"}, ["people"], "day"),
        ({"problem": "x" * 2_001}, ["people"], "long"),
        ({"id": "i9"}, ["people"], "initiative"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    town: Town, change: dict[str, str], axes: list[str], code: str
) -> None:
    with pytest.raises(MaturityError) as caught:
        Assessments(town.board).describe(SHEET | change, axes, "u-1")
    assert caught.value.code == code
