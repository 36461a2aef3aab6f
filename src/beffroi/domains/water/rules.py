"""What can be wrong with the water, in words for a technician at 3 a.m. Holds no logic.

A rule is a line "name | severity | source", then its text (FR, EN) and its advice (FR, EN), each
begun by "- ". The source is the text a threshold comes from, or "local": a default of Beffroi
that the asset's `attrs` may change. `domain.md` has the table of thresholds.
"""

from __future__ import annotations

from beffroi.domains.rule_table import parse

_TABLE = """
tank_low | WARNING | local
- Niveau bas : {level_m:.2f} m
- Low level: {level_m:.2f} m
- Vérifier que le pompage est en marche et que rien ne fuit en aval.
- Check that pumping runs and that nothing leaks downstream.
tank_empty | GRAVE | local
- Réservoir presque vide : {level_m:.2f} m
- Tank almost empty: {level_m:.2f} m
- Risque de coupure et de désamorçage : remettre le pompage en marche, ouvrir le secours, prévenir
  l’autorité compétente et les usagers sensibles.
- Risk of interruption and loss of prime: restart pumping, open the backup supply, tell the
  competent authority and sensitive users.
tank_high | WARNING | local
- Niveau haut : {level_m:.2f} m
- High level: {level_m:.2f} m
- Vérifier que la pompe s’arrête ; sinon l’arrêter à la main.
- Check that the pump stops; if not, stop it by hand.
tank_overflow | GRAVE | local
- Débordement probable : {level_m:.2f} m
- Overflow likely: {level_m:.2f} m
- Arrêter le remplissage à la main et regarder le trop-plein.
- Stop the filling by hand and look at the overflow pipe.
level_jump | WARNING | local
- Niveau impossible : {change_m:+.2f} m en {minutes:.0f} min
- Impossible level: {change_m:+.2f} m in {minutes:.0f} min
- Comparer avec une mesure à la main avant de s’y fier ; vérifier câble, sonde et automate. Si la
  mesure commande une pompe, passer celle-ci en conduite manuelle.
- Compare with a measurement by hand before trusting it; check cable, probe and controller. If the
  measurement drives a pump, operate that pump by hand.
tank_balance | WARNING | local
- Bilan faux de {gap_l_s:.1f} L/s entre débits et niveau
- Balance wrong by {gap_l_s:.1f} L/s between flows and level
- Fuite du réservoir, débitmètre faux ou niveau falsifié : lire le niveau à l’échelle et les
  compteurs à la main.
- Leaking tank, wrong flow meter or false level: read the gauge and the meters by hand.
stuck | WARNING | local
- {prop} figé à {value:.3g} depuis {hours:.0f} h
- {prop} stuck at {value:.3g} for {hours:.0f} h
- Comparer avec une mesure à la main avant de s’y fier ; vérifier câble, sonde et automate. Si la
  mesure commande une pompe, passer celle-ci en conduite manuelle.
- Compare with a measurement by hand before trusting it; check cable, probe and controller. If the
  measurement drives a pump, operate that pump by hand.
replay | GRAVE | local
- {prop} répète exactement des valeurs passées ({values:.0f} valeurs)
- {prop} repeats past values exactly ({values:.0f} values)
- Une mesure vivante ne se répète pas : soupçonner une attaque ou un automate bloqué. Lire
  l’appareil sur place, passer en conduite manuelle, conserver les journaux.
- A live measurement does not repeat: suspect an attack or a hung controller. Read the instrument
  on site, operate by hand, keep the logs.
twins_apart | WARNING | local
- {prop} : deux capteurs s’écartent de {gap:.3g}
- {prop}: two sensors drift apart by {gap:.3g}
- Comparer avec une mesure à la main avant de s’y fier ; vérifier câble, sonde et automate. Si la
  mesure commande une pompe, passer celle-ci en conduite manuelle.
- Compare with a measurement by hand before trusting it; check cable, probe and controller. If the
  measurement drives a pump, operate that pump by hand.
silent | WARNING | local
- Aucune mesure depuis {hours:.1f} h
- No reading for {hours:.1f} h
- État inconnu : vérifier alimentation, pile et liaison de l’équipement.
- State unknown: check the device’s power, battery and link.
pump_no_flow | GRAVE | local
- Pompe en marche sans débit ({flow_l_s:.1f} L/s)
- Pump running without flow ({flow_l_s:.1f} L/s)
- Arrêter la pompe (marche à sec ou refoulement fermé), vérifier aspiration et vannes.
- Stop the pump (dry running or closed discharge), check suction and valves.
flow_no_pump | WARNING | local
- Débit de {flow_l_s:.1f} L/s, pompe dite à l’arrêt
- Flow of {flow_l_s:.1f} L/s, pump said to be stopped
- Regarder l’état réel de la pompe et le clapet ; comparer avec la puissance.
- Look at the pump’s real state and the check valve; compare with the power.
pump_weak | WARNING | local
- Débit de {flow_l_s:.1f} L/s au lieu de {usual_l_s:.1f}
- Flow of {flow_l_s:.1f} L/s instead of {usual_l_s:.1f}
- Vitesse changée, usure, crépine bouchée ou vanne mi-close : relever vitesse et pressions.
- Changed speed, wear, blocked strainer or half-closed valve: note speed and pressures.
pump_cycling | WARNING | local
- {starts:.0f} démarrages en une heure
- {starts:.0f} starts in an hour
- Vérifier ballon, pressostat et seuils : les démarrages répétés détruisent le moteur.
- Check vessel, pressure switch and thresholds: repeated starts destroy the motor.
pump_power | WARNING | local
- Puissance de {power_kW:.1f} kW contraire à l’état de marche
- Power of {power_kW:.1f} kW contradicts the running state
- Regarder l’état réel au coffret : contacteur collé, disjoncteur ou état falsifié.
- Look at the real state in the cabinet: welded contactor, breaker or false state.
pressure_low | GRAVE | Code de la santé publique (3 m de hauteur piézométrique)
- Pression {pressure_bar:.2f} bar, minimum {limit_bar:.2f}
- Pressure {pressure_bar:.2f} bar, minimum {limit_bar:.2f}
- Risque de retour d’eau polluée : chercher casse, vanne fermée ou pompe arrêtée.
- Risk of polluted backflow: look for a burst, a closed valve or a stopped pump.
pressure_high | WARNING | local
- Pression {pressure_bar:.2f} bar, maximum {limit_bar:.2f}
- Pressure {pressure_bar:.2f} bar, maximum {limit_bar:.2f}
- Vérifier le réducteur de pression et les pompes : risque de casse.
- Check the pressure reducer and the pumps: risk of bursts.
pressure_drop | WARNING | local
- Pression tombée de {usual_bar:.2f} à {pressure_bar:.2f} bar
- Pressure fell from {usual_bar:.2f} to {pressure_bar:.2f} bar
- Casse, incendie (poteau ouvert) ou vanne : comparer avec les points voisins.
- Burst, fire (open hydrant) or valve: compare with neighbouring points.
warm | WARNING | Décret 2001-1220, références de qualité
- Eau froide à {temperature_C:.1f} °C (plus de {limit_C:.0f})
- Cold water at {temperature_C:.1f} °C (above {limit_C:.0f})
- Purger, chercher une stagnation ou un réchauffement ; prévenir l’exploitant.
- Flush, look for stagnation or heating; tell the operator.
hot_low | WARNING | Arrêté du 30 novembre 2005
- Eau chaude à {temperature_C:.1f} °C au départ, minimum {limit_C:.0f}
- Hot water at {temperature_C:.1f} °C at the outlet, minimum {limit_C:.0f}
- Risque de légionelles : vérifier la production, ne pas laisser stagner, purger avant usage.
- Risk of legionella: check the heater, let nothing stagnate, flush before use.
hot_low_return | WARNING | Arrêté du 30 novembre 2005
- Retour de boucle à {return_C:.1f} °C, minimum {limit_C:.0f}
- Loop return at {return_C:.1f} °C, minimum {limit_C:.0f}
- Vérifier la pompe de bouclage et les vannes d’équilibrage : risque de légionelles.
- Check the loop pump and the balancing valves: risk of legionella.
hot_high | GRAVE | Arrêté du 30 novembre 2005 (60 °C, et 2 °C de marge : local)
- Eau chaude à {temperature_C:.1f} °C : risque de brûlure
- Hot water at {temperature_C:.1f} °C: risk of scalding
- Fermer les points d’eau sans mitigeur, abaisser la consigne sur place, chercher qui l’a changée.
- Close taps without a mixer, lower the set point on the spot, find out who changed it.
chlorine_low | GRAVE | Circulaire du 7 novembre 2003 (Vigipirate)
- Chlore {chlorine_mg_l:.2f} mg/L, minimum {limit_mg_l:.1f}
- Chlorine {chlorine_mg_l:.2f} mg/L, minimum {limit_mg_l:.1f}
- Vérifier la chloration et mesurer à la main ; chercher une intrusion d’eau.
- Check the chlorination and measure by hand; look for water intrusion.
chlorine_high | GRAVE | local
- Chlore {chlorine_mg_l:.2f} mg/L, plafond {limit_mg_l:.1f}
- Chlorine {chlorine_mg_l:.2f} mg/L, ceiling {limit_mg_l:.1f}
- Arrêter le dosage à la main, mesurer à la main, prévenir l’autorité compétente.
- Stop the dosing by hand, measure by hand, tell the competent authority.
ph | WARNING | Décret 2001-1220, références de qualité
- pH {ph:.1f} hors de 6,5 – 9
- pH {ph:.1f} outside 6.5 – 9
- Vérifier la sonde et le traitement ; mesurer à la main.
- Check the probe and the treatment; measure by hand.
turbidity | WARNING | Décret 2001-1220, références de qualité
- Turbidité {turbidity_NFU:.1f} NFU (plus de {limit_NFU:.1f})
- Turbidity {turbidity_NFU:.1f} NFU (above {limit_NFU:.1f})
- Casse, purge ou filtre percé : purger, mesurer, prévenir l’exploitant.
- Burst, flushing or broken filter: flush, measure, tell the operator.
conductivity | WARNING | Décret 2001-1220, références de qualité
- Conductivité {conductivity_uS_cm:.0f} µS/cm hors de 180 – 1 000
- Conductivity {conductivity_uS_cm:.0f} µS/cm outside 180 – 1,000
- Changement de ressource ou mélange d’eaux : vérifier les vannes et la sonde.
- Change of source or mixing of waters: check the valves and the probe.
leak | WARNING | local
- Fuite probable d’environ {leak_l_s:.1f} L/s (débit de nuit)
- Leak likely, about {leak_l_s:.1f} L/s (night flow)
- Pas d’urgence cette nuit si la pression tient : fermer par tronçons la nuit suivante pour
  localiser, écouter les vannes.
- Not urgent tonight if pressure holds: close section by section the next night to locate it,
  listen at the valves.
burst | GRAVE | local
- Casse probable : {flow_m3_h:.1f} m³/h au lieu de {usual_m3_h:.1f}
- Burst likely: {flow_m3_h:.1f} m³/h instead of {usual_m3_h:.1f}
- Chercher l’eau en surface, les plaintes et une borne ouverte ; isoler le tronçon.
- Look for surface water, complaints and an open hydrant; isolate the section.
night_rise | INFO | local
- Débit de nuit en hausse lente : {flow_m3_h:.2f} m³/h, plus bas connu {best_m3_h:.2f}
- Night flow rising slowly: {flow_m3_h:.2f} m³/h, lowest known {best_m3_h:.2f}
- Programmer une recherche de fuites ; vérifier les arrosages et les gros abonnés.
- Plan a leak search; check irrigation and large customers.
yield_low | INFO | Décret 2012-97
- Rendement mesuré sur 7 jours : {yield_pct:.0f} % (moins de 85 %)
- Measured yield over 7 days: {yield_pct:.0f} % (below 85 %)
- Indice de suivi, pas le rendement réglementaire annuel : chercher les fuites.
- A tracking figure, not the yearly regulatory yield: look for leaks.
network_odd | GRAVE | local
- Réseau contraire à son fonctionnement appris : {tag} ({oddity:.1f} fois l’écart admis)
- Network contradicts its learnt behaviour: {tag} ({oddity:.1f} times the margin)
- Lire sur place le niveau et l’état des pompes nommés ; en cas d’écart avec l’écran, passer en
  conduite manuelle et prévenir le référent sécurité.
- Read the named level and pump states on site; if they differ from the screen, operate by hand
  and tell the security contact.
"""
RULES = parse("water", _TABLE)
