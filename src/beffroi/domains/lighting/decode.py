"""Raw values of lighting devices to the names of `entities`. Knows no vendor's bytes.

Model "" uses our names; "kilo" is telemetry in kW and Wh, as many meters send it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import DecodeError, plain
from beffroi.model.asset import Label

MODELS = {
    "": Label("Noms simples (W, kWh)", "Plain names (W, kWh)"),
    "kilo": Label("Compteur en kW et Wh", "Meter in kW and Wh"),
}
_KILO: Mapping[str, tuple[str, float]] = {
    "power_kW": ("power_W", 1_000.0),
    "energy_Wh": ("energy_kWh", 0.001),
}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value} in our units. DecodeError for an unknown model or a text for a number."""
    if model != "kilo":
        return plain(model, raw)
    return dict(_scaled(name, value) for name, value in raw.items())


def _scaled(name: str, value: Any) -> tuple[str, Any]:
    if name not in _KILO:
        return name, value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(f"{name} must be a number, not {value!r}")
    ours, factor = _KILO[name]
    return ours, value * factor
