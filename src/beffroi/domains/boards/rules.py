"""What can be wrong with a board, in words for a technician at 3 a.m. Holds no logic."""

from __future__ import annotations

from beffroi.domains.rule_table import parse

_TABLE = """
unknown_message | GRAVE | local
- Le panneau affiche un message que personne n’a commandé
- The board shows a message that nobody has ordered
- Éteindre le panneau (clé « noir » à la mairie ou à l’armoire), photographier, prévenir le maire et
  le référent sécurité ; démentir si le message est une alerte.
- Blank the board (key at the town hall or in the cabinet), take a photo, tell the mayor and the
  security contact; deny the message in public if it is an alert.
not_cleared | GRAVE | local
- Le message est resté affiché après son échéance, depuis {late_min:.0f} min
- The message is still shown after its end, for {late_min:.0f} min
- Éteindre sur place : le panneau n’obéit plus, ou la liaison est coupée.
- Blank it on the spot: the board no longer obeys, or the link is cut.
not_shown | WARNING | local
- Le message commandé n’est pas affiché
- The ordered message is not shown
- Vérifier si le panneau a été éteint sur place ; sinon alimentation, liaison et contrôleur.
- Check whether it was blanked on the spot; otherwise power, link and controller.
authority_alert | GRAVE | CAP 1.2 (OASIS), alerte signée d’une autorité
- Alerte de {sender} : {event}
- Alert of {sender}: {event}
- Lire l’alerte entière, décider de l’affichage proposé avec la seconde organisation, prévenir le
  maire : rien ne s’affiche sans deux personnes.
- Read the whole alert, decide on the proposed display with the second organisation, tell the mayor:
  nothing is shown without two persons.
fault | WARNING | local
- Le panneau signale un défaut
- The board reports a fault
- Lire le code de défaut au contrôleur ; un panneau en défaut ne doit rien afficher de faux.
- Read the fault code at the controller; a faulty board must not show anything false.
pixels | WARNING | local
- {pixels_failed_pct:.0f} % des points sont en panne
- {pixels_failed_pct:.0f} % of the pixels have failed
- Un message illisible ou faux est pire qu’un panneau éteint : éteindre et programmer la réparation.
- An unreadable or false message is worse than a blank board: blank it and plan the repair.
hot | WARNING | local
- Panneau à {temperature_C:.0f} °C
- Board at {temperature_C:.0f} °C
- Baisser la luminosité ; vérifier ventilation et filtres.
- Lower the brightness; check fans and filters.
door_open | WARNING | local
- Porte du panneau ouverte
- Board door open
- Vérifier qui intervient ; sans intervention connue, prévenir la police municipale.
- Check who is working there; if no work is known, tell the police.
silent | WARNING | local
- Aucune nouvelle du panneau depuis {hours:.1f} h
- No news from the board for {hours:.1f} h
- Affichage inconnu : aller voir ; un panneau sans liaison doit s’éteindre de lui-même.
- Display unknown: go and see; a board without a link must go blank by itself.
"""
RULES = parse("boards", _TABLE)
