"""Parking entitlements: signed single-use titles, paid against occupied minutes (M10). See
`domain.md`."""

from beffroi.domains import sharing_streets
from beffroi.domains.base import Domain, plain
from beffroi.domains.entitlement.entities import KINDS
from beffroi.domains.entitlement.night import NIGHTLY
from beffroi.domains.entitlement.rules import RULES
from beffroi.domains.entitlement.watch import EntitlementWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="entitlement",
    label=Label("Droits de stationnement", "Parking entitlements"),
    kinds=KINDS,
    rules=RULES,
    decode=plain,
    watch=EntitlementWatch,
    models={"": Label("Noms simples", "Plain names")},
    colour="#7a5c99",
    sharing=sharing_streets.PAYING,
    nightly=NIGHTLY,
)
