"""What can be wrong with entitlements, in words for whoever is on duty. Nothing here is a fine."""

from __future__ import annotations

from dataclasses import replace

from beffroi.domains.rule_table import parse

DAY_S = 86_400
_TABLE = """
unpaid_unusual | WARNING | local
- Part non payée inhabituelle : au moins {unpaid_low_pct:.0f} % (d’ordinaire {usual_pct:.0f} %)
- Unusual unpaid share: at least {unpaid_low_pct:.0f} % (usually {usual_pct:.0f} %)
- Vérifier horodateurs et capteurs de la zone avant d’y voir une fraude : un horodateur en panne
  donne la même image.
- Check the zone’s meters and sensors before calling it fraud: a broken meter looks the same.
doubles | WARNING | local
- {doubles:.0f} titres montrés à deux endroits
- {doubles:.0f} titles shown in two places
- Titres copiés : rapprocher les contrôles, renouveler la clé si leur nombre croît.
- Copied titles: compare the checks, renew the key if their number grows.
forged | GRAVE | local
- {forged:.0f} titres falsifiés présentés aujourd’hui
- {forged:.0f} forged titles shown today
- Les titres ont été refusés. Conserver les exemplaires, prévenir le référent sécurité.
- The titles were refused. Keep the copies, tell the security contact.
out_of_order | WARNING | local
- Horodateur hors service
- Parking meter out of order
- Programmer la réparation ; en attendant, nul ne peut être tenu de payer à cette borne.
- Plan the repair; until then nobody can be held to pay at this machine.
door_open | WARNING | local
- Porte de l’horodateur ouverte
- Meter door open
- Vérifier qui intervient : la clé de signature n’est pas dans la borne, la recette si.
- Check who is working there: the signing key is not in the machine, the takings are.
low_battery | WARNING | local
- Batterie faible : {battery_V:.2f} V
- Low battery: {battery_V:.2f} V
- Prévoir le remplacement ; vérifier le panneau solaire.
- Plan the replacement; check the solar panel.
silent | WARNING | local
- Aucune nouvelle depuis {hours:.1f} h
- No news for {hours:.1f} h
- Vérifier alimentation et liaison ; les titres déjà délivrés restent vérifiables sans liaison.
- Check power and link; titles already issued can still be checked without a link.
"""
RULES = {
    rule.id: replace(rule, remind_s=DAY_S, escalate_s=3 * DAY_S)
    for rule in parse("entitlement", _TABLE).values()
}
