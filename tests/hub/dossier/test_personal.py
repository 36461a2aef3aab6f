"""Sections 9 and 13: what the log tells of personal data, and the maturity of the questionnaire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hub.dossier.kit import Town

from beffroi.cli.diligence import maturity_of
from beffroi.cli.results import scoreboard_of
from beffroi.domains.registry import domains
from beffroi.evidence.entry import Draft
from beffroi.hub.dossier.gather import gather
from beffroi.hub.dossier.lines import Line
from beffroi.hub.dossier.sections import build
from beffroi.hub.maturity.office import Assessments
from beffroi.hub.open_data.derive import datasets


def section(town: Town, number: int) -> list[Line]:
    facts = gather(town.office.stores, town.year)
    return list(next(one for one in build(facts) if one.n == number).lines)


def told(lines: list[Line], head: str) -> Line:
    return next(line for line in lines if line.head == head)


def test_purges_and_erasures_are_counted_from_the_log(town: Town) -> None:
    before = section(town, 9)
    assert not told(before, "Effacement").cites
    now = town.clock.ms
    town.log.append(
        [
            Draft("personal.erased", now - 800 * 86_400_000, refs={"count": 99}),
            Draft("personal.purged", now, refs={"reason": "sign_in", "count": 40}),
            Draft("personal.purged", now, refs={"reason": "reports", "count": 2}),
            Draft("personal.erased", now, refs={"count": 3}),
        ]
    )
    lines = section(town, 9)
    assert told(lines, "Purge").text == "2 opérations, 42 champs arrivés à leur terme et purgés."
    assert len(told(lines, "Purge").cites) == 2
    assert told(lines, "Effacement").text.startswith("1 opérations, 3 champs")
    assert "connexions : 183 jours" in told(lines, "Durées").text
    assert "Comptes des agents" in told(lines, "Registre").text
    assert "à vérifier" in told(lines, "Registre").text


def test_the_level_of_maturity_is_told_once_somebody_answered(town: Town) -> None:
    board = scoreboard_of(town.store, town.clock, domains())
    assert maturity_of(board)(town.year) == ()
    Assessments(board).answer("A1", True, "2026-14", "2026-01-05", "Feuille de route", "u-1")
    town.office.stores = replace(town.office.stores, maturity=maturity_of(board))
    lines = section(town, 13)
    assert told(lines, "Niveau strict").text in ("0 sur 4", "1 sur 4")
    assert told(lines, "Niveau constaté").cites
    assert sum(line.head.startswith("Axe : ") for line in lines) == 6


@pytest.mark.parametrize(("name", "value"), [("second:", "on"), ("passkeys:", "1")])
def test_who_signs_in_with_two_factors_is_counted(town: Town, name: str, value: str) -> None:
    board = scoreboard_of(town.store, town.clock, domains())
    assert board.books.second is not None
    assert not board.books.second("u-9")
    town.store.people.put_setting(name + "u-9", value)
    assert board.books.second("u-9")


def test_open_data_that_is_late_is_not_fresh(town: Town) -> None:
    board = scoreboard_of(town.store, town.clock, domains())
    assert board.books.sets is not None
    assert board.books.sets() == (0, 0)
    known = datasets(domains()).values()
    late = next(one.id for one in known if one.newest is not None)
    for one in ("lighting-assets", late):
        town.store.people.put_setting(f"open_data:{one}", '{"open": true, "by": "u", "at_ms": 1}')
    assert board.books.sets() == (2, 1), "an inventory is fresh; hours that never came are not"
