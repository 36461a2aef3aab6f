"""Law, limits, indicators, maturity, incidents and words of a commune, as values with their marks.

Read from `data/*.yaml` of the package; knows no clock, no store and no town. Refuses to give legal
advice, and to hand out a claim that nobody has checked without saying so: use `shown`.
"""

from beffroi.law.items import (
    AutoRule,
    Axis,
    Claim,
    Deadline,
    Dossier,
    Figure,
    Gate,
    Incident,
    Indicator,
    Item,
    LawError,
    Level,
    LimitItem,
    Maturity,
    Obligation,
    Question,
    Section,
    Term,
    shown,
)
from beffroi.law.load import (
    deadlines,
    dossier,
    glossary,
    incidents,
    indicators,
    limits,
    maturity,
    obligations,
    stats,
)

__all__ = [
    "AutoRule",
    "Axis",
    "Claim",
    "Deadline",
    "Dossier",
    "Figure",
    "Gate",
    "Incident",
    "Indicator",
    "Item",
    "LawError",
    "Level",
    "LimitItem",
    "Maturity",
    "Obligation",
    "Question",
    "Section",
    "Term",
    "deadlines",
    "dossier",
    "glossary",
    "incidents",
    "indicators",
    "limits",
    "maturity",
    "obligations",
    "shown",
    "stats",
]
