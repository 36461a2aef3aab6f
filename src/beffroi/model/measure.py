"""How a service of the town turns what is stored into a figure of a period, as plain values.

A measure answers `Measured`: a figure, how much of what it should rest on was there, or why there
is none. It never answers 0 for "not known", and it knows neither store nor clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from beffroi.model.asset import Asset, Device, Label

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS


class Span(NamedTuple):
    """start <= t < end, UTC milliseconds."""

    start_ms: int
    end_ms: int

    @property
    def hours(self) -> int:
        """Whole and begun hours that it touches."""
        return -(-self.end_ms // HOUR_MS) - self.start_ms // HOUR_MS

    @property
    def days(self) -> float:
        return (self.end_ms - self.start_ms) / DAY_MS

    @property
    def years(self) -> float:
        return (self.end_ms - self.start_ms) / YEAR_MS


class Track(NamedTuple):
    """Hourly rollups of one series of one asset: arrays of equal length, oldest first."""

    asset: str
    start_ms: npt.NDArray[np.int64]
    n: npt.NDArray[np.int64]
    total: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


class Line(NamedTuple):
    """The values of one series of one asset in order of device time."""

    asset: str
    device: str
    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]


class Episode(NamedTuple):
    """How long a cause held. `open`: it still held at the end of the period."""

    asset: str
    start_ms: int
    end_ms: int
    open: bool


class Reader(Protocol):
    """What a measure may ask, always about one service and one period."""

    @property
    def span(self) -> Span: ...
    @property
    def inhabitants(self) -> int: ...
    def assets(self, kind: str) -> Sequence[Asset]: ...
    def devices(self) -> Mapping[str, Sequence[Device]]:
        """By asset; revoked ones are left out."""

    def tracks(self, kind: str, prop: str) -> Iterator[Track]:
        """Of every series of the property: one asset may have several."""

    def lines(self, asset: str, prop: str) -> Sequence[Line]:
        """Every value in the period, and the last one before it (at the start of the period)."""

    def episodes(self, *rules: str) -> Sequence[Episode]:
        """Of the alarms of these rules that held within the period, clipped to it."""

    def signed(self, asset: str) -> bool:
        """Whether its guard obeys commands signed under an envelope of the commune only."""

    def given(self, name: str) -> float | None:
        """A figure that the commune entered for this period; None when it did not."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a figure costs or has saved, in euros over the period."""

    label: Label
    euros: float


@dataclass(frozen=True, slots=True)
class Measured:
    """`value` None: not proven, and `why` says what is missing. `known` is the share (0 to 1) of
    the assets and times that it should rest on for which there are data. `n`: what was counted
    (stays, nights, hours). `spread`: half the width of a 95 % interval, None when unknown.
    `declared`: it rests on something a person entered."""

    value: float | None
    known: float = 0.0
    n: int = 0
    why: Label | None = None
    money: Sequence[Money] = ()
    spread: float | None = None
    declared: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)


Measure = Callable[[Reader], Measured]


@dataclass(frozen=True, slots=True)
class Entry:
    """A yearly figure that only people know: what to enter, and its unit."""

    label: Label
    unit: str = ""
    high: float = 1e9


NO_ASSETS = Label("aucun ouvrage de ce genre à l’inventaire", "no asset of this kind in the books")
NO_DATA = Label("aucune mesure sur la période", "no measurement in the period")


def unproven(why: Label, known: float = 0.0) -> Measured:
    """Not proven, never 0."""
    return Measured(None, known, why=why)


def missing(entry: Entry) -> Measured:
    """Not proven until a person has entered this figure."""
    return unproven(Label(f"à saisir : {entry.label.fr}", f"to be entered: {entry.label.en}"))


def share(part: float, whole: float, known: float, n: int = 0) -> Measured:
    """100 x part / whole, with the spread of a share of n (Wald, n counted ones)."""
    if whole <= 0:
        return unproven(NO_DATA, known)
    value = 100 * part / whole
    p = min(max(value / 100, 0.0), 1.0)
    spread = 196 * float(np.sqrt(p * (1 - p) / n)) if n > 1 else None
    return Measured(value, known, n, spread=spread)
