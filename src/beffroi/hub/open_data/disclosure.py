"""What may be shown of counts of persons, so that a small one never follows from what is shown.

Rule: everything published is a function of the published cells alone. A cell under k (zero too)
is hidden, every other is rounded; a total adds the published cells, never the true ones. So two
towns that differ in hidden cells alone publish the same bytes, and no arithmetic between hours,
days, files or formats can tell them apart. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import NamedTuple

from beffroi.model.limits import OPEN_K_MIN, OPEN_ROUND


class Total(NamedTuple):
    """`value` is None when no cell was published."""

    value: int | None
    shown: int
    hidden: int


def cell(count: float | None, k: int = OPEN_K_MIN, base: int = OPEN_ROUND) -> int | None:
    """The count rounded to a multiple of `base` (halves up); None under `k` or when missing.

    `k` must be a multiple of `base`: otherwise rounding could show a number under `k`.
    """
    if k < OPEN_K_MIN or base < 1 or k % base:
        raise ValueError(f"k = {k} and base = {base}: k is at least {OPEN_K_MIN}, a multiple")
    if count is None or not isfinite(count) or count < k:
        return None
    return int((count + base / 2) // base) * base


def total(cells: Iterable[int | None]) -> Total:
    """Of published cells (what `cell` gave): never of counts."""
    kept = list(cells)
    shown = [one for one in kept if one is not None]
    return Total(sum(shown) if shown else None, len(shown), len(kept) - len(shown))
