"""Drinking water: tanks, pumps, pressure, quality, district areas, leaks (M2). See `domain.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains import measure_water, sharing_water
from beffroi.domains.attrs import text
from beffroi.domains.base import Domain, Watch
from beffroi.domains.water.acts import ACTS, water_envelope
from beffroi.domains.water.decode import MODELS, decode
from beffroi.domains.water.entities import KINDS
from beffroi.domains.water.rules import RULES
from beffroi.domains.water.watch import WaterWatch
from beffroi.domains.whole import NetworkWatch
from beffroi.model.asset import Asset, Label


def _watch(asset: Asset, saved: Mapping[str, Any] | None) -> Watch:
    return NetworkWatch(asset, saved) if asset.kind == "network" else WaterWatch(asset, saved)


def _network(asset: Asset) -> str:
    """The network asset that watches this part as a whole: attrs "network"."""
    return "" if asset.kind == "network" else text(asset.attrs, "network")


DOMAIN = Domain(
    name="water",
    label=Label("Eau potable", "Drinking water"),
    kinds=KINDS,
    rules=RULES,
    decode=decode,
    watch=_watch,
    models=MODELS,
    colour="#1f6fb2",
    group=_network,
    acts=ACTS,
    envelope=water_envelope,
    measures=measure_water.MEASURES,
    entries=measure_water.ENTRIES,
    sharing=sharing_water.WATER,
)
