"""Drafts of notices in French, filled from the facts of an incident. Pure; nothing is sent.

What is not known stays as a gap in square brackets. Drafts name no person. Each says that it is a
draft; in an exercise every draft begins and ends by saying so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from beffroi.hub.incidents.case import SENT, STEP, Case
from beffroi.hub.incidents.sheets import ADDRESSEES, SHEETS
from beffroi.ports.registers import Record

GAP = "[à compléter]"
EXERCISE = "*** EXERCICE – EXERCICE – EXERCICE *** Aucun événement réel. Ne pas donner suite."
DRAFT = "Projet rédigé à partir des faits notés dans Beffroi ; à relire et à signer avant envoi."
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the commune."""

    name: str
    zone: str = "Europe/Paris"
    insee: str = ""


def draft(case: Case, addressee: str, sender: Sender) -> str:
    """The text for one addressee of ADDRESSEES."""
    body = BODIES[addressee](case, sender)
    lines = [
        f"Commune de {sender.name or GAP}" + (f" (INSEE {sender.insee})" if sender.insee else ""),
        f"À : {ADDRESSEES[addressee].fr}",
        f"Objet : {case.title or SHEETS[case.sheet].title.fr} – incident {case.id}",
        "",
        *body,
        "",
        "Le maire ou son représentant : [nom, qualité, téléphone]",
        DRAFT,
    ]
    if case.exercise:
        lines = [EXERCISE, "", *lines, "", EXERCISE]
    return "\n".join(_spaced(line) for line in lines)


def moment(ms: int, zone: str) -> str:
    """`mardi 24 novembre 2026 à 14 h 03`."""
    at = datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))
    day = "1er" if at.day == 1 else str(at.day)
    date = f"{_DAYS[at.weekday()]} {day} {_MONTHS[at.month - 1]} {at.year}"
    return f"{date} à {at.hour} h {at.minute:02}"


def _common(case: Case, sender: Sender) -> list[str]:
    return [
        f"Nature de l’événement : {SHEETS[case.sheet].title.fr}.",
        f"Connu de la commune depuis le {moment(case.known_ms, sender.zone)}.",
        f"Ce qui a été constaté : {case.seen or GAP}",
        f"Conséquences connues : {case.effects or GAP}",
        f"Mesures prises : {case.measures or GAP}",
    ]


def _chronology(case: Case, sender: Sender) -> list[str]:
    kept = [line for line in case.lines if line.what in (STEP, SENT)][-20:]
    return ["Chronologie :", *(_step(line, sender) for line in kept)] if kept else []


def _step(line: Record, sender: Sender) -> str:
    if line.what == SENT:
        who = str(line.facts.get("addressee", ""))
        told = ADDRESSEES[who].fr if who in ADDRESSEES else who
        return f"– {moment(line.at_ms, sender.zone)} : information de : {told}"
    text = str(line.facts.get("text", "")) or "[contenu effacé]"
    return f"– {moment(line.at_ms, sender.zone)} : {text}"


def _simple(opening: str, asks: str) -> Callable[[Case, Sender], list[str]]:
    def body(case: Case, sender: Sender) -> list[str]:
        return [opening, "", *_common(case, sender), "", *_chronology(case, sender), "", asks]

    return body


def _cnil(case: Case, sender: Sender) -> list[str]:
    count = str(case.people) if case.people >= 0 else GAP
    return [
        "Notification d’une violation de données à caractère personnel (à saisir sur le "
        "téléservice de la CNIL ; première notification, à compléter ensuite).",
        "",
        *_common(case, sender),
        f"Nombre approximatif de personnes concernées : {count}",
        f"Catégories de données : {GAP}",
        f"Conséquences probables pour les personnes : {GAP}",
        f"Délégué à la protection des données : {GAP}",
        f"Personnes informées : {'oui' if case.told('persons') else 'pas encore'}",
    ]


def _persons(case: Case, sender: Sender) -> list[str]:
    return [
        "Madame, Monsieur,",
        "",
        f"Le {moment(case.known_ms, sender.zone)}, nous avons appris qu’un incident concerne des "
        "données qui vous concernent.",
        f"Ce que nous savons : {case.seen or GAP}",
        f"Données concernées : {GAP}",
        f"Ce que cela peut entraîner pour vous : {case.effects or GAP}",
        f"Ce que nous avons fait : {case.measures or GAP}",
        "Ce que vous pouvez faire : changer vos mots de passe, vous méfier des messages qui "
        "demandent un paiement ou un code, nous appeler en cas de doute.",
        "Notre délégué à la protection des données répond à vos questions : [coordonnées].",
    ]


BODIES: Mapping[str, Callable[[Case, Sender], list[str]]] = {
    "mayor": _simple("Information immédiate.", "Décision demandée : [traiter, atténuer, arrêter]."),
    "prefect": _simple(
        "Information d’urgence au titre du danger grave ou imminent (CGCT, art. L2212-4).",
        "Mesures de sûreté prescrites et renforts demandés : [à compléter].",
    ),
    "health": _simple(
        "Information sur la sécurité de l’eau distribuée.",
        "Analyses demandées et consigne proposée aux habitants : [à compléter].",
    ),
    "police": _simple(
        "Plainte pour accès frauduleux à un système de traitement automatisé de données et "
        "entrave à son fonctionnement (C. pénal, art. 323-1 et suivants ; qualification à "
        "confirmer par l’enquête).",
        "Pièces : fichier de preuves Beffroi (se contrôle hors ligne par « beffroi verify »).",
    ),
    "cnil": _cnil,
    "persons": _persons,
    "insurer": _simple(
        "Déclaration de sinistre au titre de la police cyber n° [à compléter].",
        "Récépissé de plainte : [numéro, date]. Coûts engagés : [à compléter].",
    ),
    "csirt": _simple(
        "Demande d’assistance et signalement d’incident.",
        "Indicateurs techniques disponibles : journaux, adresses, empreintes : [à compléter].",
    ),
    "body": _simple(
        "Information de l’autorité compétente sur l’ouvrage concerné.",
        "Intervention demandée : [à compléter].",
    ),
}


def drafts(case: Case, sender: Sender) -> Sequence[tuple[str, str]]:
    """(addressee, text) of those that the sheet proposes."""
    return [(who, draft(case, who, sender)) for who in SHEETS[case.sheet].told]


def _spaced(line: str) -> str:
    """No-break spaces where French wants them."""
    for mark in (":", ";", "!", "?", "»"):
        line = line.replace(f" {mark}", f"\u00a0{mark}")
    return line.replace("« ", "«\u00a0").replace("n° ", "n°\u00a0")
