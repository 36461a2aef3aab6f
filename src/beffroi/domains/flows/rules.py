"""The alarm rules of people flow. Thresholds are local: no text sets one."""

from __future__ import annotations

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

DAY_S = 86_400

CROWD = "flows.crowd"
EMPTY = "flows.empty"
DEAD = "flows.counter_dead"
STUCK = "flows.counter_stuck"
SILENT = "flows.silent"

_ALL = (
    Rule(
        CROWD,
        Severity.WARNING,
        Label(
            "Affluence inhabituelle : {count:.0f} passages en 1 h, {expected:.0f} attendus",
            "Unusual crowd: {count:.0f} people in 1 h, {expected:.0f} expected",
        ),
        Label(
            "Vérifier s'il y a une manifestation déclarée ; sinon, regarder sur place.",
            "Check whether an event was declared; if not, look on the spot.",
        ),
        source="local",
    ),
    Rule(
        EMPTY,
        Severity.INFO,
        Label(
            "Fréquentation anormalement faible : {count:.0f} passages en 1 h, "
            "{expected:.0f} attendus",
            "Unusually few people: {count:.0f} in 1 h, {expected:.0f} expected",
        ),
        Label(
            "Chercher une cause : accès barré, travaux, intempérie, compteur masqué.",
            "Look for a cause: closed access, road works, weather, a masked counter.",
        ),
        remind_s=DAY_S,
        source="local",
    ),
    Rule(
        DEAD,
        Severity.WARNING,
        Label(
            "Compteur muet : aucun passage depuis {hours:.0f} h, {expected:.0f} étaient attendus",
            "Dead counter: nobody for {hours:.0f} h, {expected:.0f} were expected",
        ),
        Label(
            "Nettoyer et redémarrer le compteur ; vérifier qu'il n'est pas masqué.",
            "Clean and restart the counter; check that it is not masked.",
        ),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
    Rule(
        STUCK,
        Severity.WARNING,
        Label(
            "Compteur figé : {count:.0f} passages, à l'identique, {hours:.0f} h de suite",
            "Stuck counter: exactly {count:.0f} people, {hours:.0f} h in a row",
        ),
        Label(
            "Redémarrer le compteur ; vérifier qui envoie ces valeurs.",
            "Restart the counter; check who sends these values.",
        ),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
    Rule(
        SILENT,
        Severity.WARNING,
        Label(
            "Aucune nouvelle du compteur depuis {silent_h:.0f} h",
            "No news from the counter for {silent_h:.0f} h",
        ),
        Label("Vérifier alimentation, radio et passerelle.", "Check power, radio and gateway."),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
)

RULES = {rule.id: rule for rule in _ALL}
