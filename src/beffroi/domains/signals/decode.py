"""Raw values of signal controllers to the names of `entities`. Knows no vendor's bytes.

Model "" uses our names, as the lab and a guard with read access send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import plain
from beffroi.model.asset import Label

MODELS = {"": Label("Noms simples", "Plain names")}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value}. DecodeError for an unknown model."""
    return plain(model, raw)
