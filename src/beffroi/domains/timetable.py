"""Hours of a week in which something applies: when has a given time been spent inside them?

Shared by domains. Local wall time with its changes; windows do not cross midnight. No clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAYS_AHEAD_MAX = 15  # hours that come on no day of a fortnight never come
WEEK = frozenset(range(1, 8))


class TimetableError(ValueError):
    """The hours cannot be read; the text says what is expected."""


class Window(NamedTuple):
    """Local times on some ISO weekdays (1 = Monday); `end` 00:00 is the end of the day."""

    days: frozenset[int] = WEEK
    start: time = time(0)
    end: time = time(0)


def windows(raw: Iterable[Mapping[str, Any]]) -> tuple[Window, ...]:
    """From [{"days": [1..7], "from": "09:00", "to": "19:00"}, ...]; nothing given: always."""
    try:
        return tuple(_window(one) for one in raw) or (Window(),)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TimetableError(f"hours {raw!r} cannot be read: {error}") from error


def _window(raw: Mapping[str, Any]) -> Window:
    days = frozenset(int(day) for day in raw.get("days") or WEEK)
    start, end = time.fromisoformat(raw["from"]), time.fromisoformat(raw["to"])
    if not days <= WEEK:
        raise ValueError("days are ISO weekdays 1 (Monday) to 7")
    if end != time(0) and end <= start:
        raise ValueError("'to' must come after 'from' on the same day; part a night in two")
    return Window(days, start, end)


def spent_ms(
    hours: tuple[Window, ...], zone: ZoneInfo, since_ms: int, length_ms: int
) -> int | None:
    """The instant when `length_ms` inside the windows have passed since `since_ms`, or None."""
    day = datetime.fromtimestamp(since_ms / 1000, zone).date()
    for _ in range(DAYS_AHEAD_MAX):
        for opens_ms, end_ms in spans(hours, zone, day):
            start_ms = max(opens_ms, since_ms)
            if end_ms - start_ms >= length_ms:
                return start_ms + length_ms
            length_ms -= max(0, end_ms - start_ms)
        day += timedelta(days=1)
    return None


def spans(hours: tuple[Window, ...], zone: ZoneInfo, day: date) -> list[tuple[int, int]]:
    """UTC spans of one local day, merged: windows that overlap do not count twice."""
    merged: list[tuple[int, int]] = []
    for window in sorted((w for w in hours if day.isoweekday() in w.days), key=lambda w: w.start):
        last = day + timedelta(days=1) if window.end == time(0) else day
        start, end = _ms(day, window.start, zone), _ms(last, window.end, zone)
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(end, merged[-1][1])
            merged.pop()
        merged.append((start, end))
    return merged


def _ms(day: date, at: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, at, zone).astimezone(UTC).timestamp() * 1000)
