"""Vehicles that stop at short-stay bays, and what a sensor's two technologies say of it.

For the demonstration and for towns of any size: only what a battery-powered sensor would send
(its magnetometer's and its radar's verdict when one changes, a heartbeat), not raw signals; those
are `worlds.parking`. A pure function of (seed, bay, day). No plate, no driver, no vehicle's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

ZONE = ZoneInfo("Europe/Paris")
ARRIVALS_PER_DAY = 7.0
STAY_MEDIAN_S, STAY_SPREAD = 420.0, 0.52  # one in fifty stays beyond twenty minutes
MAG_BLIND = 0.03  # motorcycles, plastic bodies
LEAVES_PER_DAY = 0.03  # something lies on the radar for a while
HEARTBEAT_S = 6 * 3_600
# share of the day's arrivals in each local hour
_WEEKDAY: tuple[float, ...] = (
    0, 0, 0, 0, 0, 1, 3, 8, 9, 7, 7, 9, 9, 5, 5, 6, 9, 11, 8, 3, 1, 0, 0, 0,
)  # fmt: skip
_SUNDAY: tuple[float, ...] = (
    0, 0, 0, 0, 0, 0, 1, 6, 16, 20, 20, 14, 5, 2, 3, 4, 4, 3, 2, 0, 0, 0, 0, 0,
)  # fmt: skip


class Said(NamedTuple):
    """What the sensor of a bay sends at an instant."""

    ts_ms: int
    values: dict[str, float | bool]


@dataclass(frozen=True, slots=True)
class Parked:
    """A vehicle on a bay from one instant to another, whatever else the day holds."""

    bay: int
    start_ms: int
    end_ms: int


def day_start_ms(day: date) -> int:
    """Local midnight."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)


def stays(seed: int, bay: int, day: date) -> list[tuple[int, int, bool]]:
    """(arrival, departure, seen by the magnetometer?) in ms, in order, none over midnight."""
    rng = _rng(seed, bay, day, 0)
    start_ms = day_start_ms(day)
    end_ms = day_start_ms(day + timedelta(days=1)) - 120_000
    hours = _SUNDAY if day.weekday() == 6 else _WEEKDAY
    count = int(rng.poisson(ARRIVALS_PER_DAY * (0.4 if day.weekday() == 6 else 1.0)))
    at_h = rng.choice(24, count, p=np.array(hours) / sum(hours)) + rng.uniform(0, 1, count)
    found: list[tuple[int, int, bool]] = []
    for hour in np.sort(at_h).tolist():
        arrival = start_ms + int(hour * 3_600_000)
        length = max(45.0, float(rng.lognormal(np.log(STAY_MEDIAN_S), STAY_SPREAD)))
        departure = arrival + int(length * 1000)
        free = not found or arrival > found[-1][1] + 90_000
        seen = bool(rng.random() >= MAG_BLIND)
        if free and departure < end_ms:
            found.append((arrival, departure, seen))
    return found


def sayings(seed: int, bay: int, day: date, parked: Sequence[Parked] = ()) -> list[Said]:
    """Everything that the bay's sensor sends on a day, in order of time."""
    rng = _rng(seed, bay, day, 1)
    start_ms, end_ms = day_start_ms(day), day_start_ms(day + timedelta(days=1))
    vans = [(van.start_ms, van.end_ms, True) for van in parked if van.bay == bay]
    others = [
        stay
        for stay in stays(seed, bay, day)
        if not any(stay[0] < end and start < stay[1] for start, end, _ in vans)
    ]
    changes: list[tuple[int, str, int]] = []  # (time, technology, +1 or -1)
    for arrival, departure, magnetic in others + vans:
        for name in ("occupied_mag", "occupied_radar") if magnetic else ("occupied_radar",):
            changes.append((arrival + int(rng.uniform(4_000, 12_000)), name, 1))
            changes.append((departure + int(rng.uniform(4_000, 12_000)), name, -1))
    if rng.random() < LEAVES_PER_DAY:
        leaf = start_ms + int(rng.uniform(8, 18) * 3_600_000)
        changes.append((leaf, "occupied_radar", 1))
        changes.append((leaf + int(rng.uniform(2_400, 7_200) * 1000), "occupied_radar", -1))
    beats = range(start_ms + 1_000 * (bay * 97 % HEARTBEAT_S), end_ms, HEARTBEAT_S * 1000)
    return list(_merge(changes, list(beats), start_ms, end_ms, bay))


def _merge(
    changes: list[tuple[int, str, int]], beats: list[int], start_ms: int, end_ms: int, bay: int
) -> Iterator[Said]:
    taken = {"occupied_mag": 0, "occupied_radar": 0}
    events = sorted([*changes, *((at, "", 0) for at in beats)])
    for at, name, step in events:
        before = {key: count > 0 for key, count in taken.items()}
        if name:
            taken[name] += step
        now = {key: count > 0 for key, count in taken.items()}
        if not start_ms <= at < end_ms or (name and now == before):
            continue
        values: dict[str, float | bool] = dict(now)
        if not name:
            age = (at / 86_400_000 + bay * 37) % 2_500
            values |= {"battery_V": round(3.62 - age * 1.2e-4, 3), "temperature_C": _warm_c(at)}
        yield Said(at, values)


def _warm_c(at_ms: int) -> float:
    """Of the ground: the season and the hour."""
    at = datetime.fromtimestamp(at_ms / 1000, ZONE)
    season = -8.0 * np.cos(2 * np.pi * (at.timetuple().tm_yday - 20) / 365)
    return round(float(11.5 + season - 3.0 * np.cos(2 * np.pi * (at.hour - 3) / 24)), 1)


def _rng(seed: int, bay: int, day: date, part: int) -> np.random.Generator:
    return np.random.default_rng((seed & 0xFFFFFFFF, bay, day.toordinal(), part))
