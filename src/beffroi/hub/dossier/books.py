"""The registers that the commune fills by hand: their fields, in French and English.

One table in the store holds them all; what a line of each may say is here. Refuses to know persons:
the forms ask for offices ("le maire", "la directrice technique"), not for names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from beffroi.model.asset import Label

TEXT, LONG, DAY, WHOLE, CHOICE = "text", "long", "day", "whole", "choice"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a form asks. `choices` by their stored word."""

    name: str
    label: Label
    kind: str = TEXT
    needed: bool = True
    choices: Mapping[str, Label] | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """A register. `about` says what the key of a line is: "service", "year" or "" (nothing).
    `secret`: not communicable (CRPA L311-5 2° d); such lines stay in the sealed edition."""

    name: str
    label: Label
    hint: Label
    fields: tuple[Field, ...]
    about: str = ""
    secret: bool = False


_YES = MappingProxyType(
    {"yes": Label("oui", "yes"), "no": Label("non", "no"), "unknown": Label("inconnu", "unknown")}
)
_DOC = Field("document", Label("Pièce (référence)", "Document (reference)"))


def _yes(name: str, fr: str, en: str) -> Field:
    return Field(name, Label(fr, en), CHOICE, True, _YES)


_ALL = (
    Book(
        "situation",
        Label("La commune", "The commune"),
        Label(
            "Ce qui décide des obligations. Répondez « inconnu » plutôt que de deviner.",
            "What decides which obligations apply. Say “unknown” rather than guess.",
        ),
        (
            Field("staff_fte", Label("Agents (ETP)", "Staff (FTE)"), WHOLE),
            _yes(
                "roads_moved", "Voirie transférée à l’EPCI", "Roads handed to the joint authority"
            ),
            _yes("water_held", "Eau gérée par la commune", "Water run by the commune"),
            _yes(
                "water_large", "Eau : ≥ 500 hab. ou ≥ 100 m³/j", "Water: ≥ 500 people or 100 m³/d"
            ),
            _yes("paid_parking", "Stationnement payant", "Paid parking"),
            _yes("video", "Vidéoprotection", "Video surveillance"),
            _yes("insured", "Police d’assurance cyber", "Cyber insurance"),
            _yes("nis2", "Entité assujettie à NIS 2", "Subject to NIS 2"),
            _yes("risk_plan", "PPRN ou PPI sur la commune", "Natural or industrial risk plan"),
        ),
    ),
    Book(
        "competence",
        Label("Qui est compétent", "Who is competent"),
        Label(
            "Par service : le titulaire de la compétence, sa base et la pièce qui le montre.",
            "By service: who holds the competence, on what basis, and the document that shows it.",
        ),
        (
            Field("holder", Label("Titulaire (fonction ou organisme)", "Holder (office or body)")),
            Field("base", Label("Base (texte, délibération)", "Basis (text, council decision)")),
            Field("since", Label("Depuis le", "Since"), DAY),
            _DOC,
        ),
        "service",
    ),
    Book(
        "delegation",
        Label("Délégations et astreinte", "Delegations and on-call duty"),
        Label(
            "Délégations de fonction, suppléance, organisation de l’astreinte.",
            "Delegated duties, deputies, how on-call duty is organised.",
        ),
        (
            Field("what", Label("Objet", "Subject")),
            Field("holder", Label("Fonction", "Office")),
            Field("since", Label("Depuis le", "Since"), DAY),
            _DOC,
        ),
    ),
    Book(
        "means",
        Label("Moyens de l’année", "Means of the year"),
        Label(
            "Une fois par an : ce dont la commune dispose, et ce qui rend la tâche difficile.",
            "Once a year: what the commune has, and what makes the task difficult.",
        ),
        (
            Field("budget_eur", Label("Budget (€)", "Budget (€)"), WHOLE),
            Field("it_budget_eur", Label("Dont informatique (€)", "Of which IT (€)"), WHOLE),
            Field("staff_fte", Label("Agents affectés (ETP)", "Staff assigned (FTE)"), WHOLE),
            Field("contractors", Label("Prestataires", "Contractors"), TEXT, False),
            Field("difficulties", Label("Difficultés propres", "Own difficulties"), LONG, False),
            _DOC,
        ),
        "year",
    ),
    Book(
        "request",
        Label("Moyens demandés", "Means asked for"),
        Label(
            "Ce qui a été demandé, et la réponse : accordé, refusé, non financé.",
            "What was asked for, and the answer: granted, refused, not funded.",
        ),
        (
            Field("what", Label("Demande", "Request")),
            Field("amount_eur", Label("Montant (€)", "Amount (€)"), WHOLE),
            Field(
                "answer",
                Label("Réponse", "Answer"),
                CHOICE,
                True,
                MappingProxyType(
                    {
                        "granted": Label("accordée", "granted"),
                        "refused": Label("refusée", "refused"),
                        "unfunded": Label("non financée", "not funded"),
                        "pending": Label("sans réponse", "without an answer"),
                    }
                ),
            ),
            Field("day", Label("Date de la réponse", "Day of the answer"), DAY),
            Field(
                "deliberation", Label("Délibération (référence)", "Council decision (reference)")
            ),
        ),
        "service",
    ),
    Book(
        "risk",
        Label("Risques connus", "Known risks"),
        Label(
            "Un risque que le centre ne mesure pas, et ce qui a été décidé.",
            "A risk that the hub does not measure, and what was decided.",
        ),
        (
            Field("what", Label("Risque", "Risk")),
            Field(
                "decision",
                Label("Décision", "Decision"),
                CHOICE,
                True,
                MappingProxyType(
                    {
                        "treat": Label("traiter", "treat"),
                        "mitigate": Label("atténuer", "mitigate"),
                        "stop": Label("arrêter", "stop"),
                        "accept": Label("accepter", "accept"),
                        "transfer": Label("transférer", "transfer"),
                        "none": Label("pas encore décidé", "not decided yet"),
                    }
                ),
            ),
            Field("owner", Label("Responsable (fonction)", "Owner (office)")),
            Field("deadline", Label("Échéance", "Deadline"), DAY),
            Field("reason", Label("Motif", "Reason"), LONG, False),
        ),
        "service",
        secret=True,
    ),
    Book(
        "check",
        Label("Rondes et contrôles", "Rounds and checks"),
        Label(
            "Une ronde ou un contrôle fait, avec son résultat.",
            "A round or a check that was done, with its result.",
        ),
        (
            Field(
                "asset",
                Label("Ouvrage (identifiant), vide : tous", "Asset (id), empty: all"),
                TEXT,
                False,
            ),
            Field("day", Label("Fait le", "Done on"), DAY),
            Field(
                "result",
                Label("Résultat", "Result"),
                CHOICE,
                True,
                MappingProxyType(
                    {
                        "good": Label("conforme", "in order"),
                        "fault": Label("défaut constaté", "fault found"),
                    }
                ),
            ),
            Field("what", Label("Ce qui a été regardé", "What was looked at")),
        ),
        "service",
    ),
    Book(
        "test",
        Label("Essais et exercices", "Tests and exercises"),
        Label(
            "Restauration, marche dégradée, alerte, attaque rejouée : la date et le résultat.",
            "Restore, degraded mode, alert, replayed attack: when, and the result.",
        ),
        (
            Field(
                "type",
                Label("Essai", "Test"),
                CHOICE,
                True,
                MappingProxyType(
                    {
                        "restore": Label("restauration d’une sauvegarde", "restoring a backup"),
                        "degraded": Label("marche dégradée d’un service", "degraded service"),
                        "alert": Label("exercice d’alerte (PCS)", "alert exercise"),
                        "attack": Label("attaque rejouée", "replayed attack"),
                    }
                ),
            ),
            Field("day", Label("Date", "Day"), DAY),
            Field(
                "result",
                Label("Résultat", "Result"),
                CHOICE,
                True,
                MappingProxyType(
                    {"good": Label("réussi", "passed"), "fault": Label("échoué", "failed")}
                ),
            ),
            Field("what", Label("Ce qui a été appris", "What was learned"), LONG),
        ),
        secret=True,
    ),
    Book(
        "public",
        Label("Transparence", "Transparency"),
        Label(
            "Compte rendu au conseil, jeux ouverts, accessibilité, AIPD, homologation.",
            "Report to the council, open data, accessibility statement, DPIA, accreditation.",
        ),
        (
            Field("what", Label("Objet", "Subject")),
            Field("day", Label("Date", "Day"), DAY),
            _DOC,
        ),
    ),
)
BOOKS: Mapping[str, Book] = MappingProxyType({book.name: book for book in _ALL})
