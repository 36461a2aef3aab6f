"""What a service balances once a night, over what was stored and what was sold. Names no service.

Pure shapes: the hub reads the store and the shelf of titles, the service judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from beffroi.model.asset import Asset
from beffroi.model.finding import Finding

SETTINGS, TITLES, SIGHT = "settings", "titles", "sight"  # why a night is not proven


class Sight(NamedTuple):
    """Of one asset: what the hub made of its sensors, (UTC ms, value) by time, and the beginnings
    of the hours (UTC ms) in which a sensor of its own was heard."""

    state: Sequence[tuple[int, float]] = ()
    confidence: Sequence[tuple[int, float]] = ()
    heard_ms: Sequence[int] = ()


class Wanted(NamedTuple):
    """What a night rests on. The local day is start <= t < end, UTC ms. `why`: what is wrong with
    the asset's settings, "" for nothing."""

    start_ms: int
    end_ms: int
    sights: tuple[str, ...] = ()
    why: str = ""


class Sold(NamedTuple):
    """The words of all titles that may be valid on a day, and the keys that sign titles."""

    words: Sequence[str]
    publics: Sequence[bytes]


class Night(NamedTuple):
    """Whole numbers of one asset and day. `why` is "" when they are proven. `low_pct` is what the
    rule judges."""

    facts: Mapping[str, int]
    why: str = ""
    low_pct: float = 0.0


@dataclass(frozen=True, slots=True)
class Nightly:
    """`wanted(asset, day)`: None when nothing is to be balanced on that day.
    `balance(asset, day, commune, sights by asset, sold or None)`.
    `findings(asset, shares)`: what the newest of the proven nights, (end of day in UTC ms, low_pct)
    by time, changes."""

    wanted: Callable[[Asset, date], Wanted | None]
    balance: Callable[[Asset, date, str, Mapping[str, Sight], Sold | None], Night]
    findings: Callable[[Asset, Sequence[tuple[int, float]]], Sequence[Finding]]
