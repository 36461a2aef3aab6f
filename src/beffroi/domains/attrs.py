"""Reads an asset's free attributes without trusting them. A wrong type counts as absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def number(attrs: Mapping[str, Any], name: str) -> float | None:
    """The finite number under `name`, else None (a boolean is not a number)."""
    value = attrs.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def number_or(attrs: Mapping[str, Any], name: str, default: float) -> float:
    value = number(attrs, name)
    return default if value is None else value


def text(attrs: Mapping[str, Any], name: str, default: str = "") -> str:
    value = attrs.get(name)
    return value if isinstance(value, str) else default
