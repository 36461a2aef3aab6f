"""Public lighting: luminaires and cabinets against sun and schedule (M2). See `domain.md`."""

from __future__ import annotations

from beffroi.domains import measure_light, sharing_streets
from beffroi.domains.attrs import text
from beffroi.domains.base import Domain
from beffroi.domains.lighting.acts import ACTS, lighting_envelope, ordered
from beffroi.domains.lighting.decode import MODELS, decode
from beffroi.domains.lighting.entities import KINDS
from beffroi.domains.lighting.rules import RULES
from beffroi.domains.lighting.watch import LightingWatch
from beffroi.model.asset import Asset, Label


def _cabinet(asset: Asset) -> str:
    """The cabinet that feeds this lamp: attrs "cabinet"."""
    return "" if asset.kind == "cabinet" else text(asset.attrs, "cabinet")


DOMAIN = Domain(
    name="lighting",
    label=Label("Éclairage public", "Public lighting"),
    kinds=KINDS,
    rules=RULES,
    decode=decode,
    watch=LightingWatch,
    models=MODELS,
    colour="#b8860b",
    group=_cabinet,
    acts=ACTS,
    envelope=lighting_envelope,
    ordered=ordered,
    measures=measure_light.MEASURES,
    entries=measure_light.ENTRIES,
    sharing=sharing_streets.LIGHT,
)
