"""The commune's drinking water while time passes: one tower, two pumps, sectors, pressure points.

A coarse hydraulic model on the procedural network (steady state, head losses by distance), cheap
enough for weeks of history in seconds. What a detailed network does is another world's business.
The same seed, start and steps give the same readings. No attacks here: leaks and ageing only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

ZONE = ZoneInfo("Europe/Paris")
M3_PER_HEAD_DAY = 0.148  # domestic use in France, SISPEA 2022
YIELD = 0.89  # the rest leaks all the time
BAR_PER_M = 0.0980665
EFFICIENCY = 0.62
STEP_S_MAX = 900  # longer steps are cut: a tank must not jump over its switch levels
# share of the day's use in each local hour
_WEEKDAY: tuple[float, ...] = (
    0.8, 0.5, 0.4, 0.4, 0.5, 1.3, 4.2, 8.6, 7.4, 5.4, 4.6, 4.6, 5.4, 4.8, 3.8, 3.4, 3.6, 4.8, 7.0,
    9.0, 8.2, 5.8, 3.6, 1.9,
)  # fmt: skip
_WEEKEND: tuple[float, ...] = (
    1.1, 0.7, 0.5, 0.4, 0.4, 0.7, 1.8, 4.2, 7.4, 8.6, 8.0, 7.0, 6.4, 5.2, 4.2, 3.8, 4.0, 4.8, 6.4,
    8.0, 7.4, 5.0, 2.6, 1.4,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A sector: who lives there, and its pressure points as (asset, elevation_m, far_m)."""

    asset: str
    heads: int
    points: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Plant:
    """Heights in metres above the square."""

    area_m2: float
    height_m: float  # of the tank, floor to overflow
    floor_m: float  # of its floor
    source_m: float
    pump_l_s: float


@dataclass(slots=True)
class Leak:
    """`l_s` runs away in a sector from one device time to another."""

    sector: str
    l_s: float
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class Reading:
    """Values of one asset at one instant."""

    asset: str
    values: dict[str, float | bool] = field(default_factory=dict)


def day_share(at: datetime) -> float:
    """Use in this local instant, relative to the mean of the day."""
    table = _WEEKEND if at.weekday() >= 5 else _WEEKDAY
    part = at.minute / 60
    return 24 * (table[at.hour] * (1 - part) + table[(at.hour + 1) % 24] * part) / sum(table)


class MainsWorld:
    """Call `step` with growing times; `leaks` may be added at any time."""

    def __init__(
        self,
        plant: Plant,
        zones: Sequence[Zone],
        seed: int,
        start_ms: int,
        level_m: float | None = None,
    ) -> None:
        self.plant, self.zones = plant, list(zones)
        self.leaks: list[Leak] = []
        self._seed = seed & 0xFFFFFFFF
        self._now_ms = start_ms
        self._level_m = 0.72 * plant.height_m if level_m is None else level_m
        self._pumping = False
        self._turn = 0  # which pump is next: they share the wear
        self._mood = np.zeros(len(zones))  # slow deviations of each sector's use
        self._chlorine = 0.0

    def step(self, now_ms: int) -> Iterator[Reading]:
        """Let the water run until `now_ms`, then read every instrument."""
        while self._now_ms < now_ms:
            seconds = min(STEP_S_MAX, (now_ms - self._now_ms) / 1000)
            self._now_ms += max(1, round(seconds * 1000))
            self._run(seconds)
        return self._read()

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng((self._seed, self._now_ms // 1000))

    def _use_l_s(self) -> list[float]:
        """Drawn by the inhabitants, sector by sector."""
        at = datetime.fromtimestamp(self._now_ms / 1000, ZONE)
        share = day_share(at) * (1.12 if at.month in (6, 7, 8) else 1.0)
        return [
            zone.heads * M3_PER_HEAD_DAY * share * math.exp(mood) / 86.4
            for zone, mood in zip(self.zones, self._mood, strict=True)
        ]

    def _leak_l_s(self, zone: Zone) -> float:
        steady = zone.heads * M3_PER_HEAD_DAY * (1 / YIELD - 1) / 86.4
        return steady + sum(
            leak.l_s
            for leak in self.leaks
            if leak.sector == zone.asset and leak.start_ms <= self._now_ms < leak.end_ms
        )

    def _out_l_s(self) -> list[float]:
        return [u + self._leak_l_s(z) for u, z in zip(self._use_l_s(), self.zones, strict=True)]

    def _run(self, seconds: float) -> None:
        rng = self._rng()
        keep = math.exp(-seconds / 1_800)
        noise = math.sqrt(1 - keep * keep)
        self._mood = self._mood * keep + rng.normal(0, 0.10 * noise, len(self.zones))
        self._chlorine = self._chlorine * keep + float(rng.normal(0, 0.018 * noise))
        if self._pumping and self._level_m > 0.93 * self.plant.height_m:
            self._pumping, self._turn = False, 1 - self._turn
        elif not self._pumping and self._level_m < 0.62 * self.plant.height_m:
            self._pumping = True
        gain_l_s = (self.plant.pump_l_s if self._pumping else 0.0) - sum(self._out_l_s())
        self._level_m += gain_l_s * seconds / 1000 / self.plant.area_m2
        self._level_m = min(self.plant.height_m, max(0.0, self._level_m))

    # --- instruments -----------------------------------------------------------------------------
    def _read(self) -> Iterator[Reading]:
        rng = self._rng()
        use, out = self._use_l_s(), self._out_l_s()
        warm = self._warm_c()
        pumped = self.plant.pump_l_s * float(rng.normal(1, 0.006)) if self._pumping else 0.0
        yield Reading(
            "tank-1",
            {
                "level_m": round(self._level_m + float(rng.normal(0, 0.003)), 3),
                "inflow_l_s": round(pumped, 2),
                "outflow_l_s": round(sum(out) * float(rng.normal(1, 0.006)), 2),
                "temperature_C": round(warm + float(rng.normal(0, 0.05)), 2),
            },
        )
        yield from self._pumps(pumped, rng)
        yield Reading(
            "quality-1",
            {
                "chlorine_mg_l": round(0.46 + self._chlorine + float(rng.normal(0, 0.004)), 3),
                "ph": round(7.55 + float(rng.normal(0, 0.012)), 3),
                "turbidity_NFU": round(0.16 + abs(float(rng.normal(0, 0.02))), 3),
                "conductivity_uS_cm": round(534 + float(rng.normal(0, 1.5)), 1),
                "temperature_C": round(warm + float(rng.normal(0, 0.05)), 2),
            },
        )
        for zone, used, flow in zip(self.zones, use, out, strict=True):
            yield from self._sector(zone, used, flow, rng)

    def _warm_c(self) -> float:
        day = datetime.fromtimestamp(self._now_ms / 1000, ZONE).timetuple().tm_yday
        return 12.5 - 4.5 * math.cos(2 * math.pi * (day - 35) / 365)

    def _pumps(self, pumped: float, rng: np.random.Generator) -> Iterator[Reading]:
        head_m = self.plant.floor_m + self._level_m - self.plant.source_m + 4.0
        for number in (0, 1):
            runs = self._pumping and self._turn == number
            kw = pumped / 1000 * 9.81 * head_m / EFFICIENCY if runs else 0.0
            rest_bar = (head_m - 4.0) * BAR_PER_M
            bar = head_m * BAR_PER_M if runs else rest_bar
            yield Reading(
                f"pump-{number + 1}",
                {
                    "running": runs,
                    "flow_l_s": round(pumped if runs else 0.0, 2),
                    "pressure_bar": round(bar + float(rng.normal(0, 0.008)), 3),
                    "power_kW": round(kw * float(rng.normal(1, 0.01)), 2),
                },
            )

    def _sector(
        self, zone: Zone, used: float, flow: float, rng: np.random.Generator
    ) -> Iterator[Reading]:
        yield Reading(
            zone.asset,
            {
                "inflow_m3_h": round(3.6 * flow * float(rng.normal(1, 0.008)), 3),
                "metered_m3_h": round(3.6 * used * float(rng.normal(1, 0.004)), 3),
            },
        )
        mean = zone.heads * M3_PER_HEAD_DAY / 86.4
        ratio = flow / mean if mean else 0.0
        top = self.plant.floor_m + self._level_m
        noise = rng.normal(0, 0.009, len(zone.points))
        for (asset, elevation, far), shake in zip(zone.points, noise.tolist(), strict=True):
            lost_m = far / 1000 * 1.9 * ratio**1.85
            bar = max(0.0, (top - elevation - lost_m) * BAR_PER_M)
            yield Reading(asset, {"pressure_bar": round(bar + shake, 3)})
