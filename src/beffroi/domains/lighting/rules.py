"""What can be wrong with the lights, in words for a technician at 3 a.m. Holds no logic.

The shape of the table is told in `domains.rule_table`; thresholds are in `domain.md`. All are
defaults of Beffroi: no text of law sets an hour for the lighting of public roads.
"""

from __future__ import annotations

from beffroi.domains.rule_table import parse

_TABLE = """
lamp_out | WARNING | local
- Lampe éteinte la nuit : {power_W:.0f} W au lieu de {expected_W:.0f}
- Lamp out at night: {power_W:.0f} W instead of {expected_W:.0f}
- Rien d’urgent pour un point isolé, sauf passage piéton ou carrefour : signaler, contrôler
  fusible, driver et source de jour.
- Not urgent for a single point, except at a crossing or junction: report it, check fuse, driver
  and light source by day.
day_burner | WARNING | local
- Allumé en plein jour : {power_W:.0f} W
- Burning in daylight: {power_W:.0f} W
- Vérifier cellule, horloge et contacteur ; remettre en automatique après une marche forcée.
- Check photocell, clock and contactor; put back to automatic after a forced run.
off_ignored | WARNING | local
- Allumé pendant l’extinction prévue : {power_W:.0f} W
- Burning during the planned switch-off: {power_W:.0f} W
- Comparer l’horloge avec l’arrêté ; ne rien éteindre sans vérifier l’arrêté en vigueur.
- Compare the clock with the order in force; switch nothing off without checking that order.
low_power | WARNING | local
- Puissance faible : {power_W:.0f} W au lieu de {expected_W:.0f}
- Low power: {power_W:.0f} W instead of {expected_W:.0f}
- Source vieillie, module éteint ou tension basse : programmer un contrôle.
- Aged source, dead module or low voltage: plan an inspection.
high_power | WARNING | local
- Puissance excessive : {power_W:.0f} W au lieu de {expected_W:.0f}
- Excess power: {power_W:.0f} W instead of {expected_W:.0f}
- Chercher un branchement non prévu ou un driver en défaut.
- Look for an unplanned connection or a faulty driver.
dim_not_followed | WARNING | local
- Gradation non suivie : {power_W:.0f} W, prévu {expected_W:.0f} W à {pct:.0f} %
- Dimming not followed: {power_W:.0f} W, expected {expected_W:.0f} W at {pct:.0f} %
- Vérifier le programme du driver et la liaison ; l’économie prévue n’est pas faite.
- Check the driver’s programme and the link; the planned saving is not made.
cycling | WARNING | local
- Clignote : {changes:.0f} changements en une heure
- Flickering: {changes:.0f} changes in an hour
- Lampe en fin de vie, connexion lâche ou cellule mal placée ; à 3 h, mettre hors tension si gêne.
- Lamp at end of life, loose connection or badly placed photocell; switch it off if it disturbs.
lamp_flag | WARNING | local
- Le luminaire signale lui-même un défaut
- The luminaire itself reports a failure
- Lire le code de défaut sur l’outil du fabricant ; programmer une intervention.
- Read the failure code with the maker’s tool; plan a visit.
hot | WARNING | local
- Luminaire à {temperature_C:.0f} °C
- Luminaire at {temperature_C:.0f} °C
- Réduire le flux si possible et contrôler la dissipation.
- Reduce the output if possible and check the cooling.
counter_back | WARNING | local
- Compteur {prop} revenu de {before:.1f} à {after:.1f}
- Counter {prop} went back from {before:.1f} to {after:.1f}
- Compteur changé, remis à zéro ou mesure falsifiée : noter la date et l’index lu sur place.
- Meter replaced, reset or false reading: note the date and the index read on site.
silent | WARNING | local
- Aucune mesure depuis {hours:.1f} h alors que l’éclairage est prévu
- No reading for {hours:.1f} h while light is due
- État inconnu : aller voir ou demander aux riverains ; vérifier l’alimentation du nœud radio.
- State unknown: go and see or ask residents; check the supply of the radio node.
cabinet_dark | GRAVE | local
- Armoire sans charge la nuit : {power_W:.0f} W au lieu de {expected_W:.0f}
- Cabinet without load at night: {power_W:.0f} W instead of {expected_W:.0f}
- Rue noire : vérifier disjoncteur, différentiel et contacteur ; prévenir l’astreinte et, si un
  carrefour est touché, la police municipale ou la gendarmerie.
- Dark street: check breaker, residual-current device and contactor; tell the on-call person and,
  if a junction is affected, the police.
cabinet_low | WARNING | local
- Départ incomplet : {power_W:.0f} W au lieu de {expected_W:.0f}
- Part of the load is missing: {power_W:.0f} W instead of {expected_W:.0f}
- Un départ ou plusieurs lampes sont éteints : relever les départs un à un.
- One feeder or several lamps are out: check the feeders one by one.
contactor_open | GRAVE | local
- Contacteur ouvert alors que l’éclairage est prévu
- Contactor open while light is due
- Rallumer en local ; si la commande vient du réseau sans ordre connu, couper la commande à
  distance et prévenir le référent sécurité.
- Switch on locally; if the command came from the network with no known order, cut remote control
  and tell the security contact.
contactor_closed | WARNING | local
- Contacteur fermé hors des heures d’éclairage
- Contactor closed outside lighting hours
- Remettre en automatique après une marche forcée ; sinon vérifier l’horloge.
- Put back to automatic after a forced run; otherwise check the clock.
group_dark | GRAVE | local
- {dark:.0f} lampes éteintes sur {known:.0f} alors que l’éclairage est prévu
- {dark:.0f} lamps dark of {known:.0f} while light is due
- Panne de départ ou extinction malveillante : vérifier l’armoire, rallumer en local.
- Feeder failure or malicious switch-off: check the cabinet, switch on locally.
door_open | WARNING | local
- Porte de l’armoire ouverte
- Cabinet door open
- Danger électrique et sabotage : envoyer quelqu’un refermer, vérifier qui intervient.
- Electrical danger and sabotage: send someone to close it, check who is working there.
voltage_lost | GRAVE | local
- Tension absente : {voltage_V:.0f} V
- Voltage lost: {voltage_V:.0f} V
- Appeler le gestionnaire du réseau électrique ; baliser si nécessaire.
- Call the electricity network operator; put up warning signs if necessary.
voltage_low | WARNING | local
- Tension basse : {voltage_V:.0f} V
- Low voltage: {voltage_V:.0f} V
- Noter l’heure ; prévenir le gestionnaire du réseau si cela dure.
- Note the time; tell the network operator if it lasts.
voltage_high | WARNING | local
- Tension haute : {voltage_V:.0f} V
- High voltage: {voltage_V:.0f} V
- Soupçonner une rupture de neutre : ne pas ouvrir l’armoire seul, appeler le gestionnaire.
- Suspect a broken neutral: do not open the cabinet alone, call the network operator.
"""
RULES = parse("lighting", _TABLE)
