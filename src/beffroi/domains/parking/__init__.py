"""Short-stay bays: occupancy by two technologies, stay, rotation, overstay. See domain.md."""

from beffroi.domains import measure_bays, sharing_streets
from beffroi.domains.base import Domain
from beffroi.domains.parking.decode import MODELS, decode
from beffroi.domains.parking.entities import BAY
from beffroi.domains.parking.rules import RULES
from beffroi.domains.parking.watch import BayWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="parking",
    label=Label("Stationnement", "Parking"),
    kinds={BAY.name: BAY},
    rules=RULES,
    decode=decode,
    watch=BayWatch,
    models=MODELS,
    colour="#6a4c93",
    measures=measure_bays.MEASURES,
    entries=measure_bays.ENTRIES,
    sharing=sharing_streets.BAYS,
)
