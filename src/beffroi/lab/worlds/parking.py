"""A simulated street of short-stay bays: the truth, and what a two-technology sensor says of it.

Everything is invented (no public recording of such raw signals was found): a pure function of
(seed, day), never tuned on the watch. Knows nothing of fusion, orders or alarms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Rng = np.random.Generator

DAY_S = 86_400
GROUND_M, RANGE_NOISE_M = 3.0, 0.05  # the radar's reach: nothing above the bay
ECHO_FLOOR_DB, ECHO_NOISE_DB = 2.0, 3.0
MAG_NOISE_UT = 0.4
MANOEUVRE_S = 5.0  # the truth changes in its middle, when half the vehicle is on the bay


class Vehicle(NamedTuple):
    """Share of arrivals; field in µT (median, log spread), height, echo, share off the beam."""

    share: float
    field: float
    field_spread: float
    radar_m: float
    radar_spread_m: float
    echo_db: float
    off_beam: float


FLEET = (
    Vehicle(0.80, 28, 0.5, 0.20, 0.04, 26, 0.01),  # car
    Vehicle(0.10, 38, 0.5, 0.33, 0.06, 25, 0.01),  # van, off-road car
    Vehicle(0.02, 70, 0.4, 0.55, 0.10, 24, 0.02),  # lorry
    Vehicle(0.03, 10, 0.4, 0.20, 0.04, 24, 0.01),  # light car, little steel
    Vehicle(0.04, 3.5, 0.5, 0.35, 0.12, 15, 0.35),  # motorcycle
    Vehicle(0.01, 6, 0.5, 0.45, 0.08, 20, 0.10),  # trailer
)


class Stay(NamedTuple):
    """One vehicle on one bay, in seconds of the day."""

    start_s: float
    end_s: float
    kind: int


@dataclass(frozen=True, slots=True)
class BayDay:
    """One bay, one day. All arrays have one element a sample; `lost` were never received."""

    stays: tuple[Stay, ...]
    zero: tuple[float, float, float]  # µT, field at installation, as asset attribute
    ts_ms: Ints
    recv_ms: Ints
    lost: Bools
    taken: Bools
    field: Floats  # µT, n x 3
    radar_m: Floats
    echo_db: Floats

    def readings(self) -> Iterator[tuple[int, int, dict[str, float]]]:
        """(received, measured, values) in the order of reception."""
        for i in np.argsort(self.recv_ms, kind="stable"):
            if not self.lost[i]:
                yield int(self.recv_ms[i]), int(self.ts_ms[i]), self.values(int(i))

    def values(self, i: int) -> dict[str, float]:
        """What the device sends of sample `i`."""
        x, y, z = (float(v) for v in self.field[i])
        return {
            "mag_x_uT": x,
            "mag_y_uT": y,
            "mag_z_uT": z,
            "radar_m": float(self.radar_m[i]),
            "radar_echo_db": float(self.echo_db[i]),
        }


def street_day(
    seed: int, bays: int = 4, *, start_ms: int = 1_790_000_000_000, step_s: float = 2.0
) -> list[BayDay]:
    """A row of neighbouring bays on the day that begins (local midnight) at `start_ms`."""
    rng = np.random.default_rng([seed, bays, start_ms // 1000])
    t = np.arange(0, DAY_S, step_s)
    weather = _Weather.of(rng, t)
    stays = [tuple(_stays(rng)) for _ in range(bays)]
    covers = [_cover(t, s) for s in stays]
    fields = [_field(rng, t, s) for s in stays]
    bursts = _bursts(rng, t)
    days = []
    for i in range(bays):
        mag = fields[i] + bursts * rng.uniform(0.5, 1.5) + _passing(rng, t)
        for j in (i - 1, i + 1):  # neighbours couple through a field turned and weakened
            if 0 <= j < bays:
                mag = mag + fields[j] @ (_turn(rng) * float(rng.lognormal(np.log(0.07), 0.6)))
        zero = _direction(rng) * rng.uniform(44, 50)
        mag += zero + _drift(rng, t, weather) + rng.normal(0, MAG_NOISE_UT, (len(t), 3))
        radar_m, echo_db = _radar(rng, t, stays[i], covers[i], weather)
        ts = start_ms + np.round((t + rng.uniform(0, step_s)) * 1000).astype(np.int64)
        days.append(
            BayDay(
                stays[i],
                (float(zero[0]), float(zero[1]), float(zero[2])),
                ts,
                ts + _delays(rng, len(t)),
                _losses(rng, t),
                _taken((ts - start_ms) / 1000, stays[i]),
                np.round(mag, 1),
                np.round(radar_m, 2),
                np.round(echo_db, 1),
            )
        )
    return days


# --- vehicles ------------------------------------------------------------------------------------


def _stays(rng: Rng) -> Iterator[Stay]:
    """About 30 vehicles a day; one in sixteen stays for hours, some nights a car stays over."""
    shares = [v.share for v in FLEET]
    now = 60.0
    while True:
        hour = now / 3600
        now += max(15.0, rng.exponential(720 if 7 <= hour < 20 else 5_400))
        long = rng.random() < 0.06
        length = rng.uniform(3_600, 14_400) if long else rng.lognormal(np.log(660), 0.8)
        end = now + max(60.0, length)
        if end > DAY_S - 60:
            return
        yield Stay(now, end, int(rng.choice(len(FLEET), p=shares)))
        now = end


def _taken(t: Floats, stays: tuple[Stay, ...]) -> Bools:
    taken = np.zeros(len(t), bool)
    for stay in stays:
        taken |= (t >= stay.start_s) & (t < stay.end_s)
    return taken


def _ramp(t: Floats, stay: Stay) -> Floats:
    """0 to 1 while the vehicle arrives, back while it leaves."""
    half = MANOEUVRE_S / 2
    up = np.clip((t - stay.start_s + half) / MANOEUVRE_S, 0, 1)
    return up * np.clip((stay.end_s + half - t) / MANOEUVRE_S, 0, 1)


def _span(t: Floats, start_s: float, end_s: float) -> slice:
    return slice(*np.searchsorted(t, (start_s - MANOEUVRE_S, end_s + MANOEUVRE_S)))


def _cover(t: Floats, stays: tuple[Stay, ...]) -> Floats:
    """How much of the bay is covered, 0 to 1."""
    cover = np.zeros(len(t))
    for stay in stays:
        part = _span(t, stay.start_s, stay.end_s)
        cover[part] = np.maximum(cover[part], _ramp(t[part], stay))
    return cover


def _direction(rng: Rng) -> Floats:
    v = rng.normal(size=3)
    return np.asarray(v / np.linalg.norm(v))


def _turn(rng: Rng) -> Floats:
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(q)


# --- magnetometer --------------------------------------------------------------------------------


def _field(rng: Rng, t: Floats, stays: tuple[Stay, ...]) -> Floats:
    """What the bay's own vehicles add (µT, n x 3); axles pass over the sensor while it moves."""
    out = np.zeros((len(t), 3))
    for stay in stays:
        kind = FLEET[stay.kind]
        size = rng.lognormal(np.log(kind.field), kind.field_spread)
        part = _span(t, stay.start_s, stay.end_s)
        ramp = _ramp(t[part], stay)
        moving = (ramp > 0) & (ramp < 1)
        out[part] += np.outer(ramp, _direction(rng) * size)
        out[part] += moving[:, None] * rng.normal(0, 0.3 * size, (len(ramp), 3))
    return out


def _bursts(rng: Rng, t: Floats) -> Floats:
    """Trams and transformers: noise for seconds to minutes, or a slow swing of the whole field."""
    out = np.zeros((len(t), 3))
    for start in rng.uniform(0, DAY_S, rng.poisson(DAY_S / 2_700)):
        length = rng.uniform(10, 120)
        part = slice(*np.searchsorted(t, (start, start + length)))
        x = t[part]
        if rng.random() < 0.6:
            out[part] += rng.normal(0, rng.lognormal(np.log(12), 0.5), (len(x), 3))
        else:
            swing = np.sin(np.pi * (x - start) / length) * rng.uniform(4, 20)
            out[part] += np.outer(swing, _direction(rng))
    return out


def _passing(rng: Rng, t: Floats) -> Floats:
    """Traffic in the lane: a small bump of a few seconds."""
    out = np.zeros((len(t), 3))
    for start in rng.uniform(6.5 * 3600, 21 * 3600, rng.poisson(1_200)):
        part = slice(*np.searchsorted(t, (start, start + rng.uniform(2, 4))))
        out[part] += _direction(rng) * rng.lognormal(np.log(1.2), 0.7)
    return out


def _drift(rng: Rng, t: Floats, weather: _Weather) -> Floats:
    """Of the zero with temperature and age (µT, n x 3)."""
    coefficient = rng.normal(0, 0.15, 3)
    steps = rng.normal(0, 0.3 * np.sqrt((t[1] - t[0]) / 3600), (len(t), 3))
    start = rng.normal(0, 1.0, 3)  # since the installation
    out: Floats = np.outer(weather.warmth, coefficient) + np.cumsum(steps, axis=0) + start
    return out


# --- weather -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Weather:
    """`warmth` in °C from the morning's; rain per sample; hours of snow; leaves per hour."""

    warmth: Floats
    rain: Bools
    snow_s: tuple[float, float]
    leaves_per_h: float

    @classmethod
    def of(cls, rng: Rng, t: Floats) -> _Weather:
        swing = rng.uniform(3, 14) * np.sin(np.pi * np.clip((t / 3600 - 6) / 16, 0, 1))
        clouds = np.convolve(rng.normal(0, 2.0, len(t) // 300 + 2).repeat(300)[: len(t)],
                             np.full(150, 1 / 150), "same")  # fmt: skip
        rain = np.zeros(len(t), bool)
        if rng.random() < 0.5:
            for start in rng.uniform(0, DAY_S, rng.integers(1, 4)):
                rain |= (t >= start) & (t < start + rng.uniform(1_800, 10_800))
        snow = (0.0, 0.0)
        if rng.random() < 0.12:
            start = rng.uniform(0, 12 * 3600)
            snow = (start, start + rng.uniform(4, 10) * 3600)
        leaves = 0.33 if rng.random() < 0.35 else 0.02
        return cls(swing + clouds, rain, snow, leaves)


# --- radar ---------------------------------------------------------------------------------------


def _radar(
    rng: Rng, t: Floats, stays: tuple[Stay, ...], cover: Floats, weather: _Weather
) -> tuple[Floats, Floats]:
    """Distance (m) and echo (dB) of the strongest target."""
    n = len(t)
    distance = GROUND_M + rng.normal(0, RANGE_NOISE_M, n)
    echo = ECHO_FLOOR_DB + rng.normal(0, ECHO_NOISE_DB, n)
    _people(rng, t, distance, echo)
    drop = weather.rain & (rng.random(n) < 0.12)
    distance[drop] = rng.uniform(0.05, 2.5, int(drop.sum()))
    echo[drop] = rng.normal(8, 4, int(drop.sum()))
    for stay in stays:
        _vehicle(rng, t, stay, distance, echo)
    _leaves(rng, t, stays, weather, cover, distance, echo)
    if weather.snow_s[1]:
        _snow(rng, t, stays, weather, cover, distance, echo)
    return np.maximum(distance, 0.02), echo - 4.0 * weather.rain


def _people(rng: Rng, t: Floats, distance: Floats, echo: Floats) -> None:
    for start in rng.uniform(7 * 3600, 21 * 3600, rng.poisson(140)):
        part = slice(*np.searchsorted(t, (start, start + rng.uniform(2, 15))))
        k = len(t[part])
        distance[part] = rng.uniform(0.4, 1.6) + rng.normal(0, 0.1, k)
        echo[part] = rng.normal(10, 4, k)


def _vehicle(rng: Rng, t: Floats, stay: Stay, distance: Floats, echo: Floats) -> None:
    kind = FLEET[stay.kind]
    if rng.random() < kind.off_beam:
        return
    height = max(0.1, rng.normal(kind.radar_m, kind.radar_spread_m))
    level = rng.normal(kind.echo_db, 3)
    part = _span(t, stay.start_s, stay.end_s)
    seen = rng.random(len(t[part])) < _ramp(t[part], stay)
    distance[part] = np.where(seen, height + rng.normal(0, 0.015, len(seen)), distance[part])
    echo[part] = np.where(seen, level + rng.normal(0, 2, len(seen)), echo[part])


def _lid(
    rng: Rng, near_m: float, level_db: float, hides: float, part: slice,
    cover: Floats, distance: Floats, echo: Floats,
) -> None:  # fmt: skip
    """Something lies on the sensor: it is seen instead of the ground, and often of the vehicle."""
    k = len(distance[part])
    hidden = (cover[part] < 0.5) | (rng.random() < hides)
    distance[part] = np.where(hidden, near_m + rng.normal(0, 0.01, k), distance[part])
    echo[part] = np.where(hidden, level_db + rng.normal(0, 2, k), echo[part] - 5)


def _leaves(
    rng: Rng, t: Floats, stays: tuple[Stay, ...], weather: _Weather,
    cover: Floats, distance: Floats, echo: Floats,
) -> None:  # fmt: skip
    for start in rng.uniform(0, DAY_S, rng.poisson(24 * weather.leaves_per_h)):
        end = start + min(6 * 3600, rng.lognormal(np.log(1_200), 1.0))
        for stay in stays:  # an arriving vehicle often blows it away
            if start < stay.start_s < end and rng.random() < 0.5:
                end = stay.start_s
                break
        part = slice(*np.searchsorted(t, (start, end)))
        _lid(rng, rng.uniform(0.03, 0.12), rng.normal(12, 5), 0.5, part, cover, distance, echo)


def _snow(
    rng: Rng, t: Floats, stays: tuple[Stay, ...], weather: _Weather,
    cover: Floats, distance: Floats, echo: Floats,
) -> None:  # fmt: skip
    start, end = weather.snow_s
    cuts = [start, *(s.start_s for s in stays if start < s.start_s < end), end]
    clear_until = 0.0
    for a, b in pairwise(cuts):
        if a < clear_until:
            continue
        part = slice(*np.searchsorted(t, (a, b)))
        _lid(rng, rng.uniform(0.05, 0.15), rng.normal(16, 2), 0.6, part, cover, distance, echo)
        if rng.random() < 0.25:  # wheels cleared the sensor for a while
            clear_until = b + 1_800


# --- radio ---------------------------------------------------------------------------------------


def _delays(rng: Rng, n: int) -> Ints:
    """Milliseconds from measurement to the hub: half a second, sometimes many."""
    delay = rng.lognormal(np.log(0.5), 0.6, n)
    slow = rng.random(n) < 0.01
    delay[slow] = rng.uniform(3, 10, int(slow.sum()))
    return np.round(delay * 1000).astype(np.int64)


def _losses(rng: Rng, t: Floats) -> Bools:
    """Two per cent one by one, and a few radio shadows of up to two minutes."""
    lost: Bools = rng.random(len(t)) < 0.02
    for start in rng.uniform(0, DAY_S, rng.poisson(3)):
        lost |= (t >= start) & (t < start + rng.uniform(20, 120))
    return lost
