"""The short-stay bays as a source: day by day, what their sensors say, in the order of time.

Knows no detection: that is the domain's. Knows no street either: that is `worlds.stops`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from beffroi.lab.commune import LabCommune
from beffroi.lab.devices import Measure
from beffroi.lab.worlds.stops import ZONE, Parked, day_start_ms, sayings


class BaySource:
    """Call `measures` with growing times; what was said since the last call comes out.

    Vans may be put into `parked` (by the index in `assets`) before their day is reached.
    """

    period_s = 5.0

    def __init__(self, made: LabCommune, seed: int, start_ms: int) -> None:
        self.assets = [asset.id for asset in made.assets if asset.kind == "bay"]
        owner = {d.asset: d.id for d in made.devices if not d.is_gateway}
        self._devices = [owner[asset] for asset in self.assets if asset in owner]
        self.parked: list[Parked] = []
        self._seed = seed
        self._last_ms = start_ms
        self._day: date | None = None
        self._todo: list[Measure] = []  # of the day at hand, newest first

    def measures(self, now_ms: int) -> Iterator[Measure]:
        day = _day_of(self._last_ms)
        while True:
            if day != self._day:
                self._load(day)
            while self._todo and self._todo[-1].ts_ms <= now_ms:
                said = self._todo.pop()
                if said.ts_ms > self._last_ms:
                    yield said
            if day_start_ms(day + timedelta(days=1)) > now_ms:
                break
            day += timedelta(days=1)
        self._last_ms = max(self._last_ms, now_ms)

    def _load(self, day: date) -> None:
        self._day = day
        self._todo = [
            Measure(device, said.ts_ms, said.values)
            for bay, device in enumerate(self._devices)
            for said in sayings(self._seed, bay, day, self.parked)
        ]
        self._todo.sort(key=lambda measure: -measure.ts_ms)


def _day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, ZONE).date()


def last_half_past_nine(now_ms: int) -> int:
    """The newest 09:30 of a Monday to Saturday that is at least an hour ago."""
    at = datetime.fromtimestamp(now_ms / 1000, ZONE).replace(
        hour=9, minute=30, second=0, microsecond=0
    )
    while at.weekday() == 6 or at.timestamp() * 1000 > now_ms - 3_600_000:
        at -= timedelta(days=1)
    return int(at.timestamp() * 1000)
