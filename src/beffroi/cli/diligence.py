"""Puts the diligence office together: registers, incidents, papers, grave alarms in the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import structlog

from beffroi import law
from beffroi.adapters.log.log import Log
from beffroi.adapters.log.reading import Reader, origin_in
from beffroi.adapters.pdf.maker import TypstPapers
from beffroi.adapters.sql import SqlStore
from beffroi.adapters.trust.online import seed
from beffroi.cli import place
from beffroi.cli.results import scoreboard_of
from beffroi.cli.settings import Settings
from beffroi.cli.steady import steady
from beffroi.domains.base import Domain
from beffroi.evidence.vkey import Vkey
from beffroi.hub.coordination import rules as coordination_rules
from beffroi.hub.dispatch import rules as dispatch_rules
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dossier.facts import Figure, Period
from beffroi.hub.dossier.gather import Figures, no_figures
from beffroi.hub.dossier.ledger import Ledger
from beffroi.hub.dossier.office import Office
from beffroi.hub.dossier.proofs import log_roster
from beffroi.hub.house import rules as house_rules
from beffroi.hub.incidents.opening import ByItself
from beffroi.hub.incidents.reminders import Reminders
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.hub.maturity.office import Assessments
from beffroi.hub.privacy import rules as privacy_rules
from beffroi.kernel.document import is_id
from beffroi.kernel.roster import LOG
from beffroi.model.finding import Rule
from beffroi.model.measure import Span
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogError, LogStore

DEFAULT_COMMUNE = "commune"
log = structlog.get_logger("diligence")


@asynccontextmanager
async def journal_of(
    settings: Settings, store: SqlStore, dispatch: Dispatch | None
) -> AsyncIterator[LogStore | None]:
    """The dispatcher's log; before the commune has a root of trust, the same log opened alone, so
    that decisions, incidents, reports and figures are dated from the first day. Opened once: a
    second writer would be refused."""
    if dispatch is not None:
        yield dispatch.book.log
        return
    try:
        own = open_alone(settings, store)
    except (LogError, OSError) as error:
        log.error("evidence_log_closed", error=str(error))
        yield None
        return
    try:
        yield own
    finally:
        own.close()


def open_alone(settings: Settings, store: SqlStore) -> Log:
    """LogError when another program writes it."""
    folder = settings.home / "evidence"
    known = settings.home / "keys" / "log.pem"
    return Log(
        folder, _name(settings, store), seed=seed(settings.home, LOG) if known.exists() else None
    )


def _name(settings: Settings, store: SqlStore) -> str:
    """Of the log that lies there, else the commune's."""
    try:
        return origin_in(settings.home / "evidence").removeprefix("beffroi/")
    except LogError:
        commune = store.assets.commune()
        return commune.id if commune and is_id(commune.id) else DEFAULT_COMMUNE


def figures_of(results: Scoreboard | None) -> Figures:
    """Indicators of the period, in words."""
    if results is None:
        return no_figures

    def figures(period: Period) -> Sequence[Figure]:
        found = results.compute(Span(period.start_ms, period.end_ms))
        return [
            Figure(one.text, _value(found[ident].value, one.unit.fr), f"indicateur {ident}")
            if found[ident].value is not None
            else Figure(one.text, "", "")
            for ident, one in law.indicators().items()
        ]

    return figures


def maturity_of(results: Scoreboard | None) -> Figures:
    """Strict and observed level, axes and what to do next, as of now; nothing without answers."""
    if results is None:
        return no_figures
    desk, source = Assessments(results), "questionnaire de maturité"

    def told(period: Period) -> Sequence[Figure]:
        del period  # the method judges today's documents: their age is part of it
        if not desk.answers() and not desk.initiatives():
            return ()
        result, todo, _ = desk.result()
        axes = {axis.id: axis.fr for axis in law.maturity().axes}
        return [
            Figure("Niveau strict", f"{result.strict} sur 4", source),
            Figure("Niveau constaté", f"{result.observed} sur 4", source),
            Figure("Indice de vigilance", result.grade, source),
            *(Figure(f"Axe : {axes[k]}", f"{n} sur 4", source) for k, n in result.axes.items()),
            *(
                Figure("À faire", f"{one.text.fr} ({one.effort_days:g} j, {one.raises.fr})", source)
                for one in todo
            ),
        ]

    return told


def _value(value: float | None, unit: str) -> str:
    number = f"{value or 0:,.2f}".rstrip("0").rstrip(".")
    return f"{number.replace(',', chr(0x202F)).replace('.', ',')}\u00a0{unit}".strip()


def roster_of(
    dispatch: Dispatch | None, journal: LogStore | None, clock: Clock
) -> Callable[[], bytes]:
    """The signed roster; before there is one, the key of the log alone."""

    def roster() -> bytes:
        if dispatch is not None:
            with contextlib.suppress(DeniedError):
                return dispatch.book.trusted.roster.encoded()
        key: Vkey | None = getattr(journal, "vkey", None)  # of a log in files
        if journal is None or key is None:
            return b""
        commune = journal.origin.removeprefix("beffroi/")
        return log_roster(commune, key.public, clock.now_ms())

    return roster


def office_of(
    store: SqlStore,
    journal: LogStore | None,
    clock: Clock,
    domains: Mapping[str, Domain],
    rules: Mapping[str, Rule],
    results: Scoreboard | None = None,
    roster: Callable[[], bytes] = bytes,
) -> Office:
    return Office(
        store,
        store.registers,
        store.commands,
        store.reports,
        journal,
        clock,
        domains,
        rules,
        TypstPapers(),
        figures_of(results),
        roster,
        maturity_of(results),
    )


def rules_of(known: Mapping[str, Domain]) -> dict[str, Rule]:
    """Of every part of the hub and of every domain."""
    rules = {**dispatch_rules.RULES, **coordination_rules.RULES}
    rules |= {**privacy_rules.RULES, **house_rules.RULES}
    for domain in known.values():
        rules |= domain.rules
    return rules


@contextmanager
def reader_of(settings: Settings) -> Iterator[LogStore | None]:
    """The log beside a running hub; None when there is none."""
    try:
        log_file = Reader(settings.home / "evidence")
    except LogError:
        yield None
        return
    try:
        yield log_file  # type: ignore[misc]  # it reads; nothing here writes
    finally:
        log_file.close()


@asynccontextmanager
async def diligence(
    settings: Settings,
    store: SqlStore,
    clock: Clock,
    domains: Mapping[str, Domain],
    rules: Mapping[str, Rule],
    dispatch: Dispatch | None,
    journal: LogStore | None,
) -> AsyncIterator[tuple[Office, Ledger]]:
    """The office and the ledger of grave alarms, until the block ends."""
    results = scoreboard_of(store, clock, domains, dispatch, journal)
    office = office_of(
        store, journal, clock, domains, rules, results, roster_of(dispatch, journal, clock)
    )
    ledger = Ledger(office.registers, store.alarms, ByItself(office.incidents, rules))
    ledger.start()
    reminders = Reminders(
        office.incidents,
        store.alarms,
        place.notifier_of(settings),
        store.people.users,
        office.situation,
        clock,
    )
    reminding = asyncio.create_task(steady("reminders", reminders.run))
    try:
        yield office, ledger
    finally:
        reminding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reminding
        await asyncio.to_thread(ledger.close)
        await asyncio.to_thread(office.close)
