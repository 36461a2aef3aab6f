"""The incident desk: clocks count from what was known, an exercise says so everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.dossier.conftest import town as town
from tests.hub.dossier.kit import Town

from beffroi import law
from beffroi.evidence.entry import read_entry
from beffroi.hub.dossier.applicability import Situation
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.incidents.case import Case
from beffroi.hub.incidents.clocks import Clock, Stand, clocks
from beffroi.hub.incidents.desk import Opening
from beffroi.hub.incidents.notices import EXERCISE, GAP, Sender, drafts
from beffroi.hub.incidents.reminders import Reminders
from beffroi.hub.incidents.sheets import ADDRESSEES, SHEETS
from beffroi.model.finding import Finding
from beffroi.model.measure import HOUR_MS
from beffroi.ports.notify import Notice
from beffroi.ports.store import Batch, User

KNOWN = 1_000_000_000_000
CASE = Case("c1", "data-theft", "x", KNOWN, KNOWN, False, danger="no", personal="yes")


def by_id(case: Case, situation: Situation, now: int, decided: int = 0) -> dict[str, Clock]:
    return {c.id: c for c in clocks(case, law.deadlines(), situation, now, decided)}


def test_72_hours_for_the_cnil_from_the_moment_it_was_known() -> None:
    end = KNOWN + 72 * HOUR_MS
    assert by_id(CASE, Situation(), end)["CNIL"].stand is Stand.RUNNING
    late = by_id(CASE, Situation(), end + 1)["CNIL"]
    assert (late.stand, late.due_ms) == (Stand.LATE, end)
    told = replace(CASE, sent=(("cnil", end),))
    assert by_id(told, Situation(), end + 9)["CNIL"].stand is Stand.DONE
    told = replace(CASE, sent=(("cnil", end + 1),))
    assert by_id(told, Situation(), end + 9)["CNIL"].stand is Stand.DONE_LATE


def test_a_condition_that_nobody_knows_keeps_the_clock_and_says_so() -> None:
    unknown = replace(CASE, personal="unknown")
    clock = by_id(unknown, Situation(), KNOWN + 1)["CNIL"]
    assert (clock.stand, clock.sure) == (Stand.RUNNING, False)
    none = replace(CASE, personal="no")
    assert by_id(none, Situation(), KNOWN + 1)["CNIL"].stand is Stand.OFF
    assert by_id(CASE, Situation(insured=False), KNOWN)["plainte"].stand is Stand.OFF
    assert by_id(CASE, Situation(insured=True), KNOWN)["plainte"].due_ms == KNOWN + 72 * HOUR_MS


def test_what_is_not_verified_is_never_sure() -> None:
    for clock in by_id(CASE, Situation(nis2=True), KNOWN).values():
        assert clock.sure <= clock.deadline.verified


def test_the_final_report_counts_from_the_notification() -> None:
    subject = Situation(nis2=True)
    assert by_id(CASE, subject, KNOWN)["NIS2-rapport"].stand is Stand.WAITING
    told = replace(CASE, sent=(("csirt-full", KNOWN + HOUR_MS),))
    due = by_id(told, subject, KNOWN + HOUR_MS)["NIS2-rapport"].due_ms
    assert due == KNOWN + 721 * HOUR_MS


def test_in_grave_danger_the_prefect_is_told_at_once() -> None:
    danger = replace(CASE, danger="yes")
    assert by_id(danger, Situation(), KNOWN + 1)["prefet"].stand is Stand.LATE
    told = replace(danger, sent=(("prefect", KNOWN + 5 * 60_000),))
    assert by_id(told, Situation(), KNOWN + HOUR_MS)["prefet"].stand is Stand.DONE


@given(st.sampled_from(sorted(SHEETS)), st.booleans(), st.text(max_size=40))
def test_every_draft_has_its_gaps_and_an_exercise_begins_and_ends_by_saying_so(
    sheet: str, exercise: bool, seen: str
) -> None:
    case = replace(CASE, sheet=sheet, exercise=exercise, seen=seen)
    found = drafts(case, Sender("Aubigny"))
    assert [who for who, _ in found] == list(SHEETS[sheet].told)
    for _, text in found:
        assert text.startswith(EXERCISE) == exercise
        assert text.endswith(EXERCISE) == exercise
        assert "Projet" in text
        assert GAP in text
    assert {who for one in SHEETS.values() for who in one.told} == set(ADDRESSEES)


def test_a_life_is_dated_in_the_log_with_ids_only(town: Town) -> None:
    desk = town.office.incidents
    case = desk.open(Opening("ransomware", "Poste du secrétariat", exercise=True), "u1")
    desk.step(case.id, "Réseau débranché par M. Untel", "u1")
    desk.tell(case.id, {"personal": "yes", "people": "42"}, "u1")
    town.clock.ms += 60_000
    desk.sent(case.id, "cnil", "n° 12", "u1")
    done = desk.close(case.id, "Sauvegarde à isoler", "u1")
    assert (done.people, done.personal, done.told("cnil")) == (42, "yes", town.clock.ms)
    assert not done.open
    entries = [read_entry(town.log.entry(i)) for i in done.entries()]
    assert [e.kind for e in entries] == [
        "incident.opened", "incident.step", "incident.facts", "incident.sent", "incident.closed",
    ]  # fmt: skip
    assert all(e.refs["incident"] == case.id for e in entries)
    assert all(e.refs["source"] == "exercise" for e in entries)
    lines = town.office.sections(town.year)[1][8].lines
    assert lines
    assert all(line.text.startswith("[Exercice]") for line in lines)
    assert b"Untel" not in b"".join(town.log.entry(i) for i in done.entries())


def test_what_cannot_be_is_refused(town: Town) -> None:
    desk, now = town.office.incidents, town.clock.ms
    for opening in (
        Opening("no-sheet", "x"),
        Opening("other", " "),
        Opening("other", "x", now + 1),
        Opening("other", "x\x00"),
        Opening("other", "x" * 300),
    ):
        with pytest.raises(RegisterError):
            desk.open(opening, "u1")
    case = desk.open(Opening("other", "x"), "u1")
    with pytest.raises(RegisterError):
        desk.sent(case.id, "nobody", "", "u1")
    with pytest.raises(RegisterError):
        desk.sent(case.id, "cnil", "", "u1", sent_ms=now - 1)
    with pytest.raises(RegisterError):
        desk.close(case.id, "", "u1")
    desk.close(case.id, "rien", "u1")
    with pytest.raises(RegisterError):
        desk.step(case.id, "encore", "u1")
    assert desk.reopen(case.id, "u1").open


def test_a_coordinated_attack_opens_one_by_itself(town: Town) -> None:
    finding = Finding("coordination.attack", "", True, town.clock.ms, {"count": 4.0})
    from beffroi.hub.coordination.rules import RULES

    town.rules.update(RULES)
    with town.desk.lock:
        changes = town.desk.findings([finding], {}, town.clock.ms)
        town.store.readings.commit(Batch(alarms=changes))
        town.desk.settle(changes)
    alarm = changes[0].alarm
    town.ledger.follow(alarm.id)
    town.ledger.follow(alarm.id)
    opened = town.office.incidents.all()
    assert [case.alarm for case in opened] == [alarm.id]
    assert opened[0].known_ms == alarm.seen_ms


class Box:
    """Keeps notices."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)


def test_reminders_come_once_a_level_also_after_a_restart(town: Town) -> None:
    case = town.office.incidents.open(Opening("data-theft", "Secret", exercise=True), "u1")
    town.store.people.put_user(User("u2", "Bob", "operator", lang="en"))
    box = Box()

    def again() -> int:
        office = town.office
        return Reminders(
            office.incidents, town.store.alarms, box, town.store.people.users,
            office.situation, town.clock,
        ).turn()  # fmt: skip

    again()
    first = len(box.notices)
    again()
    assert len(box.notices) == first
    town.clock.ms += 73 * HOUR_MS
    again()
    late = [n for n in box.notices[first:] if n.user == "u1"]
    assert any(
        "Notification à la CNIL" in n.subject and "échéance passée" in n.subject for n in late
    )
    assert all(n.subject.startswith(("EXERCICE", "EXERCISE")) for n in box.notices)
    assert not any("Secret" in n.subject + n.body for n in box.notices)
    assert case.id in late[0].body
    count = len(box.notices)
    again()
    assert len(box.notices) == count


def test_an_incident_that_is_full_reminds_nobody_for_ever_and_holds_up_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote to everybody each minute, and of the incidents behind it nobody was reminded."""
    box, desk = Box(), town.office.incidents
    hands = town.store.alarms, box, town.store.people.users, town.office.situation, town.clock
    other = desk.open(Opening("data-theft", "Autre"), "u1")
    town.clock.ms += 1
    full = desk.open(Opening("data-theft", "Pleine"), "u1")
    monkeypatch.setattr("beffroi.hub.incidents.desk.INCIDENT_STEPS_MAX", 40)
    for _ in range(39):
        desk.step(full.id, "fait", "u1")
    town.clock.ms += 73 * HOUR_MS
    Reminders(desk, *hands).turn()
    assert {other.id in notice.body for notice in box.notices} == {True}
