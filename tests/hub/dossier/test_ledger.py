"""Grave alarms reach the evidence log once each, also after a crash between store and log."""

from __future__ import annotations

from tests.hub.dossier.kit import DAY_MS, Town

from beffroi.evidence.entry import read_entry
from beffroi.hub.dossier.mayor import bare, page_of
from beffroi.model.finding import Severity


def kinds(town: Town) -> list[str]:
    size = town.log.checkpoint().size
    return [read_entry(town.log.entry(index)).kind for index in range(size)]


def test_each_event_once_whatever_is_called_again(town: Town) -> None:
    alarm = town.alarm()
    town.ledger.follow(alarm.id)
    town.desk.act(alarm.id, "acknowledge", "u1", town.clock.ms + 5)
    assert town.ledger.catch_up() == 1  # as a start does after a crash
    assert town.ledger.catch_up() == 0
    assert kinds(town) == ["alarm.raised", "alarm.acknowledged"]


def test_what_is_not_grave_stays_out(town: Town) -> None:
    alarm = town.alarm(Severity.WARNING)
    assert town.ledger.follow(alarm.id) == 0
    assert kinds(town) == []


def test_the_thread_follows_what_it_is_told(town: Town) -> None:
    town.ledger.start()
    alarm = town.alarm()
    assert town.ledger.flush()
    town.ledger.close()
    assert town.store.registers.records("alarm", alarm.id)[0].entry == 0


def test_the_mayor_reads_the_undecided_first_and_the_old_in_words(town: Town) -> None:
    alarm = town.alarm()
    town.alarm(Severity.WARNING)
    town.clock.ms += 2 * DAY_MS
    facts, _ = town.office.sections(town.year)
    desk = page_of(facts, [])
    assert [one.id for one in desk.bare] == [alarm.id]
    assert desk.old == 1
    assert [one.id for one in bare(town.desk.open())] == [alarm.id]
    assert {one.service for one in desk.upkeep} == set(facts.services)
    assert all(one.last_check is None for one in desk.upkeep)
