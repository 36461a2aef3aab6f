"""From what a parking sensor's codec says to properties of a bay.

Takes the decoded output of the makers' public codecs (Bosch TPS110, Nwave NPS405). Drops, on
purpose, everything that could name a driver (`tag_id` of a registration frame).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import DecodeError
from beffroi.model.asset import Label

MODELS = {
    "": Label("noms du glossaire, unités SI", "glossary names, SI units"),
    "bosch-tps110": Label("Bosch TPS110 (LoRaWAN)", "Bosch TPS110 (LoRaWAN)"),
    "nwave-nps405": Label("Nwave NPS405 (LoRaWAN)", "Nwave NPS405 (LoRaWAN)"),
}
_FRAMES = {"parking_status", "parking status", "heartbeat", "startup", "user_registration"}
_NUMBERS = {"temperature": "temperature_C", "battery_voltage": "battery_V"}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value} of one reading. Raises DecodeError for an unknown model or frame."""
    if not model:
        return raw
    if model not in MODELS:
        raise DecodeError(f"unknown parking sensor model {model!r}; known: {sorted(MODELS)}")
    frame, said = raw.get("type"), raw.get("occupied")
    if frame == "debug":
        return {}
    if frame not in _FRAMES:
        raise DecodeError(f"{model}: frame type {frame!r} is not one of {sorted(_FRAMES)}")
    out = {ours: raw[theirs] for theirs, ours in _NUMBERS.items() if theirs in raw}
    if said is not None:  # a registration frame may leave it open
        if not isinstance(said, bool):
            raise DecodeError(f"{model}: 'occupied' must be true or false, it is {said!r}")
        # these devices fuse their own two technologies and tell only the result
        out["occupied_device"] = float(said)
    return out
