"""Scales what devices send in other units to ours. Knows no domain: the table is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import DecodeError

Scale = Mapping[str, tuple[str, float]]  # their name -> (our name, factor)


def scaled(raw: Mapping[str, Any], table: Scale) -> dict[str, Any]:
    """Names outside the table pass as they are. DecodeError for a text where a number belongs."""
    out: dict[str, Any] = {}
    for name, value in raw.items():
        ours, factor = table.get(name, (name, 1.0))
        out[ours] = value if name not in table else factor * as_number(name, value)
    return out


def as_number(name: str, value: Any) -> float:
    """A boolean is not a measurement."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError as huge:
        raise DecodeError(f"{name} is too large a number") from huge
