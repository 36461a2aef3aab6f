"""The extract for one asset at one moment: state then, last check, reports, alarms, commands, what
followed. Reads the stores; the sections are made purely.

"Nobody reported it" is no proof of upkeep: a part without data says "non prouvé".
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass

from beffroi.evidence import words
from beffroi.hub.alarms import text
from beffroi.hub.alarms.turn import rule_of
from beffroi.hub.dispatch.words import STATES
from beffroi.hub.dossier.facts import Facts, Period, register_cite
from beffroi.hub.dossier.gather import NOWHERE, Stores, journal_of, kinds_of, log_state
from beffroi.hub.dossier.lines import Cite, Line, Section, missing, proven, span
from beffroi.model.alarm import Alarm, AlarmEvent
from beffroi.model.asset import Asset, Property
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report
from beffroi.ports.commands import CommandRow
from beffroi.ports.registers import Record
from beffroi.ports.reports import Wanted

BEFORE_MS, AFTER_MS = 400 * DAY_MS, 90 * DAY_MS  # reports, commands and what followed
READING_MS = 7 * DAY_MS  # an older value is no state


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest value of a property at the moment. `heard_ms`: when the hub knew."""

    prop: Property
    value: float
    ts_ms: int
    heard_ms: int
    suspect: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one asset around one moment."""

    asset: Asset
    at_ms: int
    readings: Sequence[Reading]
    checks: Sequence[Record]
    reports: Sequence[Report]
    alarms: Sequence[Alarm]
    events: Sequence[tuple[Alarm, AlarmEvent]]
    commands: Sequence[CommandRow]


def look(stores: Stores, asset: Asset, at_ms: int) -> tuple[Facts, Seen]:
    """Blocks: call it in a thread."""
    period = Period(max(1, at_ms - BEFORE_MS), at_ms + AFTER_MS)
    alarms = [
        a
        for a in stores.main.alarms.alarms(
            [], asset=asset.id, limit=PAGE_ROWS_MAX * 5, before_ms=period.end_ms
        )
        if period.has(a.seen_ms)
    ]
    stories = {alarm.id: stores.main.alarms.events(alarm.id) for alarm in alarms}
    records = stores.registers.records(end_ms=period.end_ms)
    facts = Facts(
        commune=stores.main.assets.commune() or NOWHERE,
        period=period,
        now_ms=stores.clock.now_ms(),
        version=importlib.metadata.version("beffroi"),
        services={name: one.label.fr for name, one in stores.domains.items()},
        kinds=kinds_of(stores.domains),
        assets=[asset],
        alarms=alarms,
        titles={a.id: text.render(a, rule_of(stores.rules, a.rule), "fr") for a in alarms},
        stories=stories,
        records=records,
        journal=journal_of(stores.journal, period),
        log=log_state(stores),
    )
    seen = Seen(
        asset=asset,
        at_ms=at_ms,
        readings=_readings(stores, asset, at_ms),
        checks=[
            r
            for r in facts.book("check", asset.domain)
            if r.facts.get("asset", "") in ("", asset.id) and not r.erased
        ],
        reports=_reports(stores, asset, period),
        alarms=alarms,
        events=sorted(
            ((a, e) for a in alarms for e in stories[a.id]), key=lambda pair: pair[1].at_ms
        ),
        commands=[
            row
            for row in stores.commands.commands(
                target=asset.id, limit=PAGE_ROWS_MAX * 5, before_ms=period.end_ms
            )
            if period.has(row.created_ms)
        ],
    )
    return facts, seen


def _readings(stores: Stores, asset: Asset, at_ms: int) -> list[Reading]:
    kind = stores.domains[asset.domain].kinds[asset.kind]
    found: dict[str, Reading] = {}
    for key, series in stores.main.readings.series_of([asset.id]).items():
        prop = kind.properties.get(key.prop)
        if prop is None:
            continue
        points = stores.main.readings.points(series, at_ms - READING_MS, at_ms + 1)
        if len(points.ts_ms) == 0:
            continue
        one = Reading(
            prop,
            float(points.value[-1]),
            int(points.ts_ms[-1]),
            int(points.recv_ms[-1]),
            int(points.quality[-1]) != 0,
        )
        if key.prop not in found or found[key.prop].ts_ms < one.ts_ms:
            found[key.prop] = one
    return [found[name] for name in kind.properties if name in found]


def _reports(stores: Stores, asset: Asset, period: Period) -> list[Report]:
    if stores.reports is None:
        return []
    wanted = Wanted(
        asset=asset.id,
        since_ms=period.start_ms,
        until_ms=period.end_ms,
        limit=PAGE_ROWS_MAX,
    )
    return sorted(stores.reports.reports(wanted), key=lambda report: report.received_ms)


def sections(facts: Facts, seen: Seen) -> list[Section]:
    """Pure."""
    parts = (
        ("État à cet instant", _state(facts, seen)),
        ("Dernier contrôle", _checks(facts, seen)),
        ("Signalements reçus", _reported(facts, seen)),
        ("Alarmes ouvertes à cet instant", _open(facts, seen)),
        ("Commandes avant cet instant", _orders(facts, seen)),
        ("Ce qui a suivi", _after(facts, seen)),
    )
    return [Section(-1, title, tuple(lines)) for title, lines in parts]


def _state(facts: Facts, seen: Seen) -> list[Line]:
    when = facts.calendar
    lines = [
        proven(
            f"{facts.services.get(seen.asset.domain, '')} – autorité compétente inscrite : "
            f"{seen.asset.authority}.",
            Cite("inventory", seen.asset.id),
            head="Ouvrage",
        )
    ]
    for one in seen.readings:
        late = ""
        if one.heard_ms > seen.at_ms:
            late = f" Le centre ne l’a su que le {when.when(one.heard_ms)}."
        old = seen.at_ms - one.ts_ms
        aged = f" Valeur vieille de {span(old)}." if old > one.prop.stale_s * 1000 else ""
        doubt = " Jugée suspecte." if one.suspect else ""
        cite = Cite("reading", f"{seen.asset.id}/{one.prop.name}", one.ts_ms)
        text_ = f"{_value(one)}, mesuré le {when.when(one.ts_ms)}.{aged}{late}{doubt}"
        lines.append(proven(text_, cite, head=one.prop.label.fr))
    if not seen.readings:
        lines.append(missing("Aucune mesure dans les sept jours qui précèdent.", "Mesures"))
    return lines


def _value(one: Reading) -> str:
    states = one.prop.states or {}
    if round(one.value) in states:
        return states[round(one.value)].fr
    number = f"{one.value:,.{one.prop.digits}f}".replace(",", "\u202f").replace(".", ",")
    return f"{number}\u00a0{one.prop.unit}".strip()


def _checks(facts: Facts, seen: Seen) -> list[Line]:
    day = f"{facts.calendar.at(seen.at_ms):%Y-%m-%d}"
    before = [r for r in seen.checks if str(r.facts.get("day", "")) <= day]
    if not before:
        return [missing("Ronde ou contrôle avant cet instant.")]
    last = max(before, key=lambda record: str(record.facts.get("day", "")))
    result = "sans défaut" if last.facts.get("result") == "good" else "défaut constaté"
    late = " Inscrit après les faits." if last.at_ms > seen.at_ms else ""
    told = f"{last.facts.get('what', '')} : {result}.{late}"
    return [proven(told, register_cite(last), head=str(last.facts.get("day", "")))]


def _reported(facts: Facts, seen: Seen) -> list[Line]:
    before = [r for r in seen.reports if r.received_ms <= seen.at_ms]
    if not before:
        return [
            missing("Aucun signalement reçu avant cet instant ; cela ne prouve pas l’entretien.")
        ]
    return [
        proven(
            f"Signalement{' d’un danger' if r.danger else ''} ; "
            + (
                f"mis en sécurité le {facts.calendar.when(r.safe_ms)}."
                if r.safe_ms
                else "mise en sécurité non notée."
            ),
            facts.report_cite(r),
            head=facts.calendar.when(r.received_ms),
        )
        for r in before
    ]


def _ended_ms(facts: Facts, alarm: Alarm) -> int:
    ends = [e.at_ms for e in facts.stories.get(alarm.id, ()) if e.kind in ("closed", "resolved")]
    return min(ends, default=0)


def _open(facts: Facts, seen: Seen) -> list[Line]:
    then = [
        a
        for a in seen.alarms
        if a.seen_ms <= seen.at_ms and not 0 < _ended_ms(facts, a) <= seen.at_ms
    ]
    if not then and not seen.readings:
        return [missing("Alarmes : l’ouvrage n’était pas mesuré.")]
    if not then:
        cites = [Cite("reading", seen.asset.id, r.ts_ms) for r in seen.readings]
        return [proven("Aucune alarme ouverte.", *cites)]
    return [
        proven(
            f"{facts.titles[a.id].rstrip('.')} – connue {span(seen.at_ms - a.seen_ms)} avant.",
            *facts.alarm_cites(a),
            head=facts.calendar.when(a.seen_ms),
        )
        for a in then
    ]


def _orders(facts: Facts, seen: Seen) -> list[Line]:
    before = [row for row in seen.commands if row.created_ms <= seen.at_ms][:20]
    if not before:
        return [missing("Aucune commande avant cet instant.")]
    return [_order(facts, row) for row in before]


def _order(facts: Facts, row: CommandRow) -> Line:
    why = f" ({words.reason(row.reason).fr})" if row.reason else ""
    told = f"{row.action} : {STATES[row.state].fr}{why}."
    return proven(told, facts.command_cite(row), head=facts.calendar.when(row.created_ms))


def _after(facts: Facts, seen: Seen) -> list[Line]:
    lines: list[tuple[int, Line]] = []
    for alarm, event in seen.events:
        if event.at_ms > seen.at_ms and event.kind != "reminded":
            word = text.EVENTS[event.kind].fr if event.kind in text.EVENTS else event.kind
            told = f"{word} – {facts.titles[alarm.id].rstrip('.')}."
            cites = facts.alarm_cites(alarm, event.kind)
            lines.append((event.at_ms, _dated(facts, event.at_ms, told, cites)))
    for report in seen.reports:
        if report.received_ms > seen.at_ms:
            cites = [facts.report_cite(report)]
            lines.append(
                (report.received_ms, _dated(facts, report.received_ms, "Signalement reçu.", cites))
            )
    for row in seen.commands:
        if row.created_ms > seen.at_ms:
            lines.append((row.created_ms, _order(facts, row)))
    if not lines:
        return [missing("Aucune suite notée dans les trois mois.")]
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def _dated(facts: Facts, ms: int, told: str, cites: Sequence[Cite]) -> Line:
    return proven(told, *cites, head=facts.calendar.when(ms))
