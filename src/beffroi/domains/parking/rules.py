"""The alarm rules of short-stay parking. An overstay is information for an agent, never a fine."""

from __future__ import annotations

from dataclasses import replace

from beffroi.domains.rule_table import parse

OVERSTAY, LONG_STAY = "parking.overstay", "parking.long_stay"
DISAGREE, STUCK = "parking.sensors_disagree", "parking.sensor_stuck"
BATTERY, SILENT = "parking.low_battery", "parking.silent"

_TABLE = """
overstay | INFO | arrêté municipal (attribut de la place)
- Durée dépassée : {stay_min:.0f} min pour {max_stay_min:.0f} min ({order})
- Over the time limit: {stay_min:.0f} min of {max_stay_min:.0f} min ({order})
- Information pour un agent : seul un agent assermenté constate, sur place.
- Information for an agent: only a sworn agent can establish it, on the spot.
long_stay | INFO | Code de la route, R417-12 (stationnement abusif : plus de 7 jours)
- Place occupée sans interruption depuis {stay_days:.0f} jours
- Bay occupied without a break for {stay_days:.0f} days
- Vérifier sur place : véhicule immobilisé, encombrant ou capteur bloqué.
- Check on the spot: an abandoned vehicle, an obstacle or a stuck sensor.
sensors_disagree | WARNING | local
- Les capteurs se contredisent : {says_occupied} voit un véhicule, {says_free} n’en voit pas
- The sensors disagree: {says_occupied} sees a vehicle, {says_free} sees none
- Regarder la place : feuille ou neige sur le capteur, deux-roues, capteur déplacé.
- Look at the bay: leaf or snow on the sensor, a two-wheeler, a displaced sensor.
sensor_stuck | WARNING | local
- Le capteur {sensor} ne varie plus depuis {since_h:.0f} h ({missed:.0f} changements manqués)
- Sensor {sensor} has not moved for {since_h:.0f} h ({missed:.0f} changes missed)
- Nettoyer le capteur, puis le redémarrer ; vérifier qu’il est bien sur cette place.
- Clean the sensor, then restart it; check that it is on this bay.
low_battery | WARNING | seuils du codec public Nwave NPS405 : 3,0 V, et 2,9 V sous -5 °C
- Pile faible : {battery_V:.2f} V
- Low battery: {battery_V:.2f} V
- Prévoir le remplacement de la pile.
- Plan to replace the battery.
silent | WARNING | local
- Aucune nouvelle du capteur {sensor} depuis {silent_min:.0f} min
- No news from sensor {sensor} for {silent_min:.0f} min
- Place à traiter comme inconnue ; vérifier alimentation, radio et passerelle. Borne en panne :
  l’heure d’arrivée se prouve par tout moyen.
- Treat the bay as unknown; check power, radio and gateway. Post out of order: the time of arrival
  may be shown by any means.
"""

# nothing here endangers anybody: a reminder a day, the next person after three
RULES = {
    rule.id: replace(rule, remind_s=86_400, escalate_s=3 * 86_400)
    for rule in parse("parking", _TABLE).values()
}
