"""What can be wrong at a junction, in words for a technician at 3 a.m. Holds no logic.

Form of the table: `domains.rule_table`. "local" is a default of Beffroi that `attrs` may change.
"""

from __future__ import annotations

from beffroi.domains.rule_table import parse

_TABLE = """
conflict | GRAVE | arrêté du 18 juin 2003, NF EN 12675
- Le moniteur du contrôleur signale des feux en conflit
- The controller’s monitor reports conflicting signals
- Faire régler la circulation sur place (police municipale ou gendarmerie). Le carrefour reste au
  jaune clignotant ; ne réarmer que sur place, après avoir trouvé la cause. Conserver les journaux.
- Have traffic directed on the spot (police). The junction stays at flashing amber; reset on the
  spot only, once the cause is found. Keep the logs.
greens_together | GRAVE | local
- {a} et {b} seraient ouverts ensemble, d’après la télémesure
- {a} and {b} are said to be open together, by telemetry
- Regarder sur place ou par caméra. Si c’est vrai, couper les feux et faire régler la circulation ;
  si c’est faux, la télémesure ment : contrôler l’équipement et conserver les journaux.
- Look on the spot or by camera. If true, switch the signals off and have traffic directed; if
  false, telemetry lies: check the equipment and keep the logs.
plan_unknown | GRAVE | local
- Plan {plan:.0f} absent du catalogue approuvé
- Plan {plan:.0f} is not in the approved catalogue
- Quelqu’un a changé les données du contrôleur : revenir au plan local sur place, comparer les
  données avec le dossier du carrefour, prévenir le référent sécurité.
- Somebody changed the controller’s data: return to the local plan on the spot, compare the data
  with the junction’s file, tell the security contact.
plan_uncommanded | GRAVE | local
- Plan {plan:.0f} en service sans ordre (plan local : {local:.0f})
- Plan {plan:.0f} runs without an order (local plan: {local:.0f})
- Aucun ordre signé ne l’explique : demander qui est intervenu sur place ; sinon couper l’accès
  distant et prévenir le référent sécurité.
- No signed command explains it: ask who was working there; otherwise cut remote access and tell
  the security contact.
flashing | WARNING | local
- Carrefour au jaune clignotant
- Junction at flashing amber
- Prévenir la police municipale ou la gendarmerie si le trafic est fort ; chercher la cause.
- Tell the police if traffic is heavy; look for the cause.
fault | WARNING | NF EN 12675
- Défaut du contrôleur (code {fault:.0f})
- Fault of the controller (code {fault:.0f})
- Envoyer le mainteneur ; une lampe rouge grillée se répare le jour même.
- Send the maintainer; a red lamp that is out is repaired the same day.
waiting | WARNING | DDT25 fiche 20
- Un usager attend depuis {wait_s:.0f} s (maximum {most_s:.0f} s)
- Somebody has been waiting for {wait_s:.0f} s (at most {most_s:.0f} s)
- Au-delà, on passe au rouge : vérifier le plan, les boutons et les détecteurs.
- Beyond it people cross at red: check plan, push buttons and detectors.
stuck | WARNING | local
- Les feux ne changent plus depuis {minutes:.0f} min
- The signals have not changed for {minutes:.0f} min
- Regarder sur place : contrôleur bloqué ou télémesure figée.
- Look on the spot: hung controller or frozen telemetry.
door_open | WARNING | local
- Porte du contrôleur ouverte
- Controller door open
- Vérifier qui intervient ; sinon envoyer quelqu’un la refermer et contrôler l’intérieur.
- Check who is working there; otherwise send someone to close it and look inside.
silent | WARNING | local
- Aucune nouvelle depuis {hours:.1f} h
- No news for {hours:.1f} h
- État inconnu : les feux suivent leur plan local ; vérifier alimentation et liaison.
- State unknown: the signals run their local plan; check power and link.
"""
RULES = parse("signals", _TABLE)
