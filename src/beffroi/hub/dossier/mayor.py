"""The mayor's page as values: what to decide first, then what was decided, asked, kept up. Pure.

Ten minutes of reading: each part is short, the gravest first, and says how much it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from beffroi.hub.dossier.facts import Facts
from beffroi.hub.dossier.lines import share
from beffroi.hub.dossier.sections_care import repair_ms
from beffroi.hub.incidents.case import Case
from beffroi.hub.incidents.clocks import Clock
from beffroi.model.alarm import Alarm, AlarmState
from beffroi.model.finding import Severity
from beffroi.model.measure import DAY_MS
from beffroi.ports.commands import CommandRow, State
from beffroi.ports.registers import Record

OLD_MS = DAY_MS
SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Normal maintenance of one service. None: not proven."""

    service: str
    last_check: str | None
    open_faults: int | None
    median_ms: float | None
    reports_open: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on the page."""

    bare: Sequence[Alarm]  # grave, without a decision, oldest first
    old: int  # of them, known for more than 24 h
    late: Sequence[Alarm]  # decided, deadline passed
    decided: Sequence[Alarm]  # decided and still open
    risks: Sequence[Record]
    late_risks: Mapping[str, bool]
    asked: Sequence[Record]
    refused_eur: int
    upkeep: Sequence[Upkeep]
    refused: Sequence[CommandRow]
    refused_count: int
    cases: Sequence[tuple[Case, Clock | None]]


def bare(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Grave alarms that wait for a decision, the oldest first; a flood counts once."""
    found = [
        a
        for a in alarms
        if a.severity is Severity.GRAVE
        and a.decision is None
        and a.state is not AlarmState.CLOSED
        and not a.group
    ]
    return sorted(found, key=lambda a: (a.seen_ms, a.id))


def page_of(facts: Facts, cases: Sequence[tuple[Case, Clock | None]]) -> Desk:
    now = facts.now_ms
    waiting = bare(facts.alarms)
    made = [a for a in facts.alarms if a.decision and a.state is not AlarmState.CLOSED]
    made = [a for a in made if a.severity is Severity.GRAVE and not a.group]
    late = [a for a in made if a.decision and a.decision.deadline_ms < now]
    risks = [r for r in facts.book("risk") if not r.erased]
    asked = [r for r in facts.book("request") if not r.erased]
    answers = ("refused", "unfunded")
    refused = [row for row in facts.commands if row.state is State.REFUSED]
    return Desk(
        bare=waiting,
        old=sum(now - a.seen_ms > OLD_MS for a in waiting),
        late=late,
        decided=[a for a in made if a not in late],
        risks=risks[::-1],
        late_risks={r.id: _past(facts, r) for r in risks},
        asked=asked[::-1],
        refused_eur=sum(
            int(r.facts.get("amount_eur", 0)) for r in asked if r.facts.get("answer") in answers
        ),
        upkeep=[_upkeep(facts, name) for name in facts.services],
        refused=refused[:SHOWN_MAX],
        refused_count=len(refused),
        cases=cases,
    )


def _past(facts: Facts, record: Record) -> bool:
    try:
        day = date.fromisoformat(str(record.facts.get("deadline", "")))
    except ValueError:
        return False
    return day < facts.calendar.at(facts.now_ms).date()


def _upkeep(facts: Facts, name: str) -> Upkeep:
    days = [str(r.facts.get("day", "")) for r in facts.book("check", name) if not r.erased]
    mine = [a for a in facts.alarms if a.domain == name and a.severity >= Severity.WARNING]
    waits = [wait for a in mine if (wait := repair_ms(facts, a)) is not None]
    watched = any(asset.domain == name for asset in facts.assets) and facts.readings > 0
    places = {asset.id for asset in facts.assets if asset.domain == name}
    return Upkeep(
        service=name,
        last_check=max(days) if days else None,
        open_faults=sum(a.active and a.state is not AlarmState.CLOSED for a in mine)
        if watched
        else None,
        median_ms=share(waits, 0.5) if waits else None,
        reports_open=sum(r.asset in places and r.unsafe for r in facts.reports),
    )
