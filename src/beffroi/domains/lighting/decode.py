"""Raw values of lighting devices to the names of `entities`. Knows no vendor's bytes.

Model "" uses our names; "kilo" is telemetry in kW and Wh, as many meters send it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import plain
from beffroi.domains.units import Scale, scaled
from beffroi.model.asset import Label

MODELS = {
    "": Label("Noms simples (W, kWh)", "Plain names (W, kWh)"),
    "kilo": Label("Compteur en kW et Wh", "Meter in kW and Wh"),
}
_KILO: Scale = {
    "power_kW": ("power_W", 1_000.0),
    "energy_Wh": ("energy_kWh", 0.001),
}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value} in our units. DecodeError for an unknown model or a text for a number."""
    return scaled(raw, _KILO) if model == "kilo" else plain(model, raw)
