"""Church, town hall, school and houses on both sides of the streets: the map's background.

Pure function of a town. Houses are only drawn, nothing is measured in them; a city shows those
around its centre (BUILDINGS_MAX), for a background must stay a few hundred kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from beffroi.lab.geometry import along
from beffroi.lab.town import Place, Town

BUILDINGS_MAX = 2_500
CELL_M = 3.0
HEADS_PER_HOUSE = 2.15  # mean household, INSEE 2021


class Building(NamedTuple):
    """`name` is "" for a house."""

    corners: tuple[Place, ...]
    name: str = ""


class _Ground:
    """Which cells of the ground are taken."""

    def __init__(self) -> None:
        self._taken: set[tuple[int, int]] = set()

    def take(self, points: Sequence[Place], around: int = 0) -> None:
        for x, y in points:
            i, j = math.floor(x / CELL_M), math.floor(y / CELL_M)
            for di in range(-around, around + 1):
                for dj in range(-around, around + 1):
                    self._taken.add((i + di, j + dj))

    def free(self, points: Sequence[Place]) -> bool:
        return all(
            (math.floor(x / CELL_M), math.floor(y / CELL_M)) not in self._taken for x, y in points
        )


def buildings(town: Town) -> list[Building]:
    """Public buildings first, then houses from the square outwards."""
    rng = town.rng("buildings")
    ground = _Ground()
    near = _radius(town)
    for street in town.net.streets:
        line = np.array(town.net.line(street))
        if np.hypot(line[:, 0], line[:, 1]).min() < near + 60 and len(line) > 1:
            ground.take([tuple(p) for p in along(line, CELL_M / 2)[0]], around=1)
    river = along(np.array(town.net.river), CELL_M)[0]
    ground.take([tuple(p) for p in river if math.hypot(*p) < near + 60], around=3)
    ground.take(_inside(town.square))
    found = list(_public(town, ground))
    wanted = min(BUILDINGS_MAX, round(town.inhabitants / HEADS_PER_HOUSE))
    for x, y, heading, core in _plots(town, near):
        if len(found) >= wanted:
            break
        if rng.random() < (0.04 if core else 0.12):
            continue
        front, deep = rng.uniform(8, 11), rng.uniform(7, 10)
        back = 6.6 + deep / 2 + (0 if core else rng.uniform(1.0, 6))
        cx, cy = x - math.sin(heading) * back, y + math.cos(heading) * back
        shape = _box(cx, cy, front, deep, heading + (0 if core else rng.gauss(0, 0.03)))
        cells = _inside(shape)
        if ground.free(cells):
            ground.take(cells)
            found.append(Building(shape))
    return found


def _radius(town: Town) -> float:
    """Houses are drawn within this distance of the square."""
    share = min(1.0, BUILDINGS_MAX * HEADS_PER_HOUSE / town.inhabitants)
    return 1.35 * town.net.radius_m * math.sqrt(share)


def _plots(town: Town, near: float) -> Iterator[tuple[float, float, float, bool]]:
    """(x, y, heading of the street with the house at its left, in the old core?) by distance."""
    spots = []
    core = min(220.0, 0.4 * town.net.radius_m)
    for street in town.net.streets:
        line = np.array(town.net.line(street))
        if not street.lit or np.hypot(line[:, 0], line[:, 1]).min() > near:
            continue
        for side in (1, -1):
            every = 11.5 if math.hypot(*line[0]) < core else 17.0
            for (x, y), (dx, dy) in zip(*along(line[::side], every, 9.0), strict=True):
                far = math.hypot(x, y)
                if far < near:
                    spots.append((far, x, y, math.atan2(dy, dx), far < core))
    spots.sort()
    for _, x, y, heading, old in spots:
        yield float(x), float(y), heading, old


def _public(town: Town, ground: _Ground) -> Iterator[Building]:
    """Church (choir to the east), town hall and school around the square."""
    axis = town.square_axis
    for name, shape_of, turns in (
        ("Église", _church, (0.0, 0.45, -0.45, 0.9, -0.9, 1.4, -1.4, 2.2, -2.2, math.pi)),
        ("Mairie", _hall, (0.75, -0.75, 0.4, -0.4, 1.2, -1.2, 1.9, -1.9, 2.6, -2.6)),
        ("École", _hall, (-1.3, 1.3, -0.5, 0.5, 2.0, -2.0, 2.8, -2.8, 0.1)),
    ):
        for far in (62.0, 70.0, 80.0, 92.0, 105.0, 130.0, 170.0):
            place = next(
                (
                    shape
                    for turned in turns
                    for shape in [shape_of(far, axis + turned)]
                    if ground.free(_inside(shape))
                ),
                None,
            )
            if place:
                ground.take(_inside(place), around=1)
                yield Building(place, name)
                break


def _church(far: float, heading: float) -> tuple[Place, ...]:
    x, y = far * math.cos(heading), far * math.sin(heading)
    outline = ((-16, -5), (2, -5), (2, -10), (9, -10), (9, -5), (14, -4), (17, 0),
               (14, 4), (9, 5), (9, 10), (2, 10), (2, 5), (-16, 5))  # fmt: skip
    return tuple((x + dx, y + dy) for dx, dy in outline)


def _hall(far: float, heading: float) -> tuple[Place, ...]:
    return _box(far * math.cos(heading), far * math.sin(heading), 22, 13, heading + math.pi / 2)


def _box(cx: float, cy: float, front: float, deep: float, heading: float) -> tuple[Place, ...]:
    cos, sin = math.cos(heading), math.sin(heading)
    return tuple(
        (cx + u * cos - v * sin, cy + u * sin + v * cos)
        for u, v in (
            (-front / 2, -deep / 2), (front / 2, -deep / 2),
            (front / 2, deep / 2), (-front / 2, deep / 2),
        )
    )  # fmt: skip


def _inside(corners: Sequence[Place]) -> list[Place]:
    """Points every 2 m from the corners to the middle: what a shape without holes covers."""
    mx = sum(p[0] for p in corners) / len(corners)
    my = sum(p[1] for p in corners) / len(corners)
    points = []
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        count = max(1, round(math.hypot(bx - ax, by - ay) / 2))
        for i in range(count):
            px, py = ax + (bx - ax) * i / count, ay + (by - ay) * i / count
            for inward in (0.0, 0.25, 0.5, 0.75, 1.0):
                points.append((px + (mx - px) * inward, py + (my - py) * inward))
    return points
