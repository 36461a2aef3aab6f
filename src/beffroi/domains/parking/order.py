"""The municipal order (arrêté) of a bay: how long one may stay, and when the limit applies.

A limit exists only with the order's reference. Refuses to guess: an unreadable order is no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS_AHEAD_MAX = 15  # a limit that applies on no day of a fortnight never applies
MIN_MS = 60_000
ZONE = "Europe/Paris"


class OrderError(ValueError):
    """The asset's `order` cannot be read; the text says which part and what is expected."""


@dataclass(frozen=True, slots=True)
class Window:
    """Local times of some ISO weekdays (1 = Monday) in which the limit applies."""

    days: frozenset[int]
    start: time
    end: time  # 00:00 means midnight at the end of the day


ALWAYS = (Window(frozenset(range(1, 8)), time(0), time(0)),)


@dataclass(frozen=True, slots=True)
class Order:
    """`asset.attrs["order"]`, read. Windows do not cross midnight and do not overlap."""

    reference: str
    stay_min_max: float
    windows: tuple[Window, ...] = ALWAYS
    zone: str = ZONE

    def deadline_ms(self, arrival_ms: int) -> int | None:
        """When a vehicle arrived at `arrival_ms` has stood `stay_min_max` inside the windows."""
        left_ms = round(self.stay_min_max * MIN_MS)
        day = datetime.fromtimestamp(arrival_ms / 1000, ZoneInfo(self.zone)).date()
        for _ in range(DAYS_AHEAD_MAX):
            for opens_ms, end_ms in self._on(day):
                start_ms = max(opens_ms, arrival_ms)
                if end_ms - start_ms >= left_ms:
                    return start_ms + left_ms
                left_ms -= max(0, end_ms - start_ms)
            day += timedelta(days=1)
        return None

    def _on(self, day: date) -> list[tuple[int, int]]:
        zone = ZoneInfo(self.zone)
        spans = []
        for window in self.windows:
            if day.isoweekday() in window.days:
                last = day + timedelta(days=1) if window.end == time(0) else day
                spans.append((_ms(day, window.start, zone), _ms(last, window.end, zone)))
        return sorted(spans)


def _ms(day: date, at: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, at, zone).astimezone(UTC).timestamp() * 1000)


def read_order(attrs: Mapping[str, Any]) -> Order | None:
    """The order of a bay, or None when it has none. Raises OrderError when it is unreadable.

    Shape: {"reference": str, "max_stay_min": minutes, "timezone": IANA name (optional),
    "hours": [{"days": [1..7], "from": "09:00", "to": "19:00"}, ...] (optional: always)}.
    """
    raw = attrs.get("order")
    if not raw:
        return None
    try:
        reference = str(raw.get("reference") or "").strip()
        stay = float(raw["max_stay_min"])
        zone = str(raw.get("timezone") or ZONE)
        ZoneInfo(zone)
        windows = tuple(_window(w) for w in raw.get("hours") or ()) or ALWAYS
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise OrderError(f"order {raw!r} cannot be read: {error}; see domain.md") from error
    if not reference:
        raise OrderError("order without 'reference': a time limit exists only by a municipal order")
    if not 0 < stay <= 7 * 1440:
        raise OrderError(f"order {reference}: max_stay_min {stay} is not within 0 to 10,080")
    return Order(reference, stay, windows, zone)


def _window(raw: Mapping[str, Any]) -> Window:
    days = frozenset(int(d) for d in raw.get("days") or range(1, 8))
    start, end = time.fromisoformat(raw["from"]), time.fromisoformat(raw["to"])
    if not days <= frozenset(range(1, 8)):
        raise ValueError("days are ISO weekdays 1 (Monday) to 7")
    if end != time(0) and end <= start:
        raise ValueError("'to' must be after 'from' on the same day; split a night in two windows")
    return Window(days, start, end)
