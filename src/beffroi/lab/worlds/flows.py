"""People past a counter: a commune's day and week, its market, its school, its quiet Sundays.

A pure function of (seed, counter, five minutes): history and live readings are one world.
Counts are drawn overdispersed (people come in groups), never from anybody in particular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

ZONE = ZoneInfo("Europe/Paris")
SLOT_MS = 300_000
HOUR_MS = 3_600_000
# people per hour past a counter of scale 1, by local hour, for (weekday, Saturday, Sunday)
_WEEKDAY: tuple[float, ...] = (
    0.2, 0.1, 0, 0, 0.1, 0.6, 3, 11, 24, 16, 18, 24, 26, 16, 18, 18, 30, 33, 24,
    12, 6, 4, 2, 0.7,
)  # fmt: skip
_SATURDAY: tuple[float, ...] = (
    0.8, 0.3, 0.1, 0, 0, 0.4, 1.5, 6, 16, 27, 34, 30, 18, 13, 19, 22, 23, 20,
    15, 10, 7, 5, 3, 1.5,
)  # fmt: skip
_SUNDAY: tuple[float, ...] = (
    1, 0.5, 0.1, 0, 0, 0.2, 0.8, 3, 9, 17, 27, 24, 9, 6, 10, 13, 13, 10,
    6, 4, 2, 1.5, 1, 0.5,
)  # fmt: skip
MARKET_WEEKDAY = 5  # Saturday morning on the square
MARKET_HOURS = range(8, 13)
GROUP = 2.2  # variance over mean: families, friends, classes
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)})


@dataclass(frozen=True, slots=True)
class Spot:
    """`scale` 1 is a village square; `market` whether the stalls stand there."""

    device: str
    scale: float
    market: bool = False


class PeopleWorld:
    """Counts of all counters of a commune."""

    def __init__(self, spots: Sequence[Spot], seed: int) -> None:
        self._spots = list(spots)
        self._seed = seed

    def expected(self, spot: Spot, slot_ms: int) -> float:
        """Mean count of the five minutes that starts at `slot_ms` (UTC)."""
        at = datetime.fromtimestamp(slot_ms / 1000, ZONE)
        holiday = (at.month, at.day) in FIXED_HOLIDAYS
        day = _SUNDAY if holiday or at.weekday() == 6 else _WEEKDAY
        if at.weekday() == 5 and not holiday:
            day = _SATURDAY
        rate = day[at.hour] * (1 - at.minute / 60) + day[(at.hour + 1) % 24] * at.minute / 60
        if spot.market and at.weekday() == MARKET_WEEKDAY and at.hour in MARKET_HOURS:
            rate *= 3.6
        if at.month in (7, 8):
            rate *= 1.15
        return rate * spot.scale * SLOT_MS / HOUR_MS

    def count(self, index: int, slot_ms: int) -> int:
        """People past counter `index` in the slot that starts at `slot_ms`."""
        spot, slot = self._spots[index], slot_ms // SLOT_MS
        mean = self.expected(spot, slot * SLOT_MS)
        if mean <= 0:
            return 0
        rng = np.random.default_rng((self._seed & 0xFFFFFFFF, index, slot))
        # weather and chance move a whole day up or down, the same for every counter
        mood = np.random.default_rng(
            (self._seed & 0xFFFFFFFF, slot * SLOT_MS // 86_400_000)
        ).lognormal(0.0, 0.12)
        shape = mean * mood / (GROUP - 1)
        return int(rng.poisson(rng.gamma(shape, GROUP - 1)))

    def hour(self, index: int, end_ms: int) -> int:
        """People in the hour that ends at `end_ms` (a whole hour)."""
        return sum(
            self.count(index, end_ms - k * SLOT_MS) for k in range(1, HOUR_MS // SLOT_MS + 1)
        )

    def readings(self, end_ms: int) -> Iterator[tuple[str, dict[str, float]]]:
        """(device, values) for the slot that ends at `end_ms`; on the hour also the hour."""
        for index, spot in enumerate(self._spots):
            values = {"count": float(self.count(index, end_ms - SLOT_MS))}
            if end_ms % HOUR_MS == 0:
                values["count_1h"] = float(self.hour(index, end_ms))
            yield spot.device, values
