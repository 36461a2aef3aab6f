"""What of a kind of asset may be published as open data, if the commune decides so.

Each service says it for its own kinds; what it does not name stays closed. Knows no person, no
file and no decision of a commune.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beffroi.model.asset import Label


class Treatment(StrEnum):
    """How hourly values of a property are published."""

    VALUE = "value"  # mean, lowest and highest of each asset
    GROUP = "group"  # the mean over the assets of a zone: never one asset alone
    PEOPLE = "people"  # a count of persons: small ones hidden, others rounded


@dataclass(frozen=True, slots=True)
class Sharing:
    """`places`: the inventory with its places may be published. `hourly`: properties whose hourly
    values may. `never`: properties (or "*" for the kind as a whole) that may not, with the reason
    that people read. `theme`: code of the EU vocabulary of data themes."""

    theme: str = "GOVE"
    places: bool = False
    hourly: Mapping[str, Treatment] = field(default_factory=dict)
    never: Mapping[str, Label] = field(default_factory=dict)


CLOSED = Label(
    "Fermé par défaut : rien ne dit encore que le publier soit utile et sans danger.",
    "Closed by default: nothing says yet that publishing it is useful and harmless.",
)
SECURITY = Label(
    "Aiderait qui voudrait nuire aux installations ou aux personnes (CRPA L311-5, 2° d).",
    "Would help whoever wants to harm installations or people (CRPA L311-5, 2° d).",
)
COMPUTED = Label(
    "Se calcule à partir de valeurs masquées : les rendrait à qui sait compter.",
    "Is computed from hidden values: it would give them back to whoever can count.",
)
PERSONAL = Label(
    "Peut décrire la vie de quelques personnes (CRPA L312-1-2).",
    "May describe the lives of a few people (CRPA L312-1-2).",
)
