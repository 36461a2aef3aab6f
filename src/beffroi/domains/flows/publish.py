"""What may be shown to the public: never a count under k, nor anything from which it follows.

Rule: the output is a function of the published cells alone. Totals therefore add published cells
only; a total of everything would give a hidden cell away by subtraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

K_MIN = 10


class SuppressionError(ValueError):
    """The threshold is too low to protect anybody; use 10 or more."""


class Table(NamedTuple):
    """`cells` in the given order, None where hidden; `total` adds the others."""

    cells: tuple[int | None, ...]
    total: int
    hidden: int


def publishable(count: float | None, k: int = K_MIN) -> int | None:
    """The count, or None when it is missing or under `k` (zero included)."""
    if k < K_MIN:
        raise SuppressionError(f"k = {k} is under {K_MIN}: small groups would be shown")
    if count is None or not k <= count < float("inf"):
        return None
    return int(count)


def publishable_table(counts: Sequence[float | None], k: int = K_MIN) -> Table:
    """Several counts with a total from which no hidden one can be computed."""
    cells = tuple(publishable(count, k) for count in counts)
    shown = [cell for cell in cells if cell is not None]
    return Table(cells, sum(shown), len(cells) - len(shown))
