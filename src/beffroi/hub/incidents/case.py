"""An incident as its lines tell it: the register is the truth, this folds it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beffroi.ports.registers import Record

BOOK = "incident"
OPENED, STEP, FACTS, SENT, REMINDED, CLOSED, REOPENED = (
    "opened", "step", "facts", "sent", "reminded", "closed", "reopened",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """`known_ms`: when the commune knew, as stated by whoever opened it; clocks count from it.
    `danger`, `personal`: "yes", "no" or "unknown". `sent`: (addressee, when) in order."""

    id: str
    sheet: str
    title: str
    opened_ms: int
    known_ms: int
    exercise: bool
    alarm: str = ""
    danger: str = "unknown"
    personal: str = "unknown"
    seen: str = ""  # what was seen, in words
    effects: str = ""
    measures: str = ""
    people: int = -1  # persons concerned by a breach, -1 unknown
    closed_ms: int = 0
    lessons: str = ""
    sent: tuple[tuple[str, int], ...] = ()
    reminded: frozenset[str] = frozenset()  # "clock:level"
    lines: tuple[Record, ...] = ()

    @property
    def open(self) -> bool:
        return not self.closed_ms

    def told(self, addressee: str) -> int:
        """When this addressee was first told; 0 for not yet."""
        return next((at for who, at in self.sent if who == addressee), 0)

    def entries(self) -> tuple[int, ...]:
        """Evidence entries of its lines."""
        return tuple(line.entry for line in self.lines if line.entry >= 0)


def folded(lines: Sequence[Record]) -> Case | None:
    """From the lines of one incident, in order; None when it was never opened."""
    case: Case | None = None
    for line in lines:
        if line.what == OPENED and case is None:
            case = _opened(line)
        if case is not None:
            case = _after(replace(case, lines=(*case.lines, line)), line)
    return case


def cases(lines: Sequence[Record]) -> list[Case]:
    """All incidents, the newest first; `lines` of the whole book in order."""
    by_key: dict[str, list[Record]] = {}
    for line in lines:
        by_key.setdefault(line.key, []).append(line)
    found = [case for some in by_key.values() if (case := folded(some)) is not None]
    return sorted(found, key=lambda case: (case.opened_ms, case.id), reverse=True)


def _text(line: Record, name: str) -> str:
    return str(line.facts.get(name, ""))


def _opened(line: Record) -> Case:
    known = line.facts.get("known_ms", line.at_ms)
    return Case(
        id=line.key,
        sheet=_text(line, "sheet") or "other",
        title=_text(line, "title"),
        opened_ms=line.at_ms,
        known_ms=known if isinstance(known, int) else line.at_ms,
        exercise=line.facts.get("exercise") == 1,
        alarm=_text(line, "alarm"),
    )


def _after(case: Case, line: Record) -> Case:
    if line.what in (OPENED, FACTS):
        return _with_facts(case, line)
    if line.what == SENT:
        at = line.facts.get("sent_ms", line.at_ms)
        sent = (_text(line, "addressee"), at if isinstance(at, int) else line.at_ms)
        return replace(case, sent=(*case.sent, sent))
    if line.what == REMINDED:
        mark = f"{_text(line, 'clock')}:{_text(line, 'level')}"
        return replace(case, reminded=case.reminded | {mark})
    if line.what == CLOSED:
        return replace(case, closed_ms=line.at_ms, lessons=_text(line, "lessons"))
    if line.what == REOPENED:
        return replace(case, closed_ms=0)
    return case


def _with_facts(case: Case, line: Record) -> Case:
    """What is not said stays as it was."""
    people = line.facts.get("people", case.people)
    return replace(
        case,
        danger=_text(line, "danger") or case.danger,
        personal=_text(line, "personal") or case.personal,
        seen=_text(line, "seen") or case.seen,
        effects=_text(line, "effects") or case.effects,
        measures=_text(line, "measures") or case.measures,
        people=people if isinstance(people, int) else case.people,
    )
