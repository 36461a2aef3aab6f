"""What a drinking-water network is made of here, and what is measured on each part.

Bounds are those of the physically possible, not of the allowed: `rules` knows what is allowed.
"""

from __future__ import annotations

from beffroi.model.asset import Kind, Label, Property


def _props(*items: Property) -> dict[str, Property]:
    return {item.name: item for item in items}


def _flow(name: str, fr: str, en: str) -> Property:
    return Property(name, Label(fr, en), "L/s", -5_000.0, 5_000.0)


def _hourly(name: str, fr: str, en: str) -> Property:
    return Property(name, Label(fr, en), "m³/h", -50_000.0, 50_000.0)


def _daily(name: str, fr: str, en: str, unit: str, low: float, high: float) -> Property:
    return Property(name, Label(fr, en), unit, low, high, stale_s=2 * 86_400)


def _pressure(name: str, fr: str, en: str) -> Property:
    return Property(name, Label(fr, en), "bar", -1.0, 60.0)


_OFF_ON = {0: Label("à l’arrêt", "stopped"), 1: Label("en marche", "running")}
_SHUT_OPEN = {0: Label("fermée", "closed"), 1: Label("ouverte", "open")}
_FLOW = _flow("flow_l_s", "Débit", "Flow")
_PRESSURE = _pressure("pressure_bar", "Pression", "Pressure")
_WARMTH = Property(
    "temperature_C", Label("Température de l’eau", "Water temperature"), "°C", -5.0, 100.0, digits=1
)

TANK = Kind(
    "tank",
    Label("Réservoir", "Tank"),
    _props(
        Property("level_m", Label("Niveau", "Level"), "m", -0.5, 60.0),
        Property("volume_m3", Label("Volume", "Volume"), "m³", 0.0, 1e6, digits=0),
        _flow("inflow_l_s", "Débit entrant", "Inflow"),
        _flow("outflow_l_s", "Débit sortant", "Outflow"),
        _WARMTH,
    ),
    "level_m",
    "tank",
    derived=("volume_m3",),
)
PUMP = Kind(
    "pump",
    Label("Pompe", "Pump"),
    _props(
        _FLOW,
        Property("running", Label("Marche", "Running"), "", 0.0, 1.0, digits=0, states=_OFF_ON),
        _PRESSURE,
        _pressure("suction_bar", "Pression à l’aspiration", "Suction pressure"),
        Property("power_kW", Label("Puissance", "Power"), "kW", 0.0, 10_000.0),
    ),
    "running",
    "pump",
)
VALVE = Kind(
    "valve",
    Label("Vanne", "Valve"),
    _props(
        _FLOW,
        Property("open", Label("État", "State"), "", 0.0, 1.0, digits=0, states=_SHUT_OPEN),
        Property("position_pct", Label("Ouverture", "Opening"), "%", 0.0, 100.0, digits=0),
        _pressure("setting_bar", "Consigne", "Setting"),
        _pressure("upstream_bar", "Pression amont", "Upstream pressure"),
        _PRESSURE,
    ),
    "flow_l_s",
    "valve",
)
NODE = Kind(
    "node",
    Label("Point de pression", "Pressure point"),
    _props(_PRESSURE, _WARMTH),
    "pressure_bar",
    "gauge",
)
SECTOR = Kind(
    "sector",
    Label("Secteur (îlot de comptage)", "District metered area"),
    _props(
        _hourly("inflow_m3_h", "Débit entrant", "Inflow"),
        _hourly("outflow_m3_h", "Débit sortant", "Outflow"),
        _daily("metered_m3_h", "Consommation comptée", "Metered consumption", "m³/h", 0.0, 5e4),
        _daily("night_flow_m3_h", "Débit minimal de nuit", "Night flow", "m³/h", -5e4, 5e4),
        _daily("leak_l_s", "Fuite estimée", "Estimated leak", "L/s", 0.0, 2e4),
        _daily("loss_m3_d", "Pertes du jour", "Losses of the day", "m³/j", -1e6, 1e6),
        _daily("yield_pct", "Rendement mesuré (7 jours)", "Yield (7 days)", "%", 0.0, 1e3),
    ),
    "inflow_m3_h",
    "sector",
    derived=("night_flow_m3_h", "leak_l_s", "loss_m3_d", "yield_pct"),
)
QUALITY = Kind(
    "quality",
    Label("Point de qualité", "Quality point"),
    _props(
        Property("chlorine_mg_l", Label("Chlore libre", "Free chlorine"), "mg/L", 0.0, 50.0),
        Property("ph", Label("pH", "pH"), "", 0.0, 14.0),
        Property("turbidity_NFU", Label("Turbidité", "Turbidity"), "NFU", 0.0, 10_000.0),
        Property(
            "conductivity_uS_cm",
            Label("Conductivité à 20 °C", "Conductivity at 20 °C"),
            "µS/cm",
            0.0,
            200_000.0,
            digits=0,
        ),
        _WARMTH,
    ),
    "chlorine_mg_l",
    "drop",
)
NETWORK = Kind(
    "network",
    Label("Réseau d’eau", "Water network"),
    _props(
        Property(
            "oddity",
            Label("Écart au fonctionnement appris", "Distance from learnt behaviour"),
            "",
            0.0,
            1e6,
        ),
    ),
    "oddity",
    "network",
    derived=("oddity",),
)
KINDS = {kind.name: kind for kind in (TANK, PUMP, VALVE, NODE, SECTOR, QUALITY, NETWORK)}
