"""What a drinking-water network is made of here, and what is measured on each part.

Bounds are those of the physically possible, not of the allowed: `rules` knows what is allowed.
"""

from __future__ import annotations

from beffroi.domains.kind_table import pick, properties
from beffroi.model.asset import Kind, Label

PROPERTIES = properties("""
level_m | Niveau | Level | m | -0.5 | 60 | 2
volume_m3 | Volume | Volume | m³ | 0 | 1e9 | 0
inflow_l_s | Débit entrant | Inflow | L/s | -5e3 | 5e3 | 2
outflow_l_s | Débit sortant | Outflow | L/s | -5e3 | 5e3 | 2
flow_l_s | Débit | Flow | L/s | -5e3 | 5e3 | 2
running | Marche | Running | | 0 | 1 | 0 | 2 | 0 à l’arrêt/stopped, 1 en marche/running
power_kW | Puissance | Power | kW | 0 | 1e4 | 2
open | État | State | | 0 | 1 | 0 | 2 | 0 fermée/closed, 1 ouverte/open
position_pct | Ouverture | Opening | % | 0 | 100 | 0
pressure_bar | Pression | Pressure | bar | -1 | 60 | 2
suction_bar | Pression à l’aspiration | Suction pressure | bar | -1 | 60 | 2
upstream_bar | Pression amont | Upstream pressure | bar | -1 | 60 | 2
setting_bar | Consigne | Setting | bar | -1 | 60 | 2
temperature_C | Température de l’eau | Water temperature | °C | -5 | 100 | 1
chlorine_mg_l | Chlore libre | Free chlorine | mg/L | 0 | 50 | 2
dose_mg_l | Consigne de chloration | Chlorination set point | mg/L | 0 | 50 | 2
setting_C | Consigne | Set point | °C | 0 | 100 | 1
return_C | Retour de boucle | Loop return | °C | -5 | 100 | 1
ph | pH | pH | | 0 | 14 | 2
turbidity_NFU | Turbidité | Turbidity | NFU | 0 | 1e4 | 2
conductivity_uS_cm | Conductivité à 20 °C | Conductivity at 20 °C | µS/cm | 0 | 2e5 | 0
inflow_m3_h | Débit entrant | Inflow | m³/h | -5e4 | 5e4 | 2
outflow_m3_h | Débit sortant | Outflow | m³/h | -5e4 | 5e4 | 2
metered_m3_h | Consommation comptée | Metered consumption | m³/h | 0 | 5e4 | 2 | 48
night_flow_m3_h | Débit minimal de nuit | Minimum night flow | m³/h | -1e5 | 1e5 | 2 | 48
leak_l_s | Fuite estimée | Estimated leak | L/s | 0 | 6e4 | 2 | 48
loss_m3_d | Pertes du jour | Losses of the day | m³/j | -5e6 | 5e6 | 1 | 48
yield_pct | Rendement mesuré (7 jours) | Measured yield (7 days) | % | 0 | 1e3 | 1 | 48
oddity | Écart au fonctionnement appris | Distance from learnt behaviour | | 0 | 1e6 | 2
""")


def _kind(
    name: str, fr: str, en: str, props: str, icon: str, derived: tuple[str, ...] = ()
) -> Kind:
    """The first property is the one that the map shows."""
    chosen = pick(PROPERTIES, props)
    return Kind(name, Label(fr, en), chosen, next(iter(chosen)), icon, derived)


_TANK = "level_m volume_m3 inflow_l_s outflow_l_s temperature_C"
_PUMP = "running flow_l_s pressure_bar suction_bar power_kW"
_VALVE = "flow_l_s open position_pct setting_bar upstream_bar pressure_bar"
_DERIVED = "night_flow_m3_h leak_l_s loss_m3_d yield_pct"
_SECTOR = f"inflow_m3_h outflow_m3_h metered_m3_h {_DERIVED}"
_QUALITY = "chlorine_mg_l ph turbidity_NFU conductivity_uS_cm temperature_C"
_ALL = (
    _kind("tank", "Réservoir", "Tank", _TANK, "tank", ("volume_m3",)),
    _kind("pump", "Pompe", "Pump", _PUMP, "pump"),
    _kind("valve", "Vanne", "Valve", _VALVE, "valve"),
    _kind("node", "Point de pression", "Pressure point", "pressure_bar temperature_C", "gauge"),
    _kind("sector", "Secteur (îlot de comptage)", "District metered area", _SECTOR, "sector",
          tuple(_DERIVED.split())),
    _kind("quality", "Point de qualité", "Quality point", _QUALITY, "drop"),
    _kind("doser", "Poste de chloration", "Chlorination unit", "dose_mg_l flow_l_s", "drop"),
    _kind("hot_water", "Eau chaude (bâtiment communal)", "Hot water (public building)",
          "setting_C temperature_C return_C", "gauge"),
    _kind("network", "Réseau d’eau", "Water network", "oddity", "network", ("oddity",)),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _ALL}
