"""Opens incidents, notes steps, closes them with lessons: each a line of the register, dated in the
evidence log. The desk holds no memory: what it knows is what the register says.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beffroi.hub.dossier.registers import RegisterError, Registers, fit_text, id_refs
from beffroi.hub.incidents import case as cases
from beffroi.hub.incidents.case import BOOK, Case
from beffroi.hub.incidents.sheets import ADDRESSEES, SHEETS
from beffroi.model.limits import COMMENT_CHARS_MAX, INCIDENT_STEPS_MAX, REGISTER_TEXT_CHARS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.clock import Clock
from beffroi.ports.registers import Fact

YES_NO = ("yes", "no", "unknown")
LATER = ("csirt-full", "csirt-final")  # further notices to an addressee
BACKDATED_MS_MAX = 366 * DAY_MS


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when an incident is opened. `known_ms` 0: now."""

    sheet: str
    title: str
    known_ms: int = 0
    exercise: bool = False
    alarm: str = ""
    danger: str = ""
    personal: str = ""
    seen: str = ""


class IncidentDesk:
    """`lock` keeps two people from closing and adding at once."""

    def __init__(self, registers: Registers, clock: Clock) -> None:
        self._registers, self._clock = registers, clock
        self._lock = threading.Lock()

    def all(self) -> list[Case]:
        """The newest first."""
        return cases.cases(self._registers.store.records(BOOK))

    def case(self, case_id: str) -> Case | None:
        return cases.folded(self._registers.store.records(BOOK, case_id)) if case_id else None

    def of_alarm(self, alarm: str) -> Case | None:
        """The open incident of an alarm."""
        return next((one for one in self.all() if one.open and one.alarm == alarm), None)

    def open(self, opening: Opening, actor: str) -> Case:
        """RegisterError says what is missing. An alarm has at most one open incident."""
        sheet = SHEETS.get(opening.sheet)
        if sheet is None:
            raise RegisterError("sheet", "Choose a procedure sheet.")
        now = self._clock.now_ms()
        known = opening.known_ms or now
        if not now - BACKDATED_MS_MAX < known <= now:
            raise RegisterError("known", "The commune cannot know it after now or a year before.")
        facts: dict[str, Fact] = {
            "sheet": sheet.id,
            "title": _needed(opening.title, REGISTER_TEXT_CHARS_MAX),
            "known_ms": known,
            "exercise": int(opening.exercise),
            "alarm": opening.alarm,
            "danger": _answer(opening.danger or sheet.danger),
            "personal": _answer(opening.personal or sheet.personal),
            "seen": fit_text(opening.seen.strip(), COMMENT_CHARS_MAX),
        }
        case_id = secrets.token_hex(6)
        with self._lock:
            if opening.alarm and (there := self.of_alarm(opening.alarm)) is not None:
                return there
            self._write(case_id, cases.OPENED, facts, actor, opening.exercise, opening.alarm)
        return self._again(case_id)

    def step(self, case_id: str, text: str, actor: str) -> Case:
        """Something was done or seen."""
        return self._add(case_id, cases.STEP, {"text": _needed(text, COMMENT_CHARS_MAX)}, actor)

    def tell(self, case_id: str, given: Mapping[str, str], actor: str) -> Case:
        """What is known now about danger, data, effects, measures, persons."""
        facts: dict[str, Fact] = {}
        for name in ("danger", "personal"):
            if given.get(name):
                facts[name] = _answer(given[name])
        for name in ("seen", "effects", "measures"):
            if text := given.get(name, "").strip():
                facts[name] = fit_text(text, COMMENT_CHARS_MAX)
        if people := given.get("people", "").strip():
            if not (people.isascii() and people.isdigit() and len(people) <= 9):
                raise RegisterError("field_whole", "Write a whole number, digits only.")
            facts["people"] = int(people)
        if not facts:
            raise RegisterError("field_missing", "A field is empty: fill in what is asked.")
        return self._add(case_id, cases.FACTS, facts, actor)

    def sent(self, case_id: str, addressee: str, proof: str, actor: str, sent_ms: int = 0) -> Case:
        """An addressee was told. `proof`: number of a receipt, name of a service; may be empty."""
        if addressee not in ADDRESSEES and addressee not in LATER:
            raise RegisterError("addressee", "Choose who was told.")
        facts: dict[str, Fact] = {
            "addressee": addressee,
            "proof": fit_text(proof.strip(), REGISTER_TEXT_CHARS_MAX),
            "sent_ms": sent_ms or self._clock.now_ms(),
        }
        case = self._known(case_id)
        if not case.known_ms <= int(facts["sent_ms"]) <= self._clock.now_ms():
            raise RegisterError("sent", "Nobody was told before it was known, or after now.")
        return self._add(case_id, cases.SENT, facts, actor)

    def reminded(self, case_id: str, clock: str, level: str) -> None:
        self._add(case_id, cases.REMINDED, {"clock": clock, "level": level}, "hub")

    def close(self, case_id: str, lessons: str, actor: str) -> Case:
        """With what was learned: an incident without lessons is not over."""
        facts: dict[str, Fact] = {"lessons": _needed(lessons, COMMENT_CHARS_MAX)}
        return self._add(case_id, cases.CLOSED, facts, actor)

    def reopen(self, case_id: str, actor: str) -> Case:
        return self._add(case_id, cases.REOPENED, {}, actor)

    def _known(self, case_id: str) -> Case:
        case = self.case(case_id)
        if case is None:
            raise RegisterError("no_incident", "There is no such incident.")
        return case

    def _add(self, case_id: str, what: str, facts: Mapping[str, Fact], actor: str) -> Case:
        with self._lock:
            case = self._known(case_id)
            if case.open == (what == cases.REOPENED):
                raise RegisterError("state", "The incident is not in that state: look again.")
            if len(case.lines) >= INCIDENT_STEPS_MAX:
                raise RegisterError("full", "This incident has too many lines: open another one.")
            self._write(case_id, what, facts, actor, case.exercise, "")
        return self._again(case_id)

    def _write(
        self,
        case_id: str,
        what: str,
        facts: Mapping[str, Fact],
        actor: str,
        exercise: bool,
        alarm: str,
    ) -> None:
        refs = id_refs(incident=case_id)
        refs |= id_refs(alarm=alarm) if alarm else {}
        refs |= {"source": "exercise"} if exercise else {}
        self._registers.write(
            BOOK, case_id, what, facts, actor, refs=refs, entry_kind=f"incident.{what}"
        )

    def _again(self, case_id: str) -> Case:
        return self._known(case_id)


def proposed(alarms: Sequence[str], known: Sequence[Case]) -> list[str]:
    """Alarms without an incident of their own, in the order given."""
    taken = {case.alarm for case in known}
    return [alarm for alarm in alarms if alarm not in taken]


def _answer(text: str) -> str:
    if text not in YES_NO:
        raise RegisterError("field_choice", "Choose one of the answers.")
    return text


def _needed(text: str, chars_max: int) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise RegisterError("text_missing", "Write what happened.")
    return fit_text(text, chars_max)
