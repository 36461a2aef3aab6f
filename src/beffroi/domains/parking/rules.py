"""The alarm rules of short-stay parking. An overstay is information for an agent, never a fine."""

from __future__ import annotations

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

DAY_S = 86_400

OVERSTAY = "parking.overstay"
LONG_STAY = "parking.long_stay"
DISAGREE = "parking.sensors_disagree"
STUCK = "parking.sensor_stuck"
BATTERY = "parking.low_battery"
SILENT = "parking.silent"

_ALL = (
    Rule(
        OVERSTAY,
        Severity.INFO,
        Label(
            "Durée dépassée : {stay_min:.0f} min pour {max_stay_min:.0f} min ({order})",
            "Over the time limit: {stay_min:.0f} min of {max_stay_min:.0f} min ({order})",
        ),
        Label(
            "Information pour un agent : seul un agent assermenté constate sur place.",
            "Information for an agent: only a sworn agent can establish it, on the spot.",
        ),
        remind_s=DAY_S,
        escalate_s=7 * DAY_S,
        source="arrêté municipal (attribut de la place)",
    ),
    Rule(
        LONG_STAY,
        Severity.INFO,
        Label(
            "Place occupée sans interruption depuis {stay_days:.0f} jours",
            "Bay occupied without a break for {stay_days:.0f} days",
        ),
        Label(
            "Vérifier sur place : véhicule immobilisé, encombrant ou capteur bloqué.",
            "Check on the spot: an abandoned vehicle, an obstacle, or a stuck sensor.",
        ),
        remind_s=DAY_S,
        escalate_s=7 * DAY_S,
        source="Code de la route R417-12 (stationnement abusif : plus de 7 jours)",
    ),
    Rule(
        DISAGREE,
        Severity.WARNING,
        Label(
            "Les deux capteurs se contredisent : {says_occupied} voit un véhicule, "
            "{says_free} n'en voit pas",
            "The two sensors disagree: {says_occupied} sees a vehicle, {says_free} sees none",
        ),
        Label(
            "Regarder la place : feuille ou neige sur le capteur, deux-roues, capteur déplacé.",
            "Look at the bay: leaf or snow on the sensor, a two-wheeler, a displaced sensor.",
        ),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
    Rule(
        STUCK,
        Severity.WARNING,
        Label("Le capteur {sensor} ne varie plus : {why}", "Sensor {sensor} is stuck: {why}"),
        Label(
            "Nettoyer le capteur, puis le redémarrer ; vérifier qu'il est bien sur cette place.",
            "Clean the sensor, then restart it; check that it is on this bay.",
        ),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
    Rule(
        BATTERY,
        Severity.WARNING,
        Label("Pile faible : {battery_V:.2f} V", "Low battery: {battery_V:.2f} V"),
        Label("Prévoir le remplacement de la pile.", "Plan to replace the battery."),
        remind_s=7 * DAY_S,
        escalate_s=30 * DAY_S,
        source="seuils du codec public Nwave NPS405 : 3,0 V (2,9 V sous -5 °C)",
    ),
    Rule(
        SILENT,
        Severity.WARNING,
        Label(
            "Aucune nouvelle du capteur {sensor} depuis {silent_min:.0f} min",
            "No news from sensor {sensor} for {silent_min:.0f} min",
        ),
        Label(
            "Place à traiter comme inconnue. Vérifier alimentation, radio et passerelle. "
            "Borne en panne : l'heure d'arrivée se prouve par tout moyen.",
            "Treat the bay as unknown. Check power, radio and gateway. "
            "Post out of order: the time of arrival may be shown by any means.",
        ),
        remind_s=DAY_S,
        escalate_s=3 * DAY_S,
        source="local",
    ),
)

RULES = {rule.id: rule for rule in _ALL}
