"""What public lighting is made of here, and what is measured. Bounds are the physically possible;
`rules` and the schedule know what is wanted."""

from __future__ import annotations

from beffroi.model.asset import Kind, Label, Property

_OFF_ON = {0: Label("éteint", "off"), 1: Label("allumé", "on")}
_NO_YES = {0: Label("non", "no"), 1: Label("oui", "yes")}
_SHUT_OPEN = {0: Label("fermée", "closed"), 1: Label("ouverte", "open")}
_CONTACT = {0: Label("ouvert", "open"), 1: Label("fermé", "closed")}
_NIGHT_S = 2 * 86_400


def _props(*items: Property) -> dict[str, Property]:
    return {item.name: item for item in items}


def _state(name: str, fr: str, en: str, states: dict[int, Label]) -> Property:
    return Property(name, Label(fr, en), "", 0.0, 1.0, digits=0, states=states)


def _kwh(name: str, fr: str, en: str) -> Property:
    return Property(name, Label(fr, en), "kWh", -1e5, 1e9, stale_s=_NIGHT_S)


# What the hub computes for each night (noon to noon), of lamps and cabinets alike.
_NIGHT = (
    _kwh("night_kWh", "Énergie de la nuit", "Energy of the night"),
    Property("night_h", Label("Durée d’allumage", "Burning time"), "h", 0, 25, _NIGHT_S, 1),
    _kwh("expected_kWh", "Énergie prévue", "Expected energy"),
    _kwh("saved_kWh", "Économie (nuit pleine)", "Saving (against a full night)"),
)
# What was ordered through the hub and done: no device may say so.
_ORDERED = (
    Property("ordered_pct", Label("Niveau commandé", "Ordered level"), "%", 0.0, 100.0, 86_400, 0),
    Property("ordered_until_min", Label("Ordre valable jusqu’à", "Order holds until"), "min"),
)
_TOLD = (*_NIGHT, *_ORDERED)
_NIGHT_NAMES = tuple(item.name for item in _TOLD)
_ENERGY = Property("energy_kWh", Label("Compteur d’énergie", "Energy counter"), "kWh", 0.0, 1e9)

LUMINAIRE = Kind(
    "luminaire",
    Label("Point lumineux", "Light point"),
    _props(
        Property("power_W", Label("Puissance", "Power"), "W", 0.0, 5_000.0, digits=1),
        _state("on", "Allumage", "Switched on", _OFF_ON),
        Property("dim_pct", Label("Gradation", "Dimming"), "%", 0.0, 100.0, digits=0),
        Property("burning_h", Label("Heures de marche", "Burning hours"), "h", 0.0, 1e6, digits=0),
        _ENERGY,
        _state("lamp_failure", "Défaut signalé", "Reported failure", _NO_YES),
        Property("temperature_C", Label("Température", "Temperature"), "°C", -60, 200, digits=1),
        *_TOLD,
    ),
    "power_W",
    "lamp",
    derived=_NIGHT_NAMES,
)
CABINET = Kind(
    "cabinet",
    Label("Armoire d’éclairage", "Lighting cabinet"),
    _props(
        Property("power_W", Label("Puissance", "Power"), "W", 0.0, 1e6, digits=0),
        _ENERGY,
        Property("voltage_V", Label("Tension", "Voltage"), "V", 0.0, 1_000.0, digits=1),
        Property("current_A", Label("Intensité", "Current"), "A", 0.0, 5_000.0, digits=1),
        _state("door_open", "Porte", "Door", _SHUT_OPEN),
        _state("contactor_on", "Contacteur", "Contactor", _CONTACT),
        *_TOLD,
    ),
    "power_W",
    "cabinet",
    derived=_NIGHT_NAMES,
)
KINDS = {kind.name: kind for kind in (LUMINAIRE, CABINET)}
