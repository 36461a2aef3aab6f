"""The record of processing activities (RGPD article 30), from the modules that are on.

A paper of the town hall, so in French. It says what the software does; who answers for it, and what
the commune does beside it, only the commune can write. Lives are those that the store enforces.
Knows no page.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from beffroi.model.limits import ACCESS_LOG_DAYS, BACKUP_DAYS, OUTBOX_DAYS, SESSION_S_MAX
from beffroi.model.purposes import PURPOSES, SIGN_INS
from beffroi.ports.personal import Held

ALWAYS = ""
_VAULT = (
    "Coffre séparé, une clé de chiffrement par personne (AES-256-GCM), lectures journalisées, "
    "quantité lue par jour limitée, exports de masse confirmés par deux personnes."
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the record. `module` is what must be on; `purpose` one of the store's, or ""."""

    module: str
    name: str
    aim: str
    basis: str
    people: str
    data: str
    recipients: str
    life: str
    safety: str
    purpose: str = ""


class Line(NamedTuple):
    """An activity as it is now: how many persons it concerns, None where nobody counts them."""

    activity: Activity
    persons: int | None


def _life(purpose: str) -> str:
    return f"{PURPOSES[purpose].days} jours au plus, puis effacement de la clé et des champs."


_ACTIVITIES = (
    Activity(
        ALWAYS,
        "Comptes des agents et des élus",
        "Ouvrir l’accès au centre de pilotage et savoir qui a fait quoi.",
        "Mission d’intérêt public (article 6, 1, e) ; sécurité du traitement (article 32).",
        "Agents, élus et prestataires qui ont un compte.",
        "Nom, adresse électronique facultative, rôle, empreinte de la phrase de passe, second "
        "facteur, dernières connexions.",
        "Administrateurs de la commune.",
        f"Tant que le compte existe ; une session dure {SESSION_S_MAX // 3600} heures au plus.",
        "Phrase de passe conservée sous forme d’empreinte (argon2id) ; second facteur dans le "
        "coffre : " + _VAULT,
        "account",
    ),
    Activity(
        "reports",
        "Signalements des habitants",
        "Recevoir un signalement, y répondre, réparer ce qui est dangereux.",
        "Mission d’intérêt public (article 6, 1, e).",
        "Habitants qui écrivent ; personnes que leurs mots ou leurs photos montreraient.",
        "Adresse électronique facultative, mots et photo tels qu’ils ont été envoyés. Le lieu et "
        "le texte publiés sont relus par un agent.",
        "Agents chargés des signalements.",
        _life("reports"),
        _VAULT,
        "reports",
    ),
    Activity(
        "consultations",
        "Consultations et idées",
        "Recueillir des avis et des idées, compter les voix.",
        "Mission d’intérêt public (article 6, 1, e).",
        "Habitants qui participent.",
        "Adresse électronique facultative, texte envoyé. Aucun vote n’est rattaché à un nom.",
        "Agents chargés de la consultation.",
        _life("consultations"),
        _VAULT,
        "consultations",
    ),
    Activity(
        ALWAYS,
        "Alarmes et avis aux agents",
        "Prévenir la personne qui doit agir ; garder la trace de ce qui a été décidé.",
        "Mission d’intérêt public (article 6, 1, e) ; sécurité des personnes (CGCT L2212-2).",
        "Agents et élus.",
        "Pseudonyme du compte, nom de qui répond d’une décision, adresse où l’avis est envoyé.",
        "Agents ; juge ou expert pour le dossier de diligence.",
        f"Avis envoyés : {OUTBOX_DAYS} jours. Décisions : la vie du dossier de diligence.",
        "Fichier réservé au compte du service ; la boîte d’envoi est purgée chaque heure.",
    ),
    Activity(
        "commands",
        "Commandes signées et journal de preuves",
        "Prouver qui a demandé, approuvé ou refusé une commande d’un équipement.",
        "Mission d’intérêt public (article 6, 1, e) ; responsabilité (article 5, 2).",
        "Agents et élus qui signent.",
        "Identifiant de la personne au registre des clés, clé publique, signature. Le journal "
        "ne contient que des empreintes salées ; ce qui est nominatif est à côté et effaçable.",
        "Agents ; juge, expert ou témoin extérieur pour les seules empreintes.",
        "Journal : sans limite, il ne contient aucune donnée personnelle. À côté : effaçable.",
        "Journal en ajout seul, scellé et contresigné par des communes voisines.",
    ),
    Activity(
        ALWAYS,
        "Journaux des accès et des connexions",
        "Savoir qui a lu quelles données personnelles ; reconnaître un vol de compte.",
        "Sécurité du traitement (article 32).",
        "Agents, élus, prestataires.",
        "Pseudonyme du compte, action, date ; adresse réseau pour les connexions.",
        "Administrateurs ; autorités en cas d’incident.",
        f"Lectures de données personnelles : {ACCESS_LOG_DAYS} jours. Connexions, avec l’adresse "
        f"réseau : {SIGN_INS.days} jours. Purge chaque heure, inscrite au journal de preuves.",
        "Ajout seul ; chaque ligne couvre la précédente ; empreinte ancrée chaque jour.",
    ),
)
TITLE = "Registre des activités de traitement"
INTRO = (
    "Article 30 du RGPD. Établi par Beffroi d’après les modules en service. Responsable du "
    "traitement et délégué à la protection des données : à compléter par la commune. Les bases "
    "légales sont une proposition, à vérifier par la commune."
)
KEPT = "Personnes au coffre"
LABELS = (
    ("aim", "Finalité"),
    ("basis", "Base légale"),
    ("people", "Personnes"),
    ("data", "Données"),
    ("recipients", "Destinataires"),
    ("life", "Durée"),
    ("safety", "Sécurité"),
)
BACKUPS = (
    f"Sauvegardes : détruites après {BACKUP_DAYS} jours (beffroi backup --prune). Le coffre y est, "
    "ses clés sont dans un fichier à garder ailleurs : une personne effacée reste illisible dans "
    "toute copie du coffre seul, et une restauration efface de nouveau qui l’a été depuis."
)
NOTHING_ELSE = (
    "Capteurs (stationnement, éclairage, eau, comptages) : aucune donnée personnelle n’est "
    "collectée. Aucune décision automatisée au sens de l’article 22. Aucun transfert hors de "
    "l’Union européenne par le logiciel lui-même."
)


def record(modules: Collection[str], held: Collection[Held]) -> list[Line]:
    """The activities that take place here. One that keeps data is listed even if it is off now."""
    persons = {one.purpose: one.subjects for one in held}
    lines = []
    for one in _ACTIVITIES:
        if one.module == ALWAYS or one.module in modules or persons.get(one.purpose):
            lines.append(Line(one, persons.get(one.purpose, 0) if one.purpose else None))
    return lines
