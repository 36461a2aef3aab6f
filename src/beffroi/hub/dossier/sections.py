"""The fourteen sections of the diligence file, from the facts. Pure; French.

Each function answers one section of the law data's outline. It claims only what it can cite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from beffroi import law
from beffroi.hub.dossier import sections_care, sections_rule, sections_watch
from beffroi.hub.dossier.applicability import Applies, answers, situation_of
from beffroi.hub.dossier.books import BOOKS
from beffroi.hub.dossier.facts import Facts, register_cite
from beffroi.hub.dossier.lines import (
    ERASED,
    Cite,
    Line,
    Reach,
    Section,
    counted,
    missing,
    proven,
)
from beffroi.ports.registers import Record

NB = "\u00a0"


def build(facts: Facts) -> list[Section]:
    """All sections, every line in them: `lines.for_edition` then leaves out what must be."""
    return [
        Section(one.n, one.title, tuple(MAKERS[one.n](facts)), one.law)
        for one in law.dossier().sections
    ]


def _cover(facts: Facts) -> list[Line]:
    when, log = facts.calendar, facts.log
    last_day = when.day(facts.period.end_ms - 1)
    inventory = Cite("inventory", f"version {facts.inventory_version}")
    lines = [
        proven(
            f"Commune de {facts.commune.name or facts.commune.id}, {len(facts.assets)} ouvrages.",
            inventory,
            head="Périmètre",
        ),
        proven(
            f"Du {when.day(facts.period.start_ms)} au {last_day}.",
            Cite("count", f"{facts.readings} relevés"),
            head="Période",
        ),
    ]
    if log is None:
        return [*lines, missing("Racine du journal de preuves.", "Journal")]
    tip = Cite("log", f"{log.origin} à {log.size} entrées")
    lines.append(proven(f"Racine {log.root}, {log.size} entrées.", tip, head="Journal"))
    if log.witnesses:
        lines.append(proven(f"{log.witnesses} témoin(s) extérieur(s) ont signé.", tip))
    else:
        lines.append(missing("Signature d’un témoin extérieur.", "Témoins"))
    lines.append(missing("Jeton d’horodatage d’un prestataire (facultatif).", "Horodatage"))
    if not facts.journal.whole:
        lines.append(missing("Entrées les plus anciennes de la période : non relues ici."))
    return lines


def _competent(facts: Facts) -> list[Line]:
    lines = []
    for name, label in facts.services.items():
        told = facts.book("competence", name)
        if told:
            lines.append(_declared(told[-1], label))
        else:
            lines.append(missing("Titulaire de la compétence, base et pièce.", label))
    bodies: dict[str, int] = {}
    for asset in facts.assets:
        bodies[asset.authority] = bodies.get(asset.authority, 0) + 1
    inventory = Cite("inventory", f"version {facts.inventory_version}")
    told_of = ", ".join(f"{name} ({count})" for name, count in sorted(bodies.items()))
    if bodies:
        lines.append(proven(f"Autorité inscrite sur les ouvrages : {told_of}.", inventory))
    duties = facts.book("delegation")
    lines += [_declared(record, "Délégation") for record in duties]
    if not duties:
        lines.append(missing("Délégations, astreinte, suppléance.", "Délégation"))
    return lines


def _means(facts: Facts) -> list[Line]:
    inhabitants = facts.commune.inhabitants
    inventory = Cite("inventory", "commune")
    lines = [
        proven(f"{inhabitants} habitants.", inventory, head="Population")
        if inhabitants
        else missing("Population.", "Population")
    ]
    yearly = facts.book("means")
    lines += [_declared(record, record.key) for record in yearly[-5:]]
    if not yearly:
        lines.append(missing("Budget, effectifs, prestataires, difficultés propres.", "Moyens"))
    asked = facts.in_period("request")
    lines += [_declared(record, facts.services.get(record.key, record.key)) for record in asked]
    if not asked:
        lines.append(missing("Demandes accordées, refusées ou non financées.", "Demandes"))
    lines.append(missing("Relief et saison.", "Difficultés"))
    return lines


def _works(facts: Facts) -> list[Line]:
    inventory = Cite("inventory", f"version {facts.inventory_version}")
    lines = []
    for name, label in facts.services.items():
        mine = [asset for asset in facts.assets if asset.domain == name]
        kinds: dict[str, int] = {}
        for asset in mine:
            word = facts.kinds.get((name, asset.kind), asset.kind)
            kinds[word] = kinds.get(word, 0) + 1
        told = ", ".join(f"{word} : {count}" for word, count in sorted(kinds.items()))
        if mine:
            lines.append(proven(f"{len(mine)} ouvrages ({told}).", inventory, head=label))
    lines += _support(facts)
    lines.append(missing("Âge des ouvrages et arrêté lié à chacun.", "Arrêtés"))
    return [*lines, *_obligations(facts)]


def _support(facts: Facts) -> list[Line]:
    today = facts.calendar.at(facts.now_ms).date()
    told = [device for device in facts.devices if device.support_end]
    over = [d for d in told if _before(d.support_end, today)]
    cites = [Cite("device", device.id) for device in (over or told)]
    text = f"{len(over)} équipements sans support du fabricant sur {len(told)} renseignés."
    return [
        counted(text, cites, "Support", Reach.SEALED),
        missing(f"{len(facts.devices) - len(told)} équipements sans date de fin de support.")
        if len(facts.devices) > len(told)
        else proven("Fin de support connue de chaque équipement.", Cite("inventory")),
    ]


def _obligations(facts: Facts) -> list[Line]:
    told = facts.book("situation")
    situation = situation_of(facts.commune.inhabitants, told[-1] if told else None)
    base = register_cite(told[-1]) if told else None
    words = {Applies.YES: "S’applique", Applies.NO: "Ne s’applique pas"}
    lines = []
    for answer in answers(law.obligations(), situation):
        one = answer.obligation
        mark = f"{NB}(à vérifier)" if answer.doubt else ""
        word = words.get(answer.applies)
        if word is None:
            lines.append(missing(f"{answer.why[:1].upper()}{answer.why[1:]}{mark}.", one.id))
            continue
        cites = [Cite("law", one.id), *([base] if base else [])]
        lines.append(proven(f"{word} – {answer.why}{mark}.", *cites, head=one.id))
    return lines


def _before(iso: str, today: date) -> bool:
    try:
        return date.fromisoformat(iso) < today
    except ValueError:
        return False


def _declared(record: Record, head: str) -> Line:
    return declared(record, head)


def declared(record: Record, head: str = "") -> Line:
    """A line of a register as it was declared: the words of its form, one after the other."""
    book = BOOKS[record.book]
    reach = Reach.SEALED if book.secret else Reach.ALL
    if record.erased:
        return Line(ERASED, (register_cite(record),), head, reach)
    parts = []
    for field in book.fields:
        value = record.facts.get(field.name)
        if value is None:
            continue
        known = (field.choices or {}).get(str(value))
        shown = known.fr if known else _number(value) if isinstance(value, int) else str(value)
        parts.append(f"{field.label.fr} : {shown}")
    return Line(" ; ".join(parts) + ".", (register_cite(record),), head, reach)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _tests(facts: Facts) -> list[Line]:
    lines = [declared(record, "Essai") for record in facts.in_period("test")]
    done = {str(record.facts.get("type")) for record in facts.in_period("test")}
    wanted = {
        "restore": "Essai de restauration d’une sauvegarde.",
        "degraded": "Exercice de marche dégradée.",
        "alert": "Exercice d’alerte (PCS).",
    }
    return [*lines, *(missing(text, "Essai") for key, text in wanted.items() if key not in done)]


def _public(facts: Facts) -> list[Line]:
    lines = [declared(record, "Transparence") for record in facts.in_period("public")]
    return lines or [
        missing("Jeux ouverts, algorithmes publiés."),
        missing("Déclaration d’accessibilité (RGAA)."),
        missing("Compte rendu au conseil (délibération)."),
    ]


def _progress(facts: Facts) -> list[Line]:
    lines = [
        proven(f"{one.value}", Cite("count", one.source), head=one.name)
        if one.source
        else missing(f"{one.name}.")
        for one in (*facts.maturity, *facts.figures)
    ]
    if not facts.maturity:
        lines.append(missing("Niveau de maturité, plan d’action chiffré."))
    lines.append(missing("Ce qui n’a pas été fait, et pourquoi."))
    return lines


MAKERS: Mapping[int, Callable[[Facts], list[Line]]] = {
    0: _cover,
    1: _competent,
    2: _means,
    3: _works,
    4: sections_care.risks,
    5: sections_care.upkeep,
    6: sections_rule.orders,
    7: sections_watch.watching,
    8: sections_rule.incidents,
    9: sections_watch.personal,
    10: sections_watch.hygiene,
    11: _tests,
    12: _public,
    13: _progress,
}
