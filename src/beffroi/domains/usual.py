"""What is usual for a value that comes back by slots (hours, nights), and a CUSUM that it rises.

Mean and mean absolute deviation per slot, learnt only while nothing seems wrong; a one-sided sum
of standardised excesses (CUSUM) over all slots. After `patience` values of refusing to learn, the
new level becomes the usual one: an alarm that nobody mends must not stay for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from beffroi.domains.state import Memory

SPREAD_OF_DEVIATION = 1.2533  # sigma / mean absolute deviation of a normal law
Z_MAX = 6.0  # one value alone is not proof


class Tuning(NamedTuple):
    """`learn` values of a slot before it is trusted; `share` of a new value in the mean after;
    spreads are at least `floor_share` of the mean and `floor`; slack and bar in spreads."""

    learn: int
    share: float
    floor_share: float
    floor: float
    slack: float
    bar: float
    patience: int


@dataclass(slots=True)
class Usual(Memory):
    """All slots of one series. Constant cost per value."""

    mean: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    excess: float = 0.0  # the CUSUM
    refused: int = 0

    def step(self, slot: str, value: float, tuning: Tuning) -> float | None:
        """Fold a value in. The usual value of its slot, or None while that is being learnt."""
        count = self.count.get(slot, 0)
        if count < tuning.learn:
            self._learn(slot, value, 1 / (count + 1))
            return None
        usual = self.mean[slot]
        spread = max(
            SPREAD_OF_DEVIATION * self.spread[slot], tuning.floor_share * abs(usual), tuning.floor
        )
        z = max(-Z_MAX, min(Z_MAX, (value - usual) / spread))
        self.excess = min(2 * tuning.bar, max(0.0, self.excess + z - tuning.slack))
        if self.excess < tuning.bar / 2:
            self.refused = 0
            self._learn(slot, value, tuning.share)
        else:
            self.refused += 1
            if self.refused > tuning.patience:
                self.mean.clear()
                self.spread.clear()
                self.count.clear()
                self.excess, self.refused = 0.0, 0
        return usual

    def _learn(self, slot: str, value: float, share: float) -> None:
        mean = self.mean.get(slot, value)
        error = value - mean
        self.mean[slot] = mean + error * share
        spread = self.spread.get(slot, 0.0)
        self.spread[slot] = spread + (abs(error) - spread) * share
        self.count[slot] = self.count.get(slot, 0) + 1
