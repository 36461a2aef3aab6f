"""Commands and who mastered them; incidents with their clocks. Pure; French."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from beffroi import law
from beffroi.evidence import words
from beffroi.hub.dossier.applicability import situation_of
from beffroi.hub.dossier.facts import Facts
from beffroi.hub.dossier.lines import Cite, Line, Reach, counted, missing, proven
from beffroi.hub.incidents.case import Case
from beffroi.hub.incidents.clocks import Stand, clocks
from beffroi.hub.incidents.sheets import ADDRESSEES, SHEETS
from beffroi.ports.commands import CommandRow, State

STATES = {
    State.REQUESTED: "demandées",
    State.AWAITING: "en attente d’approbation",
    State.READY: "prêtes",
    State.SENT: "envoyées",
    State.DONE: "exécutées et relues",
    State.REFUSED: "refusées",
    State.FAILED: "en échec",
    State.EXPIRED: "expirées",
    State.UNKNOWN: "sans réponse",
    State.CANCELLED: "annulées",
}
STANDS = {
    Stand.RUNNING: "en cours",
    Stand.LATE: "en retard",
    Stand.DONE: "tenu",
    Stand.DONE_LATE: "tenu en retard",
    Stand.OFF: "sans objet",
    Stand.WAITING: "pas encore ouvert",
}
REFUSED_SHOWN_MAX = 200


def orders(facts: Facts) -> list[Line]:
    rows = facts.commands
    tests = [r for r in facts.in_period("test") if r.facts.get("type") == "attack"]
    attacks = [
        missing("Attaques de l’article rejouées : date et résultat.", "Essais")
        if not tests
        else proven(
            f"{len(tests)} attaques rejouées (voir section 11).",
            *(Cite("register", r.id, r.at_ms, r.entry) for r in tests),
            head="Essais",
        )
    ]
    if not rows:
        return [missing("Aucune commande sur la période.", "Commandes"), *attacks]
    cites = {row.id: facts.command_cite(row) for row in rows}
    by_state = Counter(row.state for row in rows)
    told = ", ".join(f"{STATES[s]} : {by_state[s]}" for s in State if by_state[s])
    lines = [proven(f"{len(rows)} commandes ({told}).", *cites.values(), head="Commandes")]
    sent = [row for row in rows if row.sent_ms]
    two = [row for row in sent if facts.persons.get(row.id, 0) >= 2]
    one = [row for row in sent if facts.persons.get(row.id, 0) == 1]
    none = [row for row in sent if not facts.persons.get(row.id)]
    lines.append(
        counted(
            f"Approbation : {len(two)} par deux personnes ou plus, {len(one)} par une, "
            f"{len(none)} selon un plan signé.",
            [cites[row.id] for row in sent],
        )
    )
    done = [row for row in sent if row.state is State.DONE]
    lines.append(
        counted(
            f"{len(done)} résultats relus sur {len(sent)} commandes envoyées.",
            [cites[row.id] for row in done],
        )
    )
    return [*lines, *_refusals(facts, cites), *attacks]


def _refusals(facts: Facts, cites: dict[str, Cite]) -> list[Line]:
    refused = [row for row in facts.commands if row.state is State.REFUSED]
    by_reason: dict[str, list[CommandRow]] = {}
    for row in refused:
        by_reason.setdefault(row.reason, []).append(row)
    lines = [
        proven(
            f"{len(rows)} refusées : {words.reason(reason).fr or 'motif non dit'}.",
            *(cites[row.id] for row in rows),
            head="Refus",
        )
        for reason, rows in sorted(by_reason.items())
    ]
    lines += [
        proven(
            f"{row.action} sur {row.target}, le {facts.calendar.when(row.created_ms)} : "
            f"{words.reason(row.reason).fr}.",
            cites[row.id],
            reach=Reach.SEALED,
        )
        for row in refused[:REFUSED_SHOWN_MAX]
    ]
    return lines


def incidents(facts: Facts) -> list[Line]:
    mine = [case for case in facts.cases if facts.period.has(case.opened_ms)]
    if not mine:
        return [missing("Aucun incident inscrit sur la période.", "Incidents")]
    lines: list[Line] = []
    for case in reversed(mine):
        lines += _case(facts, case)
    return lines


def _case(facts: Facts, case: Case) -> list[Line]:
    when = facts.calendar
    what = "Exercice" if case.exercise else "Incident"
    head = f"{what} {case.id}"
    cites = [Cite("incident", case.id, case.opened_ms, e) for e in case.entries()[:1]]
    cites = cites or [Cite("incident", case.id, case.opened_ms)]
    state = f"clos le {when.when(case.closed_ms)}" if case.closed_ms else "ouvert"
    text = f"{SHEETS[case.sheet].title.fr} – connu le {when.when(case.known_ms)}, {state}."
    lines = [proven(text, *cites, head=head, reach=Reach.INSIDE)]
    told = facts.book("situation")
    situation = situation_of(facts.commune.inhabitants, told[-1] if told else None)
    alarm = next((a for a in facts.alarms if a.id == case.alarm), None)
    decided = alarm.decision.decided_ms if alarm and alarm.decision else 0
    for clock in clocks(case, law.deadlines(), situation, facts.now_ms, decided):
        if clock.stand in (Stand.OFF, Stand.WAITING):
            continue
        doubt = "" if clock.sure else "\u00a0(à vérifier)"
        done = f" le {when.when(clock.done_ms)}" if clock.done_ms else ""
        lines.append(
            proven(
                f"{clock.deadline.text} : {STANDS[clock.stand]}{done} ; échéance "
                f"{when.when(clock.due_ms)}{doubt}.",
                *cites,
                reach=Reach.INSIDE,
            )
        )
    lines += [_sent(facts, case, who, at) for who, at in case.sent]
    if case.lessons:
        closing = case.entries()[-1:]
        ends = [Cite("incident", case.id, case.closed_ms, e) for e in closing] or cites
        lines.append(proven(f"Retour d’expérience : {case.lessons}", *ends, reach=Reach.SEALED))
    else:
        lines.append(missing(f"Retour d’expérience de l’incident {case.id}."))
    if case.exercise:  # each line says so: a line may be quoted alone
        return [replace(line, text=f"[Exercice] {line.text}") for line in lines]
    return lines


def _sent(facts: Facts, case: Case, who: str, at: int) -> Line:
    name = ADDRESSEES[who].fr if who in ADDRESSEES else who
    entry = next(
        (r.entry for r in case.lines if r.what == "sent" and r.facts.get("addressee") == who), -1
    )
    cite = Cite("incident", case.id, at, entry)
    return proven(f"{name} : informé le {facts.calendar.when(at)}.", cite, reach=Reach.INSIDE)
