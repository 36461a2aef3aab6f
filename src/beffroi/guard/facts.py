"""What a guard knows besides its equipment: the hour, the sun, how many neighbours are dark.

Derived from its own time, its place and its own wiring, never from the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from beffroi.guard.sun import NIGHT_MDEG, elevation_mdeg
from beffroi.kernel.situation import Fact

Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Place:
    latitude_deg: float
    longitude_deg: float
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other targets of this guard. One is dark when its `fact` is at most `dark_max`."""

    names: tuple[str, ...] = ()
    fact: str = "level_pct"
    dark_max: int = 0


def of_time(place: Place, now_ms: int) -> dict[str, Fact]:
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(place.zone)
    sun = elevation_mdeg(place.latitude_deg, place.longitude_deg, now_ms)
    values = {
        "local_minute": local.hour * 60 + local.minute,
        "weekday": local.weekday(),
        "sun_mdeg": sun,
        "night": int(sun < NIGHT_MDEG),
    }
    return {name: Fact(value, now_ms) for name, value in values.items()}


def adjacent_dark(near: Neighbours, all_facts: Mapping[str, Facts], now_ms: int) -> Fact:
    """As old as the oldest look at a neighbour. One that was never seen counts as dark now: what
    is not known must not permit."""
    dark, oldest_ms = 0, now_ms
    for name in near.names:
        fact = all_facts.get(name, {}).get(near.fact)
        if fact is None:
            dark += 1
            continue
        dark += fact.value <= near.dark_max
        oldest_ms = min(oldest_ms, fact.at_ms)
    return Fact(dark, oldest_ms)
