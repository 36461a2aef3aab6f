"""What a lamp should do in one night, from the sun at its place and the commune's schedule.

A night goes from local noon to local noon. Pure: the date is an argument. Polar days and nights,
changes of clock time and a zone that does not fit the place give a plan too, never an error.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from functools import lru_cache
from typing import Any, NamedTuple

from astral import Observer
from astral.sun import elevation, sunrise, sunset

from beffroi.domains.attrs import number_or, text
from beffroi.domains.local_time import DEFAULT_ZONE, zone

SUN_DEG = -0.833  # centre of the sun at rise and set, refraction included
HORIZON_STEP_MIN = 5
WINDOWS_MAX = 8


class Window(NamedTuple):
    """`pct` of full light from one wall time to another, every night. 0 is switched off."""

    start_min: int
    end_min: int
    pct: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What `attrs` say of a lamp or cabinet. Offsets in minutes; negative is earlier."""

    lon: float
    lat: float
    zone: str
    sunset_min: float
    sunrise_min: float
    windows: tuple[Window, ...]


class Due(NamedTuple):
    """Expected light: `pct` of full, `why` ("day", "night", "off") and the nearest change."""

    pct: float
    why: str
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Night:
    """Steps of light: `starts[i]` up to the next start is `pcts[i]`."""

    start_ms: int
    end_ms: int
    starts: tuple[int, ...]
    pcts: tuple[float, ...]
    whys: tuple[str, ...]

    def due(self, ts_ms: int) -> Due:
        i = bisect_right(self.starts, ts_ms) - 1
        until = self.starts[i + 1] if i + 1 < len(self.starts) else self.end_ms
        return Due(self.pcts[i], self.whys[i], self.starts[i], until)

    def spans(self, from_ms: int, to_ms: int) -> list[tuple[int, float, str]]:
        """(milliseconds, pct, why) of the parts of an interval inside this night."""
        out = []
        at = max(from_ms, self.start_ms)
        while at < min(to_ms, self.end_ms):
            due = self.due(at)
            end = min(due.until_ms, to_ms)
            out.append((end - at, due.pct, due.why))
            at = end
        return out


def schedule(attrs: Mapping[str, Any], lon: float, lat: float) -> Schedule:
    """From `attrs`: "sunset_offset_min", "sunrise_offset_min", "timezone", "dim" and "off" windows
    [{"from": "23:00", "to": "05:00", "pct": 50}]. What cannot be read is left out."""
    windows = [*_windows(attrs.get("dim"), None), *_windows(attrs.get("off"), 0.0)]
    return Schedule(
        round(max(-180.0, min(180.0, lon)), 2),
        round(max(-90.0, min(90.0, lat)), 2),
        text(attrs, "timezone", DEFAULT_ZONE),
        max(-180.0, min(180.0, number_or(attrs, "sunset_offset_min", 0.0))),
        max(-180.0, min(180.0, number_or(attrs, "sunrise_offset_min", 0.0))),
        tuple(windows),
    )


def _windows(given: Any, pct: float | None) -> list[Window]:
    out = []
    for item in given[:WINDOWS_MAX] if isinstance(given, list) else ():
        if not isinstance(item, Mapping):
            continue
        start, end = _minutes(item.get("from")), _minutes(item.get("to"))
        level = number_or(item, "pct", 100.0) if pct is None else pct
        if start is not None and end is not None and start != end and 0 <= level <= 100:
            out.append(Window(start, end, level))
    return out


def _minutes(value: Any) -> int | None:
    """Minutes after midnight of "HH:MM"."""
    try:
        at = wall_time.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at.hour * 60 + at.minute


def night_of(ts_ms: int, plan: Schedule) -> Night:
    """The night (noon to noon) that holds this instant."""
    local = datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(zone(plan.zone))
    return _night(local.date() if local.hour >= 12 else local.date() - timedelta(days=1), plan)


@lru_cache(maxsize=4_096)
def _night(day: date, plan: Schedule) -> Night:
    start, end = _at(day, 720, plan), _at(day + timedelta(days=1), 720, plan)
    lit = [
        (max(start, down + int(plan.sunset_min * 60_000)), up + int(plan.sunrise_min * 60_000))
        for down, up in _dark(day, plan.lon, plan.lat, plan.zone, start, end)
    ]
    held = [(*_bounds(day, window, plan), window.pct) for window in plan.windows]
    edges = {at for span in (*lit, *((a, b) for a, b, _ in held)) for at in span}
    return _steps(start, end, sorted({start, *(at for at in edges if start < at < end)}), lit, held)


def _steps(
    start: int,
    end: int,
    edges: list[int],
    lit: list[tuple[int, int]],
    held: list[tuple[int, int, float]],
) -> Night:
    """The lowest window that holds decides; outside sunset to sunrise it is day."""
    steps: list[tuple[int, float, str]] = []
    for at in edges:
        dark = any(a <= at < b for a, b in lit)
        pct = min((p for a, b, p in held if a <= at < b), default=100.0) if dark else 0.0
        step = at, pct, "day" if not dark else "night" if pct > 0 else "off"
        if not steps or steps[-1][1:] != step[1:]:
            steps.append(step)
    starts, pcts, whys = zip(*steps, strict=True)
    return Night(start, end, starts, pcts, whys)


def _bounds(day: date, window: Window, plan: Schedule) -> tuple[int, int]:
    start = _at(day + timedelta(days=window.start_min < 720), window.start_min, plan)
    end_day = day + timedelta(days=window.end_min < 720 or window.end_min < window.start_min)
    return start, max(start, _at(end_day, window.end_min, plan))


def _at(day: date, minute: int, plan: Schedule) -> int:
    """UTC milliseconds of a wall time; one that the clock skips counts as the hour after."""
    at = datetime.combine(day, wall_time(minute // 60, minute % 60), zone(plan.zone))
    return int(at.timestamp() * 1000)


@lru_cache(maxsize=1_024)
def _dark(
    day: date, lon: float, lat: float, zone_name: str, start: int, end: int
) -> tuple[tuple[int, int], ...]:
    """Sunset to sunrise between two noons: once, hardly ever twice, or not at all."""
    place = Observer(lat, lon)
    try:
        down = int(sunset(place, day, zone(zone_name)).timestamp() * 1000)
        up = int(sunrise(place, day + timedelta(days=1), zone(zone_name)).timestamp() * 1000)
    except ValueError:
        return _by_elevation(place, start, end)
    return ((down, up),) if start <= down < up <= end else _by_elevation(place, start, end)


def _by_elevation(place: Observer, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Slower, but right wherever the sun does not set and rise once between two noons: beyond
    the polar circles, or where the clock does not fit the place."""
    step, spans = HORIZON_STEP_MIN * 60_000, list[tuple[int, int]]()
    for at in range(start, end, step):
        if elevation(place, datetime.fromtimestamp(at / 1000, UTC), False) < SUN_DEG:
            begins = spans.pop()[0] if spans and spans[-1][1] == at else at
            spans.append((begins, min(end, at + step)))
    return tuple(spans)
