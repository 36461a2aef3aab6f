"""Drinking water: tanks, pumps, pressure, quality, district areas, leaks (M2). See `domain.md`."""

from __future__ import annotations

from beffroi.domains.attrs import text
from beffroi.domains.base import Domain
from beffroi.domains.water.decode import MODELS, decode
from beffroi.domains.water.entities import KINDS
from beffroi.domains.water.rules import RULES
from beffroi.domains.water.watch import WaterWatch
from beffroi.model.asset import Asset, Label


def _network(asset: Asset) -> str:
    """The network asset that watches this part as a whole: attrs "network"."""
    return "" if asset.kind == "network" else text(asset.attrs, "network")


DOMAIN = Domain(
    name="water",
    label=Label("Eau potable", "Drinking water"),
    kinds=KINDS,
    rules=RULES,
    decode=decode,
    watch=WaterWatch,
    models=MODELS,
    colour="#1f6fb2",
    group=_network,
)
