"""Signalled junctions: proven plans, of which the hub may choose one (M11). See `domain.md`.

The controller in the street is the legal safety device (order of 18 June 2003). Nothing here claims
a safety integrity level, and nothing here can set a lamp, an amber or a clearance time.
"""

from __future__ import annotations

from beffroi.domains import measure_streets, sharing_streets
from beffroi.domains.base import Domain
from beffroi.domains.signals.acts import ACTS, envelope, ordered
from beffroi.domains.signals.decode import MODELS, decode
from beffroi.domains.signals.entities import KINDS
from beffroi.domains.signals.rules import RULES
from beffroi.domains.signals.watch import JunctionWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="signals",
    label=Label("Feux de circulation", "Traffic signals"),
    kinds=KINDS,
    rules=RULES,
    decode=decode,
    watch=JunctionWatch,
    models=MODELS,
    colour="#7a3b69",
    acts=ACTS,
    envelope=envelope,
    ordered=ordered,
    measures=measure_streets.SIGNALS,
    sharing=sharing_streets.SIGNALS,
)
