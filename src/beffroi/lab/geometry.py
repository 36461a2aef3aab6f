"""Plane geometry of the lab's town: metres east and north of its centre, and back to degrees.

Knows nothing of streets, assets or devices. A town is small enough (30 km) for a flat map.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

METRES_PER_DEGREE = 111_320.0  # of latitude; of longitude at the equator
Array = npt.NDArray[np.float64]


class Frame(NamedTuple):
    """Where metre (0, 0) is on the earth, in degrees."""

    lon: float
    lat: float

    def degrees(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Longitude and latitude of a place in metres, to about 10 cm."""
        lon = self.lon + x_m / (METRES_PER_DEGREE * math.cos(math.radians(self.lat)))
        return round(lon, 6), round(self.lat + y_m / METRES_PER_DEGREE, 6)

    def line(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """The same for a line."""
        return [self.degrees(x, y) for x, y in points]


def crosses(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> float | None:
    """Where on ab (0..1) the segment cd cuts it, or None. Touching an end counts."""
    abx, aby = b[0] - a[0], b[1] - a[1]
    cdx, cdy = d[0] - c[0], d[1] - c[1]
    cross = abx * cdy - aby * cdx
    if abs(cross) < 1e-9:
        return None
    acx, acy = c[0] - a[0], c[1] - a[1]
    along_ab = (acx * cdy - acy * cdx) / cross
    along_cd = (acx * aby - acy * abx) / cross
    return along_ab if 0.0 <= along_ab <= 1.0 and 0.0 <= along_cd <= 1.0 else None


def distance_to_segment(
    p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]
) -> float:
    """From a point to the nearest point of a segment."""
    abx, aby = b[0] - a[0], b[1] - a[1]
    length2 = abx * abx + aby * aby
    along = 0.0 if length2 == 0 else ((p[0] - a[0]) * abx + (p[1] - a[1]) * aby) / length2
    along = min(1.0, max(0.0, along))
    return math.hypot(p[0] - a[0] - along * abx, p[1] - a[1] - along * aby)


def turn(a: float, b: float) -> float:
    """Unsigned angle between two headings, 0..pi."""
    return abs((a - b + math.pi) % (2 * math.pi) - math.pi)


def along(points: Array, every_m: float, start_m: float = 0.0) -> tuple[Array, Array]:
    """Places every `every_m` along a line (n, 2), and the unit direction of the line there."""
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    ends = np.concatenate(([0.0], np.cumsum(lengths)))
    at = np.arange(start_m, ends[-1], every_m)
    index = np.clip(np.searchsorted(ends, at, side="right") - 1, 0, len(lengths) - 1)
    direction = steps[index] / np.maximum(lengths[index], 1e-9)[:, None]
    return points[index] + direction * (at - ends[index])[:, None], direction


class Cells:
    """Finds what is near a place without looking at everything: a grid of buckets of ids."""

    def __init__(self, side_m: float) -> None:
        self._side = side_m
        self._cells: dict[tuple[int, int], list[int]] = {}

    def add(self, item: int, x: float, y: float) -> None:
        """Put `item` at a place."""
        key = (math.floor(x / self._side), math.floor(y / self._side))
        self._cells.setdefault(key, []).append(item)

    def near(self, x: float, y: float) -> Iterator[int]:
        """Everything in the cell of the place and its eight neighbours."""
        column, row = math.floor(x / self._side), math.floor(y / self._side)
        for i in (column - 1, column, column + 1):
            for j in (row - 1, row, row + 1):
                yield from self._cells.get((i, j), ())
