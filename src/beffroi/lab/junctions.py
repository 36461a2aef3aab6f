"""Invents signalled junctions: legs, crossings, conflicts, plans, as an engineer would draw them.

Believable and right by construction, from a generator and the headings of the legs. Whether the
result is safe is not decided here: it goes through the same proof as everything else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from beffroi.domains.signal_junction import PEDESTRIAN, Group, Junction, Plan, Stage
from beffroi.lab.geometry import turn

OPPOSITE = math.radians(130)
QUEUE_S = 6  # vehicles go on for so long after the pedestrians beside them have stopped
# number, name, seconds of green for the main road and for each other road
PLANS = ((1, "Journée", 24, 16), (2, "Pointe", 34, 18), (3, "Nuit", 12, 10), (4, "Sortie", 44, 8))
USUAL = (1, 2, 3)
DAY = (("06:30", "09:00", 2), ("16:30", "19:00", 2), ("22:00", "23:59", 3))


class Leg(NamedTuple):
    """A road that ends at the junction; `heading` (radians) points away from it."""

    name: str
    heading: float
    width_m: float = 7.0
    speed_kmh: int = 50


class _Roads(NamedTuple):
    """Legs by number, paired with the one opposite where there is one; the main road first."""

    pairs: tuple[tuple[int, ...], ...]

    def of(self, leg: int) -> tuple[int, ...]:
        return next(pair for pair in self.pairs if leg in pair)


def signalled(rng: random.Random, ident: str, name: str, legs: Sequence[Leg]) -> Junction:
    """Vehicles of each leg are one group, pedestrians across each leg another."""
    count, roads = len(legs), _roads(legs)
    groups = [Group(f"V {leg.name}", speed_kmh=leg.speed_kmh) for leg in legs]
    groups += [Group(f"P {leg.name}", PEDESTRIAN) for leg in legs]
    conflicts: dict[tuple[int, int], int] = {}
    for a, b, a_m, b_m in _crossing(legs, roads):
        conflicts[a, b], conflicts[b, a] = round(10 * a_m), round(10 * b_m)
    plans = {
        number: Plan(name, tuple(_stages(roads, count, main + rng.randrange(4), side)))
        for number, name, main, side in PLANS
    }
    return Junction(ident, name, tuple(groups), conflicts, plans, PLANS[0][0])


def random_legs(rng: random.Random) -> list[Leg]:
    """Three to five legs, not too close to each other."""
    count = rng.choice((3, 3, 4, 4, 4, 5))
    first = rng.uniform(0, 2 * math.pi)
    return [
        Leg(
            "ABCDE"[i],
            first + 2 * math.pi * (i + rng.uniform(-0.15, 0.15)) / count,
            rng.choice((6.0, 7.0, 7.0, 9.0)),
            rng.choice((30, 50, 50, 70)),
        )
        for i in range(count)
    ]


def _roads(legs: Sequence[Leg]) -> _Roads:
    left = list(range(len(legs)))
    pairs: list[tuple[int, ...]] = []
    while left:
        a = left.pop(0)
        best = max(left, key=lambda b: turn(legs[a].heading, legs[b].heading), default=None)
        if best is not None and turn(legs[a].heading, legs[best].heading) > OPPOSITE:
            left.remove(best)
            pairs.append((a, best))
        else:
            pairs.append((a,))
    return _Roads(tuple(sorted(pairs, key=len, reverse=True)))


def _crossing(legs: Sequence[Leg], roads: _Roads) -> Iterator[tuple[int, int, float, float]]:
    """(group, group, metres from the stop line of each to where they meet). Turning traffic gives
    way to oncoming vehicles and to pedestrians of the road it enters: no conflict of lamps."""
    count = len(legs)
    for a in range(count):
        for b in range(a + 1, count):
            if b not in roads.of(a):
                yield a, b, 6 + legs[b].width_m, 6 + legs[a].width_m
    for leg in range(count):
        across = legs[leg].width_m
        for vehicles in roads.of(leg):
            far = 4.0 if vehicles == leg else 12.0 + across
            yield vehicles, count + leg, far, across


def _stages(roads: _Roads, count: int, main_s: int, side_s: int) -> Iterator[Stage]:
    """Each road in turn, with the pedestrians whom its straight traffic does not meet."""
    for number, road in enumerate(roads.pairs):
        green_s = side_s if number else main_s
        walkers = {count + leg for leg in range(count) if leg not in road}
        yield Stage(frozenset({*road, *walkers}), green_s)
        yield Stage(frozenset(road), QUEUE_S)
