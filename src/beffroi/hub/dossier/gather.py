"""Reads everything for one diligence file out of the stores. Decides nothing, writes nothing."""

from __future__ import annotations

import importlib.metadata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beffroi.domains.base import Domain
from beffroi.evidence.entry import NOTHING, Entry, read_entry
from beffroi.evidence.witness import vouched
from beffroi.hub.alarms import text
from beffroi.hub.alarms.turn import rule_of
from beffroi.hub.dossier.facts import Facts, Figure, Journal, LogState, Period
from beffroi.hub.incidents.case import BOOK, cases
from beffroi.kernel.roster import read_roster
from beffroi.model.alarm import Alarm, AlarmEvent, AlarmState
from beffroi.model.asset import Commune
from beffroi.model.finding import Rule, Severity
from beffroi.model.limits import PAGE_ROWS_MAX, PAPER_ALARMS_MAX, PAPER_ENTRIES_READ_MAX
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report
from beffroi.ports.clock import Clock
from beffroi.ports.commands import CommandRow, CommandStore
from beffroi.ports.log_store import LogError, LogStore
from beffroi.ports.registers import RegisterStore
from beffroi.ports.reports import ReportStore, Wanted
from beffroi.ports.store import Store

NOWHERE = Commune("commune", "", 0, 0.0, 0.0)
Figures = Callable[[Period], Sequence[Figure]]


def no_figures(period: Period) -> Sequence[Figure]:
    """Nobody computes indicators here."""
    del period
    return ()


@dataclass(frozen=True, slots=True)
class Stores:
    """What is read."""

    main: Store
    registers: RegisterStore
    commands: CommandStore
    reports: ReportStore | None
    journal: LogStore | None
    clock: Clock
    domains: Mapping[str, Domain]
    rules: Mapping[str, Rule]
    figures: Figures = no_figures
    maturity: Figures = no_figures
    roster: Callable[[], bytes] = bytes


def gather(stores: Stores, period: Period, *, brief: bool = False) -> Facts:
    """As of now. Blocks: call it in a thread. `brief`: without indicators and evidence entries."""
    store = stores.main
    alarms = alarms_of(stores, period)
    commands = [
        row
        for row in stores.commands.commands(before_ms=period.end_ms)
        if period.has(row.created_ms)
    ]
    records = stores.registers.records(end_ms=period.end_ms)
    counts = store.readings.counts()
    return Facts(
        commune=store.assets.commune() or NOWHERE,
        period=period,
        now_ms=stores.clock.now_ms(),
        version=importlib.metadata.version("beffroi"),
        services={name: one.label.fr for name, one in stores.domains.items()},
        kinds=kinds_of(stores.domains),
        assets=store.assets.assets(),
        devices=store.assets.devices(),
        inventory_version=store.assets.inventory_version(),
        alarms=alarms,
        titles={a.id: text.render(a, rule_of(stores.rules, a.rule), "fr") for a in alarms},
        stories=_stories(stores, alarms),
        commands=commands,
        persons={} if brief else _persons(stores, commands),
        records=records,
        reports=_reports(stores, period),
        cases=cases([r for r in records if r.book == BOOK]),
        journal=Journal() if brief else journal_of(stores.journal, period),
        log=log_state(stores),
        readings=counts.observations,
        quarantined=counts.quarantined,
        figures=() if brief else stores.figures(period),
        maturity=() if brief else stores.maturity(period),
        roles={user.id: user.role for user in store.people.users()},
    )


def kinds_of(domains: Mapping[str, Domain]) -> dict[tuple[str, str], str]:
    return {
        (name, kind.name): kind.label.fr
        for name, domain in domains.items()
        for kind in domain.kinds.values()
    }


def alarms_of(stores: Stores, period: Period) -> list[Alarm]:
    """Known within the period, and older ones that were still open at its start; oldest first."""
    store = stores.main.alarms
    found: dict[str, Alarm] = {}
    before, last = period.end_ms, ""
    while len(found) < PAPER_ALARMS_MAX:
        some = store.alarms([], limit=PAGE_ROWS_MAX, before_ms=before, before_id=last)
        found |= {alarm.id: alarm for alarm in some if alarm.seen_ms >= period.start_ms}
        if len(some) < PAGE_ROWS_MAX or some[-1].seen_ms < period.start_ms:
            break
        before, last = some[-1].seen_ms, some[-1].id
    for alarm in store.open_alarms():
        if alarm.seen_ms < period.end_ms:
            found[alarm.id] = alarm
    return sorted(found.values(), key=lambda alarm: (alarm.seen_ms, alarm.id))


def _stories(stores: Stores, alarms: Sequence[Alarm]) -> dict[str, Sequence[AlarmEvent]]:
    """Of grave alarms, and of those that were closed: how long they took."""
    wanted = [
        alarm
        for alarm in alarms
        if alarm.severity is Severity.GRAVE or alarm.state is AlarmState.CLOSED
    ]
    return {alarm.id: stores.main.alarms.events(alarm.id) for alarm in wanted}


def _persons(stores: Stores, commands: Sequence[CommandRow]) -> dict[str, int]:
    return {
        row.id: len({one.person for one in stores.commands.approvals(row.id)}) for row in commands
    }


def _reports(stores: Stores, period: Period) -> list[Report]:
    """Received within the period, newest first."""
    if stores.reports is None:
        return []
    found: list[Report] = []
    before = ""
    while len(found) < PAPER_ALARMS_MAX:
        wanted = Wanted(
            since_ms=period.start_ms, until_ms=period.end_ms, before=before, limit=PAGE_ROWS_MAX
        )
        some = stores.reports.reports(wanted)
        found += some
        if len(some) < PAGE_ROWS_MAX:
            break
        before = some[-1].id
    return found


def journal_of(log: LogStore | None, period: Period) -> Journal:
    """From the newest backwards, until an entry is older than the period or the limit is reached.
    Entries are nearly in order of time; a day of slack catches those that are not."""
    if log is None:
        return Journal()
    entries: dict[int, Entry] = {}
    subjects: dict[str, list[int]] = defaultdict(list)
    case_lines: dict[str, list[int]] = defaultdict(list)
    size = log.checkpoint().size
    last = max(-1, size - 1 - PAPER_ENTRIES_READ_MAX)
    index = size - 1
    while index > last:
        try:
            entry = read_entry(log.entry(index))
        except (LogError, ValueError):
            index -= 1
            continue  # `beffroi evidence fsck` names it; here it is simply not cited
        if entry.at_ms < period.start_ms - DAY_MS:
            break
        entries[index] = entry
        if entry.subject != NOTHING:
            subjects[entry.subject.hex()].insert(0, index)
        case = entry.refs.get("case")
        if isinstance(case, str):
            case_lines[case].insert(0, index)
        index -= 1
    return Journal(entries, subjects, case_lines, whole=not (index == last and last >= 0))


def log_state(stores: Stores) -> LogState | None:
    """Only witnesses whom the root has named count: any other cosignature proves nothing."""
    log, signed = stores.journal, stores.roster()
    if log is None:
        return None
    latest, seen = log.checkpoint(), log.witnessed()
    witnesses = len(vouched(seen, read_roster(signed))) if seen and signed else 0
    return LogState(log.origin, latest.size, latest.root.hex(), witnesses)
