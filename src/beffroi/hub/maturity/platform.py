"""What the platform can show by itself, before anybody declares anything. Pure.

Each rule of `law.maturity().rules` is judged from indicators: PILOT, DEPLOYED, 0 for "not yet", or
absent when nothing is stored that could tell. Knows indicators by their ids only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beffroi.hub.maturity.method import DEPLOYED, PILOT
from beffroi.model.measure import Measured

AVAILABLE, MOST, WELL_KNOWN = 0.95, 80.0, 0.9
SETS_FEW, SETS_MANY = 3, 6
Figures = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Shown:
    """Indicators of 30, 90 and 365 days and of the last months (newest last); `council`: the file
    was reported to the council; `drill`: an alert exercise passed within 12 months."""

    month: Figures
    quarter: Figures
    year: Figures
    months: Sequence[Figures]
    council: bool = False
    drill: bool = False


def proofs(shown: Shown) -> dict[str, int]:
    """Stage by rule; a rule about which nothing is known is left out."""
    found = {rule: of(shown) for rule, of in RULES.items()}
    return {rule: stage for rule, stage in found.items() if stage is not None}


def _bays(s: Shown) -> int | None:
    if s.month["P2"].value is None:
        return None
    if s.month["P2"].known < AVAILABLE:
        return 0
    wide = (s.quarter["P1"].value or 0) >= MOST and s.quarter["P2"].known >= AVAILABLE
    return DEPLOYED if wide else PILOT


def _junctions(s: Shown) -> int | None:
    if s.month["T1"].value is None:
        return None
    if s.month["T1"].value < 100:
        return 0
    return DEPLOYED if _months(s, "T1", 4, lambda v: v >= 100) else PILOT


def _lamps(s: Shown) -> int | None:
    if s.month["L2"].value is None:
        return None
    return DEPLOYED if s.month["L2"].value >= MOST and s.year["L1"].value is not None else 0


def _mains(s: Shown) -> int | None:
    if s.month["W1"].value is None:
        return None
    year = s.year["W1"]
    return DEPLOYED if year.value is not None and year.known >= WELL_KNOWN else PILOT


def _catalogue(s: Shown) -> int | None:
    sets = s.month["G3"]
    if sets.value is None:
        return None
    fresh = sets.n * sets.value / 100
    if fresh >= SETS_MANY and _months(s, "G3", 12, lambda _: True):
        return DEPLOYED
    return PILOT if fresh >= SETS_FEW else 0


def _journal(s: Shown) -> int | None:
    age = s.month["S7"].value
    return None if age is None else DEPLOYED if age <= 24 and s.council else 0


def _answers(s: Shown) -> int | None:
    value = s.year["G4"].value
    return None if value is None else DEPLOYED if value >= 1 else 0


def _screens(s: Shown) -> int | None:
    value = s.month["D1"].value
    if value is None:
        return None
    return 0 if value < 100 else DEPLOYED if s.drill else PILOT


def _turnover(s: Shown) -> int | None:
    if s.month["P2"].value is None:
        return None
    return DEPLOYED if _months(s, "P2", 12, lambda _: True) else PILOT


def _months(s: Shown, ident: str, count: int, test: Callable[[float], bool]) -> bool:
    """Whether the last `count` months all have a figure that passes."""
    values = [month[ident].value for month in s.months[-count:] if ident in month]
    return len(values) == count and all(v is not None and test(v) for v in values)


RULES: Mapping[str, Callable[[Shown], int | None]] = {
    "bays": _bays,
    "junctions": _junctions,
    "lamps": _lamps,
    "mains": _mains,
    "catalogue": _catalogue,
    "journal": _journal,
    "answers": _answers,
    "screens": _screens,
    "turnover": _turnover,
}


def vigilance(figures: Figures, degraded: bool) -> dict[str, bool]:
    """The eight checks of the index; what is not proven is not passed."""

    def at(ident: str, test: Callable[[float], bool]) -> bool:
        value = figures[ident].value
        return value is not None and test(value)

    return {
        "S2": at("S2", lambda v: v == 0),
        "S3": at("S3", lambda v: v == 0),
        "S4": at("S4", lambda v: v >= 90),
        "S5": at("S5", lambda v: v <= 365),
        "S6": at("S6", lambda v: v >= 100),
        "S7": at("S7", lambda v: v <= 24),
        "S8": at("S8", lambda v: v == 0),
        "A7": degraded,
    }
