"""Known risks with their decisions, and normal maintenance. Pure; French."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from beffroi.hub.alarms.text import DECISIONS
from beffroi.hub.dossier.books import BOOKS
from beffroi.hub.dossier.facts import Facts, register_cite
from beffroi.hub.dossier.lines import (
    ERASED,
    Cite,
    Line,
    Reach,
    counted,
    missing,
    proven,
    share,
    span,
)
from beffroi.model.alarm import Alarm, AlarmState
from beffroi.model.finding import Severity
from beffroi.ports.registers import Record

OPEN_SHOWN_MAX = 400
ENDED = ("resolved", "closed", "cleared")


def risks(facts: Facts) -> list[Line]:
    grave = [a for a in facts.alarms if a.severity is Severity.GRAVE and not a.group]
    bare = [a for a in grave if a.decision is None]
    lines = [_bare_count(facts, bare, grave)]
    lines += [_bare(facts, alarm) for alarm in bare[:OPEN_SHOWN_MAX]]
    lines += [_decided(facts, alarm) for alarm in grave if alarm.decision][:OPEN_SHOWN_MAX]
    lines += [_manual(facts, record) for record in facts.book("risk")]
    return lines


def _bare_count(facts: Facts, bare: Sequence[Alarm], grave: Sequence[Alarm]) -> Line:
    head = "Sans décision"
    if not grave:
        if facts.readings:
            return proven(
                "Aucune alarme grave connue sur la période.",
                Cite("count", f"{facts.readings} relevés"),
                head=head,
            )
        return missing("Alarmes graves : aucune mesure reçue.", head)
    cites = [Cite("alarm", a.id, a.seen_ms) for a in (bare or grave)]
    word = "alarmes graves" if len(bare) > 1 else "alarme grave"
    return proven(f"{len(bare)} {word} sans décision sur {len(grave)}.", *cites, head=head)


def _bare(facts: Facts, alarm: Alarm) -> Line:
    since = facts.calendar.when(alarm.seen_ms)
    text = f"{_title(facts, alarm)} – connue le {since}, sans décision."
    return proven(text, *facts.alarm_cites(alarm), head=_place(facts, alarm), reach=Reach.SEALED)


def _decided(facts: Facts, alarm: Alarm) -> Line:
    made, when = alarm.decision, facts.calendar
    if made is None:
        return missing(_title(facts, alarm))
    late = ""
    if made.deadline_ms < facts.now_ms and alarm.state is not AlarmState.CLOSED:
        late = f" Retard : {span(facts.now_ms - made.deadline_ms)}."
    waited = f" après {span(made.decided_ms - alarm.seen_ms)}" if made.decided_ms else ""
    reason = f" Motif : {made.reason}" if made.reason else ""
    text = (
        f"{_title(facts, alarm)} – {DECISIONS[made.kind.value].fr.lower()}, décidé le "
        f"{when.when(made.decided_ms)}{waited} ; responsable : {facts.who(made.owner)} ; échéance "
        f"{when.day(made.deadline_ms)}.{late}{reason}"
    )
    cites = facts.alarm_cites(alarm, "raised", "decided", "closed")
    return proven(text, *cites, head=_place(facts, alarm), reach=Reach.SEALED)


def _manual(facts: Facts, record: Record) -> Line:
    head = facts.services.get(record.key, record.key)
    cite = register_cite(record)
    if record.erased:
        return Line(ERASED, (cite,), head, Reach.SEALED)
    get = record.facts.get
    choices = BOOKS["risk"].fields[1].choices or {}
    decision = choices[str(get("decision"))].fr if str(get("decision")) in choices else "?"
    deadline = str(get("deadline", ""))
    late = ""
    try:
        today = facts.calendar.at(facts.now_ms).date()
        if date.fromisoformat(deadline) < today:
            late = " (échéance passée)"
        deadline = f"{date.fromisoformat(deadline):%d/%m/%Y}"
    except ValueError:
        deadline = "non dite"
    text = f"{get('what')} – {decision} ; responsable : {get('owner')} ; échéance {deadline}{late}."
    return Line(text, (cite,), head, Reach.SEALED)


def _title(facts: Facts, alarm: Alarm) -> str:
    return facts.titles.get(alarm.id, alarm.rule).rstrip(".")


def _place(facts: Facts, alarm: Alarm) -> str:
    return facts.services.get(alarm.domain, alarm.asset)


# --- normal maintenance ------------------------------------------------------------------------


def upkeep(facts: Facts) -> list[Line]:
    lines = []
    for name, label in facts.services.items():
        lines += _service(facts, name, label)
    return [*lines, *_reported(facts)]


def _service(facts: Facts, name: str, label: str) -> list[Line]:
    checks = [r for r in facts.in_period("check") if r.key == name]
    if checks:
        days = [str(r.facts.get("day", "")) for r in checks]
        good = sum(r.facts.get("result") == "good" for r in checks)
        text = f"{len(checks)} rondes ou contrôles, {good} sans défaut ; le dernier le {max(days)}."
        lines = [proven(text, *map(register_cite, checks), head=label)]
    else:
        lines = [missing("Rondes et contrôles.", label)]
    faults = [a for a in facts.alarms if a.domain == name and a.severity >= Severity.WARNING]
    waits = [(alarm, wait) for alarm in faults if (wait := repair_ms(facts, alarm)) is not None]
    open_now = [a for a in faults if a.state is not AlarmState.CLOSED and a.active]
    if waits:
        values = [wait for _, wait in waits]
        text = (
            f"{len(waits)} défauts levés ; délai médian {span(share(values, 0.5))}, neuf sur dix "
            f"en moins de {span(share(values, 0.9))} ; {len(open_now)} ouverts."
        )
        lines.append(proven(text, *(Cite("alarm", alarm.id, alarm.seen_ms) for alarm, _ in waits)))
    elif open_now:
        cites = [Cite("alarm", alarm.id, alarm.seen_ms) for alarm in open_now]
        lines.append(counted(f"{len(open_now)} défauts ouverts, aucun encore levé.", cites))
    else:
        lines.append(missing("Délai de réparation : aucun défaut mesuré."))
    return lines


def repair_ms(facts: Facts, alarm: Alarm) -> float | None:
    """From known to the first time its cause was gone, or it was resolved or closed."""
    ends = [e.at_ms for e in facts.stories.get(alarm.id, ()) if e.kind in ENDED]
    return max(0.0, float(min(ends) - alarm.seen_ms)) if ends else None


def _reported(facts: Facts) -> list[Line]:
    danger = [r for r in facts.reports if r.danger]
    safe = [r for r in danger if r.safe_ms]
    lines = [
        counted(
            f"{len(facts.reports)} signalements reçus, dont {len(danger)} d’un danger.",
            [facts.report_cite(report) for report in facts.reports],
            "Signalements",
        )
    ]
    if safe:
        waits = [float(report.safe_ms - report.received_ms) for report in safe]
        lines.append(
            proven(
                f"Mise en sécurité : médiane {span(share(waits, 0.5))}, neuf sur dix en moins de "
                f"{span(share(waits, 0.9))}.",
                *(facts.report_cite(report) for report in safe),
            )
        )
    else:
        lines.append(missing("Délai de mise en sécurité après un signalement."))
    return lines
