"""Indicators as pages, programs and tables show them. Computes nothing; "not proven" is a word.

An indicator whose standard nobody has checked says so wherever its standard is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beffroi import law
from beffroi.api.problems import not_found
from beffroi.api.words import said
from beffroi.hub.indicators.scoreboard import Scoreboard, Sheet
from beffroi.hub.services import Services
from beffroi.law import Indicator, Item, shown
from beffroi.model.asset import Label
from beffroi.model.measure import Measured

PERIODS = (30, 365)
OWN_FAMILIES = {
    "people": Label("Habitants", "Inhabitants"),
    "vigilance": Label("Vigilance", "Vigilance"),
}
JUDGED_FROM = 0.5  # a figure that rests on less is not held against a target
NOT_PROVEN = Label("non prouvé", "not proven")
WIDTH, HEIGHT = 240.0, 48.0  # of the small drawing of months


@dataclass(frozen=True, slots=True)
class View:
    """One indicator in one language."""

    item: Indicator
    name: str
    unit: str
    formula: str
    standard: str
    found: Measured
    why: str
    family: str
    good: bool | None  # whether the target is met; None when there is none

    @property
    def proven(self) -> bool:
        return self.found.value is not None

    @property
    def digits(self) -> int:
        return digits_of(self.found.value)


def digits_of(value: float | None) -> int:
    """Three figures or so are enough to decide."""
    size = abs(value or 0.0)
    return 0 if size >= 100 or size == int(size) else 1 if size >= 10 else 2


def scoreboard(services: Services) -> Scoreboard:
    """Those of this hub; the refusal when a part has none."""
    if services.results is None:
        raise not_found("indicators")
    return services.results


def view(ident: str, found: Measured, lang: str) -> View:
    item = law.indicators()[ident]
    formula = item.formula.en if lang == "en" else item.formula.fr
    unit = item.unit.en if lang == "en" else item.unit.fr
    return View(
        item,
        item.en if lang == "en" else item.text,
        unit,
        formula,
        shown(Item(ident, item.source, item.mark, "", item.verified_on), lang),
        found,
        said(found.why, lang) if found.why else "",
        item.family,
        met(item, found.value) if found.known >= JUDGED_FROM else None,
    )


def met(item: Indicator, value: float | None) -> bool | None:
    if value is None or item.target is None or not item.better:
        return None
    return value >= item.target if item.better == "up" else value <= item.target


def families(
    services: Services, sheet: Sheet, lang: str, *, public: bool = False
) -> list[tuple[str, str, list[View]]]:
    """(family, its name, its indicators) in the order of the law's file."""
    found: dict[str, list[View]] = {}
    for ident, one in sheet.figures.items():
        made = view(ident, one, lang)
        if not public or made.item.public:
            found.setdefault(made.family, []).append(made)
    return [(key, family_name(services, key, lang), views) for key, views in found.items()]


def family_name(services: Services, family: str, lang: str) -> str:
    domain = services.domains.get(family)
    label = domain.label if domain else OWN_FAMILIES.get(family, Label(family, family))
    return said(label, lang)


def as_json(made: View) -> dict[str, Any]:
    found = made.found
    return {
        "id": made.item.id,
        "name": made.name,
        "value": found.value,
        "proven": made.proven,
        "unit": made.unit,
        "formula": made.formula,
        "standard": made.standard,
        "verified": made.item.verified,
        "why": made.why,
        "coverage": round(found.known, 4),
        "counted": found.n,
        "spread": found.spread,
        "declared": found.declared,
        "target": made.item.target,
        "target_met": made.good,
        "money": [{"fr": m.label.fr, "en": m.label.en, "euros": m.euros} for m in found.money],
        "parts": dict(found.parts),
    }


def rows(views: Iterable[View], lang: str) -> list[list[str]]:
    """For a CSV table: a header and a line each. A cell never begins like a formula."""
    head = ("id", "name", "value", "unit", "coverage", "counted", "status", "formula", "standard")
    found = [list(head)]
    for one in views:
        status = "proven" if one.proven else f"{said(NOT_PROVEN, lang)}: {one.why}"
        value = "" if one.found.value is None else repr(round(one.found.value, 6))
        cover, counted = f"{one.found.known:.4f}", str(one.found.n)
        found.append(
            [one.item.id, one.name, value, one.unit, cover, counted, status, one.formula,
             one.standard]
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Trend:
    """The months of one indicator: for a table, and as lines to draw in WIDTH x HEIGHT."""

    months: Sequence[tuple[str, float | None, float]]  # (month, value, coverage)
    lines: Sequence[str]  # "x,y x,y" of each unbroken stretch
    dots: Sequence[tuple[float, float]]
    low: float = 0.0
    high: float = 0.0

    @property
    def known(self) -> int:
        return len(self.dots)


def trend(ident: str, months: Sequence[tuple[str, Mapping[str, Measured]]]) -> Trend:
    """A month without a figure breaks the line: nothing is drawn through it."""
    series = [(name, f[ident].value, f[ident].known) for name, f in months if ident in f]
    values = [value for _, value, _ in series if value is not None]
    if not values:
        return Trend(series, (), ())
    low, high = min(values), max(values)
    room = (high - low) or abs(high) or 1.0
    step = WIDTH / max(len(series) - 1, 1)
    lines: list[list[str]] = [[]]
    dots = []
    for i, (_, value, _) in enumerate(series):
        if value is None:
            lines.append([])
            continue
        x, y = i * step, HEIGHT - 6 - (HEIGHT - 12) * (value - low) / room
        lines[-1].append(f"{x:.1f},{y:.1f}")
        dots.append((round(x, 1), round(y, 1)))
    return Trend(series, [" ".join(one) for one in lines if len(one) > 1], dots, low, high)
