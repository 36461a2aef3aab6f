"""Everything one diligence file is made of, as values. Gathered by `gather`, read by `sections`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from beffroi.evidence.entry import Entry
from beffroi.hub.dossier.lines import Calendar, Cite
from beffroi.hub.incidents.case import Case
from beffroi.model.alarm import Alarm, AlarmEvent
from beffroi.model.asset import Asset, Commune, Device
from beffroi.model.report import Report
from beffroi.ports.commands import CommandRow
from beffroi.ports.registers import Record


@dataclass(frozen=True, slots=True)
class Period:
    """start <= t < end, UTC ms."""

    start_ms: int
    end_ms: int

    def has(self, ms: int) -> bool:
        return self.start_ms <= ms < self.end_ms


@dataclass(frozen=True, slots=True)
class LogState:
    """Of the evidence log when the file was made. `root` in hex; `witnesses` that cosigned."""

    origin: str
    size: int
    root: str
    witnesses: int


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries of the evidence log, found again by what they are about."""

    entries: Mapping[int, Entry] = field(default_factory=dict)
    by_subject: Mapping[str, Sequence[int]] = field(default_factory=dict)  # digest in hex
    by_case: Mapping[str, Sequence[int]] = field(default_factory=dict)  # report or register line
    whole: bool = True  # False: older entries of the period were not read (a limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator computed elsewhere: its words; `source` "" when nothing proves it."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)  # without slots: it keeps an index of its lines
class Facts:
    """`services`: French label by domain. `titles`: the French text of each alarm."""

    commune: Commune
    period: Period
    now_ms: int
    version: str
    services: Mapping[str, str]
    kinds: Mapping[tuple[str, str], str]
    assets: Sequence[Asset] = ()
    devices: Sequence[Device] = ()
    inventory_version: int = 0
    alarms: Sequence[Alarm] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    stories: Mapping[str, Sequence[AlarmEvent]] = field(default_factory=dict)  # of grave alarms
    commands: Sequence[CommandRow] = ()
    persons: Mapping[str, int] = field(default_factory=dict)  # command -> who approved it, counted
    records: Sequence[Record] = ()  # up to the end of the period
    reports: Sequence[Report] = ()
    cases: Sequence[Case] = ()
    journal: Journal = Journal()
    log: LogState | None = None
    readings: int = 0  # stored in all
    quarantined: int = 0
    figures: Sequence[Figure] = ()
    maturity: Sequence[Figure] = ()  # the result of the questionnaire as of now, level by level
    roles: Mapping[str, str] = field(default_factory=dict)  # account -> role

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.commune.timezone)

    @cached_property
    def _lines(self) -> dict[tuple[str, str], list[Record]]:
        found: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            found.setdefault((record.book, ""), []).append(record)
            if record.key:
                found.setdefault((record.book, record.key), []).append(record)
        return found

    def book(self, name: str, key: str = "") -> list[Record]:
        """Lines of a register, in order."""
        return self._lines.get((name, key), [])

    def in_period(self, name: str) -> list[Record]:
        return [r for r in self.book(name) if self.period.has(r.at_ms)]

    def alarm_cites(self, alarm: Alarm, *whats: str) -> list[Cite]:
        """The alarm, and the entries that tell of these events of it (of all when none given)."""
        lines = [r for r in self.book("alarm", alarm.id) if not whats or r.what in whats]
        entries = [line.entry for line in lines if line.entry >= 0]
        first = Cite("alarm", alarm.id, alarm.seen_ms, entries[0] if entries else -1)
        return [first, *(Cite("entry", "", 0, entry) for entry in entries[1:])]

    def command_cite(self, row: CommandRow) -> Cite:
        entry = row.entry
        if entry < 0:
            found = self.journal.by_subject.get(row.digest, ())
            entry = found[-1] if found else -1
        return Cite("command", row.id, row.created_ms, entry)

    def report_cite(self, report: Report) -> Cite:
        found = self.journal.by_case.get(report.id, ())
        return Cite("report", report.id, report.received_ms, found[0] if found else -1)

    def who(self, name: str) -> str:
        """An account is told by its role; a name that is no account stays."""
        role = self.roles.get(name)
        return {"admin": "un administrateur", "operator": "un opérateur"}.get(role or "", name)


def register_cite(record: Record) -> Cite:
    return Cite("register", record.id, record.at_ms, record.entry)
