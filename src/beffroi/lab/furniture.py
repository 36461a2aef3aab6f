"""What stands along the streets: lamps with cabinets, short-stay bays, counters, signals.

Only places, in metres; which kind of asset and device each becomes is `commune`'s business.
Pure function of a town.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.lab.geometry import Array, along
from beffroi.lab.streets import BOULEVARD, ROAD
from beffroi.lab.town import Place, Town

LAMPS_PER_HEAD = 0.145  # about one for seven inhabitants, as in small French communes
LAMPS_PER_CABINET = 20
BAYS_PER_HEAD = 0.045
BAYS_PER_GATEWAY = 24
HEADS_PER_COUNTER = 260
HEADS_PER_BOARD = 270
HEADS_PER_JUNCTION = 2_000  # with signals; France has about one for so many
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lamps:
    """Arrays of equal length. `number` counts along its street from 1."""

    xy: Array  # (n, 2)
    street: Ints
    number: Ints
    cabinet: Ints
    cabinets: Array  # (m, 2)


class Bay(NamedTuple):
    """`heading` is that of the kerb. `shop` names what it serves."""

    place: Place
    heading: float
    street: int
    shop: str
    gateway: int


class Counter(NamedTuple):
    """A place where people pass. `scale` is its expected crowd, 1 for a village square."""

    place: Place
    name: str
    scale: float
    street: int


class Crossing(NamedTuple):
    """A crossing with signals: `legs` are (street, heading away from it), main road first."""

    place: Place
    legs: tuple[tuple[int, float], ...]


def lamps(town: Town) -> Lamps:
    """Evenly along every lit street, alternating sides on roads."""
    lit = [i for i, street in enumerate(town.net.streets) if street.lit]
    lines = [np.array(town.net.line(town.net.streets[i])) for i in lit]
    length = sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines)
    every = length / max(8.0, town.inhabitants * LAMPS_PER_HEAD)
    places, streets, numbers = [], [], []
    for i, line in zip(lit, lines, strict=True):
        at, direction = along(line, every, every * 0.45)
        side = np.where(np.arange(len(at)) % 2, 1.0, -1.0) if _wide(town, i) else np.ones(len(at))
        left = np.column_stack((-direction[:, 1], direction[:, 0]))
        places.append(at + left * (side * (5.5 if _wide(town, i) else 3.6))[:, None])
        streets.append(np.full(len(at), i, dtype=np.int64))
        numbers.append(np.arange(1, len(at) + 1))
    xy = np.concatenate(places)
    cabinet = clusters(xy, LAMPS_PER_CABINET)
    return Lamps(
        xy, np.concatenate(streets), np.concatenate(numbers), cabinet, _middles(xy, cabinet)
    )


def _wide(town: Town, street: int) -> bool:
    return town.net.streets[street].rank in (ROAD, BOULEVARD)


def clusters(xy: Array, count_max: int) -> Ints:
    """Compact groups of at most `count_max` places: halve the longer side until small enough."""
    group = np.zeros(len(xy), dtype=np.int64)
    todo, number = [np.arange(len(xy))], 0
    while todo:
        members = todo.pop()
        if len(members) <= count_max:
            group[members] = number
            number += 1
            continue
        spread = np.ptp(xy[members], axis=0)
        order = members[np.argsort(xy[members, int(np.argmax(spread))], kind="stable")]
        todo += [order[len(order) // 2 :], order[: len(order) // 2]]
    return group


def _middles(xy: Array, group: Ints) -> Array:
    """One place for each group: beside the member nearest to its middle."""
    count = np.bincount(group)
    middle = np.column_stack([np.bincount(group, xy[:, i]) / count for i in (0, 1)])
    off = np.hypot(*(xy - middle[group]).T)
    order = np.lexsort((off, group))
    first = order[np.searchsorted(group[order], np.arange(len(count)))]
    return np.asarray(xy[first] + np.array([1.6, 1.2]))


def bays(town: Town) -> list[Bay]:
    """Along the kerb near shops: around the square first, in a city also along the roads."""
    rng = town.rng("bays")
    wanted = max(6, round(town.inhabitants * BAYS_PER_HEAD))
    shops = ("boulangerie", "mairie", "pharmacie", "école", "bureau de poste", "épicerie",
             "cabinet médical", "café de la Place", "tabac-presse", "coiffeur")  # fmt: skip
    found: list[tuple[Place, float, int, str]] = []
    for far, street, line in _kerbs(town):
        if len(found) >= wanted:
            break
        shop = shops[len(found) // 5 % len(shops)] if far < 400 else rng.choice(shops)
        side = rng.choice((-1.0, 1.0))
        at, direction = along(line, 5.6, 10.0)
        count = min(len(at), rng.randint(4, 7), wanted - len(found))
        for (x, y), (dx, dy) in zip(at[:count], direction[:count], strict=True):
            place = (float(x - side * dy * 4.4), float(y + side * dx * 4.4))
            found.append((place, math.atan2(dy, dx), street, shop))
    gateway = clusters(np.array([place for place, *_ in found]), BAYS_PER_GATEWAY)
    return [Bay(*bay, int(gateway[i])) for i, bay in enumerate(found)]


def _kerbs(town: Town) -> list[tuple[float, int, Array]]:
    """(distance to the square, street, stretch) of stretches long enough; wide streets first."""
    found = []
    for number, street in enumerate(town.net.streets):
        if not street.lit:
            continue
        line = np.array(town.net.line(street))
        middle = (line[:-1] + line[1:]) / 2
        far = np.hypot(middle[:, 0], middle[:, 1]) * (1.0 if _wide(town, number) else 1.9)
        for i in np.flatnonzero(np.hypot(*np.diff(line, axis=0).T) > 32):
            found.append((float(far[i]), number, line[i : i + 2]))
    return sorted(found, key=lambda kerb: (kerb[0], kerb[1]))


def counters(town: Town) -> list[Counter]:
    """On the square, in front of the school, then on the streets that most people take."""
    wanted = max(3, min(400, round(town.inhabitants / HEADS_PER_COUNTER)))
    axis = town.square_axis
    xy = town.net.xy
    found = [Counter((26 * math.cos(axis), 26 * math.sin(axis)), "place de la Mairie", 1.0, -1)]
    for number, street in enumerate(town.net.streets):
        if len(found) >= wanted:
            break
        if street.lit and len(street.nodes) > 3:
            middle = xy[street.nodes[1 if street.rank == ROAD else len(street.nodes) // 2]]
            scale = 0.9 if street.rank == ROAD else 0.45 if street.rank == BOULEVARD else 0.3
            found.append(Counter(middle, town.street_names[number], scale, number))
    return found


def boards(town: Town) -> list[Counter]:
    """On the square, then where the roads enter the town: who arrives reads them."""
    wanted = max(3, min(200, round(town.inhabitants / HEADS_PER_BOARD)))
    axis = town.square_axis
    place = (30 * math.cos(axis + 0.4), 30 * math.sin(axis + 0.4))
    found = [Counter(place, "place de la Mairie", 1.0, -1)]
    for number, street in enumerate(town.net.streets):
        if len(found) >= wanted:
            break
        if street.lit and street.rank in (ROAD, BOULEVARD):
            x, y = max((town.net.xy[node] for node in street.nodes), key=lambda p: math.hypot(*p))
            found.append(Counter((x + 4.0, y - 4.0), town.street_names[number], 1.0, number))
    return found


def crossings(town: Town) -> list[Crossing]:
    """Where the widest streets meet, from the square outwards: those worth signals."""
    wanted = max(2, round(town.inhabitants / HEADS_PER_JUNCTION))
    net, found = town.net, []
    stretches: dict[tuple[int, int], tuple[int, int]] = {}  # two crossings: (rank, street)
    for number, street in enumerate(net.streets):
        for a, b in pairwise(street.nodes):
            for key in ((a, b), (b, a)):
                stretches[key] = min(stretches.get(key, (9, 0)), (street.rank, number))
    for node, near in enumerate(net.links):
        legs = sorted(
            (*stretches[node, other], other) for other in near if (node, other) in stretches
        )
        if 3 <= len(legs) <= 5 and _wide(town, legs[0][1]) and net.streets[legs[0][1]].lit:
            rank = sum(leg[0] for leg in legs[:3])
            found.append((rank, math.hypot(*net.xy[node]), node, legs))
    return [
        Crossing(
            net.xy[node], tuple((street, _heading(town, node, end)) for _, street, end in legs)
        )
        for _, _, node, legs in sorted(found)[:wanted]
    ]


def _heading(town: Town, node: int, other: int) -> float:
    (x, y), (x2, y2) = town.net.xy[node], town.net.xy[other]
    return math.atan2(y2 - y, x2 - x)
