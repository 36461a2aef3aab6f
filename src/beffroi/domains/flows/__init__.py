"""People flow: anonymous counts, what is expected and what is unusual. See domain.md."""

from beffroi.domains import measure_streets, sharing_streets
from beffroi.domains.base import Domain
from beffroi.domains.flows.decode import MODELS, decode
from beffroi.domains.flows.entities import COUNTER
from beffroi.domains.flows.rules import RULES
from beffroi.domains.flows.watch import CounterWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="flows",
    label=Label("Fréquentation", "People flow"),
    kinds={COUNTER.name: COUNTER},
    rules=RULES,
    decode=decode,
    watch=CounterWatch,
    models=MODELS,
    colour="#2a9d8f",
    measures=measure_streets.FLOWS,
    sharing=sharing_streets.FLOWS,
)
