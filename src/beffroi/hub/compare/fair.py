"""What may be concluded from figures of communes of the same size, and when nothing may. Pure.

No ranking: a commune learns whether it is apart from the middle of its class, with the uncertainty
of that middle. Under COMPARE_COMMUNES_MIN communes, or with figures that overlap, nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median, quantiles

from beffroi.hub.compare.peerfile import PeerFigure
from beffroi.model.limits import COMPARE_COMMUNES_MIN
from beffroi.model.measure import Measured

KNOWN_MIN = 0.5  # a peer's figure that rests on less is left out
THIN, ALIKE, ABOVE, BELOW, UNPROVEN = "thin", "alike", "above", "below", "unproven"


@dataclass(frozen=True, slots=True)
class Fair:
    """`communes`: how many of the class have a usable figure, ours not counted. The rest is None
    when they are too few. `sure_low`, `sure_high`: 95 % interval of the median."""

    said: str
    communes: int
    median: float | None = None
    quarter_low: float | None = None
    quarter_high: float | None = None
    sure_low: float | None = None
    sure_high: float | None = None
    low: float | None = None
    high: float | None = None


def compare(own: Measured | None, peers: Sequence[PeerFigure]) -> Fair:
    """Ours against those of the class."""
    values = sorted(one.value for one in peers if one.known >= KNOWN_MIN)
    if len(values) < COMPARE_COMMUNES_MIN:
        return Fair(THIN, len(values))
    first, _, third = quantiles(values, n=4, method="inclusive")
    sure_low, sure_high = interval(values)
    said = UNPROVEN
    if own is not None and own.value is not None:
        room = own.spread or 0.0
        said = ALIKE
        if own.value - room > sure_high:
            said = ABOVE
        elif own.value + room < sure_low:
            said = BELOW
    return Fair(
        said, len(values), median(values), first, third, sure_low, sure_high, values[0], values[-1]
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the median of sorted values, from order statistics (binomial, p = 1/2):
    no shape of the distribution is assumed. Six values or more."""
    n = len(values)
    rank, tail = 0, 0.0
    while tail + comb(n, rank) / 2**n <= 0.025:
        tail += comb(n, rank) / 2**n
        rank += 1
    rank = max(rank, 1)
    return values[rank - 1], values[n - rank]
