"""Afterwards: words that were shown in two places, and minutes that stood unpaid.

Two verifiers that were cut off from each other can both accept one word; together they know. Paid
and occupied minutes are compared per zone and day, with what the sensors leave uncertain. Nothing
here names a vehicle or a driver, and nothing here is a fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from beffroi.domains.single_use import Claim

SURE_P, LIKELY_P = 0.9, 0.5  # of occupancy: what counts in the low and in the high figure
CLOCK_S = 120  # a payment may begin so long after the vehicle stands


class Double(NamedTuple):
    """One word, several places. `where` has each (verifier, place) once, in order."""

    nonce: bytes
    where: tuple[tuple[str, bytes], ...]


class Span(NamedTuple):
    """Seconds since 1970. `p`: how sure it is that a vehicle stood there."""

    start_s: int
    end_s: int
    p: float = 1.0


class Balance(NamedTuple):
    """Of one zone and day, in vehicle minutes. The truth lies between low and high."""

    occupied_low_min: float
    occupied_high_min: float
    paid_min: float
    unpaid_low_min: float
    unpaid_high_min: float

    @property
    def unpaid_low_pct(self) -> float:
        return _share(self.unpaid_low_min, self.occupied_high_min)

    @property
    def unpaid_high_pct(self) -> float:
        return _share(self.unpaid_high_min, self.occupied_low_min)


def _share(part: float, whole: float) -> float:
    return min(100.0, 100 * part / whole) if whole > 0 else 100.0 * (part > 0)


def doubles(seen: Mapping[str, Iterable[Claim]]) -> list[Double]:
    """From the claims of each verifier, by name. The same place at two verifiers is no double."""
    places: dict[bytes, set[tuple[str, bytes]]] = {}
    for verifier, claims in seen.items():
        for claim in claims:
            places.setdefault(claim.nonce, set()).add((verifier, claim.where))
    return [
        Double(nonce, tuple(sorted(where)))
        for nonce, where in sorted(places.items())
        if len({place for _, place in where}) > 1
    ]


def balance(
    paid: Sequence[Span], stays: Sequence[Span], hours: Sequence[Span], free_min: int = 0
) -> Balance:
    """At each instant of the paying `hours`: vehicles that stood less vehicles that had paid.

    `free_min` of each stay cost nothing. A payment covers `CLOCK_S` before it begins. Low figures
    count the stays that are sure, and no payment twice; high ones also the likely ones.
    """
    due = [Span(stay.start_s + 60 * free_min, stay.end_s, stay.p) for stay in stays]
    early = [Span(one.start_s - CLOCK_S, one.end_s) for one in paid]
    sure = [one for one in due if one.p >= SURE_P]
    likely = [one for one in due if one.p >= LIKELY_P]
    return Balance(
        _minutes(sure, (), hours),
        _minutes(likely, (), hours),
        _minutes(paid, (), hours),
        _minutes(sure, early, hours),
        _minutes(likely, paid, hours),
    )


def _minutes(more: Sequence[Span], less: Sequence[Span], hours: Sequence[Span]) -> float:
    """The integral of max(0, how many of `more` - how many of `less`) over the hours, minutes."""
    events: list[tuple[int, int, int]] = []
    for spans, sign, is_open in ((more, 1, 0), (less, -1, 0), (hours, 0, 1)):
        for one in spans:
            if one.end_s > one.start_s:
                events += [(one.start_s, sign, is_open), (one.end_s, -sign, -is_open)]
    total, excess, openings, before = 0, 0, 0, 0
    for at, step, opening in sorted(events):
        if openings > 0:
            total += max(0, excess) * (at - before)
        excess, openings, before = excess + step, openings + opening, at
    return total / 60
