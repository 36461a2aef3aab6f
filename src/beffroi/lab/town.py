"""The town before anything is measured in it: ground, streets with names, square, river, hill.

A pure function of (inhabitants, seed). Knows nothing of assets, devices or domains.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

from beffroi.lab import names
from beffroi.lab.geometry import Frame
from beffroi.lab.streets import BOULEVARD, ROAD, Network, grow

INHABITANTS_MIN, INHABITANTS_MAX = 500, 1_000_000
Place = tuple[float, float]


class TownError(Exception):
    """The town asked for cannot be made; the text says which bound was broken."""


@dataclass(frozen=True)
class Town:
    """Places are metres east and north of the square; `frame` turns them into degrees."""

    inhabitants: int
    seed: int
    name: str
    river_name: str
    frame: Frame
    net: Network
    street_names: tuple[str, ...]
    square: tuple[Place, ...]
    square_axis: float  # heading from the crossroads over the square
    hill: tuple[Place, float]  # where the water tower stands, and its height above the square

    def rng(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose: one part's draws never move another's."""
        return random.Random(f"{self.seed}/{self.inhabitants}/{purpose}")

    @cached_property
    def street_of(self) -> list[int]:
        """For each crossing the most important street through it (-1: none)."""
        best = [-1] * len(self.net.xy)
        streets = self.net.streets
        for number, street in enumerate(streets):
            for node in street.nodes:
                if best[node] < 0 or street.rank < streets[best[node]].rank:
                    best[node] = number
        return best

    def height_m(self, x: float, y: float) -> float:
        """Of the ground above the square: a hill under the tower, a valley along the river."""
        (hx, hy), top = self.hill
        scale = 0.9 * self.net.radius_m
        hill = top * math.exp(-((x - hx) ** 2 + (y - hy) ** 2) / (scale * scale))
        return hill - top * math.exp(-(hx * hx + hy * hy) / (scale * scale))


def town(inhabitants: int, seed: int) -> Town:
    """The same town for the same arguments, on any machine. Raises TownError."""
    if not INHABITANTS_MIN <= inhabitants <= INHABITANTS_MAX:
        raise TownError(
            f"{inhabitants} inhabitants: give a number from {INHABITANTS_MIN} to {INHABITANTS_MAX}"
        )
    rng = random.Random(f"{seed}/{inhabitants}/ground")
    name, river_name = names.commune_name(rng)
    # Somewhere in the middle of France: the sun sets at a believable hour, nobody's home is there.
    frame = Frame(2.45 + rng.uniform(-0.4, 0.4), 46.72 + rng.uniform(-0.3, 0.3))
    net = grow(rng, inhabitants)
    square, axis = _square(net)
    return Town(
        inhabitants=inhabitants,
        seed=seed,
        name=name,
        river_name=river_name,
        frame=frame,
        net=net,
        street_names=_street_names(rng, net),
        square=square,
        square_axis=axis,
        hill=_hill(rng, net),
    )


def _square(net: Network) -> tuple[tuple[Place, ...], float]:
    """The widest angle between two roads at the crossroads becomes the square."""
    headings = sorted(heading % (2 * math.pi) for heading in net.headings)
    gaps = [
        ((b - a) % (2 * math.pi), a, b)
        for a, b in zip(headings, headings[1:] + headings[:1], strict=True)
    ]
    gap, left, _ = max(gaps)
    axis = left + gap / 2
    half = min(gap / 2 - 0.12, 1.05)
    reach = 40.0

    def at(heading: float, far: float) -> Place:
        return (
            6 * math.cos(axis) + far * math.cos(heading),
            6 * math.sin(axis) + far * math.sin(heading),
        )

    corners = (
        at(axis, 0.0),
        at(axis - half, reach),
        at(axis, reach * 1.18),
        at(axis + half, reach),
    )
    return corners, axis


def _hill(rng: random.Random, net: Network) -> tuple[Place, float]:
    """On the side away from the river, at the edge of the town."""
    wet = min(net.river, key=lambda p: math.hypot(*p))
    away = math.atan2(-wet[1], -wet[0]) + rng.uniform(-0.5, 0.5)
    far = net.radius_m * rng.uniform(0.8, 0.95)
    return (far * math.cos(away), far * math.sin(away)), rng.uniform(38.0, 52.0)


def _street_names(rng: random.Random, net: Network) -> tuple[str, ...]:
    roads, rings, rest = names.main_roads(rng), names.boulevards(rng), names.streets(rng)
    found: list[str] = []
    for number, street in enumerate(net.streets):
        if street.rank == ROAD:
            outside = not street.lit and number > 0
            found.append(f"{found[-1]} (hors agglomération)" if outside else next(roads))
        elif street.rank == BOULEVARD:
            found.append(next(rings))
        else:
            complement, old = next(rest)
            ends = len(net.links[street.nodes[-1]])
            found.append(names.street_name(rng, complement, old, len(street.nodes) < 4, ends == 1))
    return tuple(found)
