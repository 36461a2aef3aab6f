"""What inhabitants report: categories, and alarms about dangers and late answers (M3). See
`domain.md`."""

from beffroi.domains.base import Domain, plain
from beffroi.domains.participation.entities import PLACE
from beffroi.domains.participation.findings import reported
from beffroi.domains.participation.rules import RULES
from beffroi.domains.participation.topics import TOPICS
from beffroi.domains.participation.watch import PlaceWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="participation",
    label=Label("Habitants", "Inhabitants"),
    kinds={PLACE.name: PLACE},
    rules=RULES,
    decode=plain,
    watch=PlaceWatch,
    models={"": Label("Noms simples", "Plain names")},
    colour="#2f6f5e",
    topics=TOPICS,
    reported=reported,
)
