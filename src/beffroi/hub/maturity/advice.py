"""The cheapest next action that would raise what is shown. Pure; ordered by effort, least first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.hub.maturity.method import DEPLOYED, PILOT, PLAN, Answer, Result
from beffroi.model.asset import Label


@dataclass(frozen=True, slots=True)
class Advice:
    """`effort` in working days, a rough figure for choosing; `raises` names what it lifts."""

    text: Label
    effort_days: float
    raises: Label


_STRICT = Label("niveau strict", "strict level")
_OBSERVED = Label("niveau constaté", "observed level")
_VIGILANCE = Label("indice de vigilance", "vigilance index")


def advice(result: Result, answers: Mapping[str, Answer]) -> list[Advice]:
    """At most a handful; the first is the cheapest."""
    found: list[Advice] = []

    def add(fr: str, en: str, days: float, raises: Label) -> None:
        found.append(Advice(Label(fr, en), days, raises))

    if result.unattached:
        add(
            "Décrire l’initiative que la plateforme prouve déjà : problème, moyen, partenaire.",
            "Describe the initiative that the platform already proves: problem, means, partner.",
            0.2,
            _OBSERVED,
        )
    if any(one.initiative.valid and one.by == "stale" for one in result.judged):
        add(
            "Mettre à jour la pièce d’une initiative : elle a plus de 24 mois.",
            "Renew the document of an initiative: it is more than 24 months old.",
            0.3,
            _OBSERVED,
        )
    if result.strict < 1:
        add(
            "Faire voter une délibération de deux pages : stratégie, objectifs, état de départ.",
            "Have a resolution of two pages voted: strategy, objectives, starting point.",
            2,
            _STRICT,
        )
    if any(not one.initiative.valid for one in result.judged):
        add(
            "Répondre aux trois questions d’entrée d’une initiative qui ne compte pas encore.",
            "Answer the three entry questions of an initiative that does not count yet.",
            0.5,
            _OBSERVED,
        )
    if result.observed < PLAN:
        add(
            "Écrire une fiche projet : objectif chiffré, budget, calendrier, responsable.",
            "Write a project sheet: objective with a figure, budget, calendar, leader.",
            3,
            _OBSERVED,
        )
    elif result.observed < PILOT:
        add(
            "Mettre un pilote en service et garder ses mesures pendant 30 jours.",
            "Put a pilot into service and keep its measurements for 30 days.",
            20,
            _OBSERVED,
        )
    elif result.observed < DEPLOYED:
        add(
            "Ouvrir le pilote à tout le périmètre visé, nommer un exploitant, mesurer 90 jours.",
            "Open the pilot to everybody it is meant for, name an operator, measure 90 days.",
            40,
            _OBSERVED,
        )
    if not (answers.get("A7") and answers["A7"].yes):
        add(
            "Écrire le mode dégradé d’un service et l’essayer.",
            "Write down the degraded mode of a service and try it.",
            1,
            _VIGILANCE,
        )
    return sorted(found, key=lambda one: one.effort_days)
