"""The municipal order (arrêté) of a bay: how long one may stay, and when the limit applies.

A limit exists only with the order's reference. Refuses to guess: an unreadable order is no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from beffroi.domains.attrs import number, text
from beffroi.domains.local_time import DEFAULT_ZONE, zone
from beffroi.domains.timetable import TimetableError, Window, spent_ms, windows

STAY_MIN_MAX = 7 * 1_440  # then R417-12 begins


class OrderError(ValueError):
    """The asset's `order` cannot be read; the text says which part and what is expected."""


class Order(NamedTuple):
    """`asset.attrs["order"]`, read."""

    reference: str
    stay_min_max: float
    hours: tuple[Window, ...]
    zone: str

    def deadline_ms(self, arrival_ms: int) -> int | None:
        """When a vehicle arrived at `arrival_ms` has stood `stay_min_max` within the hours."""
        return spent_ms(self.hours, zone(self.zone), arrival_ms, round(self.stay_min_max * 60_000))


def read_order(attrs: Mapping[str, Any]) -> Order | None:
    """The order of a bay, or None when it has none. Raises OrderError when it is unreadable.

    Shape: {"reference": str, "max_stay_min": minutes, "timezone": IANA name (optional),
    "hours": [{"days": [1..7], "from": "09:00", "to": "19:00"}, ...] (optional: always)}.
    """
    raw = attrs.get("order")
    if not raw:
        return None
    if not isinstance(raw, Mapping):
        raise OrderError(f"order {raw!r} is not an object; see domain.md")
    reference, stay = text(raw, "reference").strip(), number(raw, "max_stay_min")
    if not reference:
        raise OrderError("order without 'reference': a limit exists only by a municipal order")
    if stay is None or not 0 < stay <= STAY_MIN_MAX:
        raise OrderError(f"order {reference}: max_stay_min must be within 0 to {STAY_MIN_MAX}")
    try:
        hours = windows(raw.get("hours") or ())
    except TimetableError as error:
        raise OrderError(f"order {reference}: {error}") from error
    return Order(reference, stay, hours, text(raw, "timezone", DEFAULT_ZONE))
