"""Every commune of France with its population, and the class of size it is compared within.

From a table made when the package is built (npm package of Etalab, MIT; figures of INSEE, Licence
Ouverte 2.0). A commune's class comes from here, never from what its file says of itself.
"""

from __future__ import annotations

import gzip
from bisect import bisect_right
from functools import cache
from importlib import resources
from typing import NamedTuple

BOUNDS = (500, 2_000, 3_500, 10_000, 20_000, 50_000, 100_000)


class PopulationError(Exception):
    """The table is not in this installation; the text says what to do."""


class Place(NamedTuple):
    """A commune. `code` is INSEE's."""

    code: str
    name: str
    inhabitants: int


class SizeClass(NamedTuple):
    """low <= inhabitants < high (0: no upper end)."""

    low: int
    high: int


def class_of(inhabitants: int) -> SizeClass:
    at = bisect_right(BOUNDS, inhabitants)
    low = BOUNDS[at - 1] if at else 0
    return SizeClass(low, BOUNDS[at] if at < len(BOUNDS) else 0)


@cache
def places() -> dict[str, Place]:
    """By INSEE code. PopulationError."""
    found = resources.files("beffroi.hub.compare") / "communes.tsv.gz"
    try:
        text = gzip.decompress(found.read_bytes()).decode()
    except (OSError, ValueError) as error:
        raise PopulationError(
            "the table of communes was not built: install the package again, or run "
            "`python hatch_build.py` in the source tree"
        ) from error
    rows = (line.split("\t") for line in text.splitlines())
    return {code: Place(code, name, int(heads)) for code, name, heads in rows}


@cache
def size_of(chosen: SizeClass) -> int:
    """How many communes are in the class."""
    return sum(class_of(place.inhabitants) == chosen for place in places().values())
