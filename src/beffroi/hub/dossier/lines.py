"""Lines of the diligence file: a claim with what proves it, or the words "non prouvé". Pure.

A line that claims something cites at least one alarm, entry, reading, command, report or register
line; one without a citation cannot be made with `proven`, and `missing` always says so. Three
editions: public, internal, sealed; what may not be told is counted, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from beffroi.hub.reports.figures import percentile

NOT_PROVEN = "non prouvé"
ERASED = "contenu effacé"
CITES_SHOWN_MAX = 6


class Edition(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"
    SEALED = "sealed"


class Reach(StrEnum):
    """How far a line may go. SEALED: not communicable (CRPA L311-5 2° d)."""

    ALL = "all"
    INSIDE = "inside"
    SEALED = "sealed"


GOES: dict[Edition, frozenset[Reach]] = {
    Edition.PUBLIC: frozenset({Reach.ALL}),
    Edition.INTERNAL: frozenset({Reach.ALL, Reach.INSIDE}),
    Edition.SEALED: frozenset(Reach),
}


class Cite(NamedTuple):
    """What proves a line. `entry`: index in the evidence log, -1 for none."""

    kind: str  # a key of NAMES
    id: str = ""
    at_ms: int = 0
    entry: int = -1


NAMES = {
    "alarm": "alarme",
    "entry": "entrée",
    "register": "registre",
    "reading": "relevé",
    "command": "commande",
    "report": "signalement",
    "device": "équipement",
    "inventory": "inventaire",
    "log": "journal",
    "law": "référentiel",
    "incident": "incident",
    "count": "décompte",
}


class LineError(ValueError):
    """A claim without anything that proves it."""


@dataclass(frozen=True, slots=True)
class Line:
    """`head` stands in the margin: a service, a date, a subject."""

    text: str
    cites: tuple[Cite, ...] = ()
    head: str = ""
    reach: Reach = Reach.ALL

    @property
    def is_proven(self) -> bool:
        return bool(self.cites)


@dataclass(frozen=True, slots=True)
class Section:
    """One of the fourteen, or a part of an extract. `withheld`: lines this edition may not tell."""

    n: int
    title: str
    lines: tuple[Line, ...]
    law: str = ""
    withheld: int = 0


def proven(text: str, *cites: Cite, head: str = "", reach: Reach = Reach.ALL) -> Line:
    """LineError without a citation."""
    if not cites:
        raise LineError(f"nothing is cited for: {text}")
    return Line(text, tuple(cites), head, reach)


def missing(text: str, head: str = "") -> Line:
    """There are no data: the reader is told so."""
    return Line(text, (), head)


def counted(text: str, cites: Iterable[Cite], head: str = "", reach: Reach = Reach.ALL) -> Line:
    """A figure over many things: it cites them when there are some, else it is not proven."""
    kept = tuple(cites)
    return Line(text, kept, head, reach) if kept else missing(text, head)


def for_edition(section: Section, edition: Edition) -> Section:
    kept = tuple(line for line in section.lines if line.reach in GOES[edition])
    return replace(section, lines=kept, withheld=len(section.lines) - len(kept))


def cited(sections: Iterable[Section]) -> list[int]:
    """Evidence entries that the lines cite, in order, each once."""
    found = {c.entry for s in sections for line in s.lines for c in line.cites if c.entry >= 0}
    return sorted(found)


class Calendar:
    """Times in the commune's zone, in French."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def when(self, ms: int) -> str:
        """`24/11/2026 à 14:03`."""
        return f"{self.at(ms):%d/%m/%Y à %H:%M}" if ms else "date inconnue"

    def day(self, ms: int) -> str:
        return f"{self.at(ms):%d/%m/%Y}" if ms else "date inconnue"

    def at(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, self._zone)


def cite_text(cite: Cite, calendar: Calendar) -> str:
    """`alarme 1a2b3c4d, entrée 812`."""
    name = NAMES[cite.kind]
    told = f"{name} {cite.id}".strip() if cite.kind != "entry" else ""
    if cite.kind == "reading" and cite.at_ms:
        told += f" du {calendar.when(cite.at_ms)}"
    entry = f"entrée {cite.entry}" if cite.entry >= 0 else ""
    return ", ".join(part for part in (told, entry) if part)


def cites_text(line: Line, calendar: Calendar) -> list[str]:
    """The first few, and how many more."""
    shown = [cite_text(one, calendar) for one in line.cites[:CITES_SHOWN_MAX]]
    more = len(line.cites) - len(shown)
    return [*shown, f"et {more} autres"] if more > 0 else shown


def span(ms: float) -> str:
    """`3 h 20`, `5 jours`."""
    minutes = round(ms / 60_000)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02}"
    return f"{round(minutes / 1440)} jours"


def share(values: list[float], part: float) -> float:
    """The value that `part` of them do not exceed (nearest rank). `values` is not empty."""
    return percentile(values, round(100 * part)) or 0.0
