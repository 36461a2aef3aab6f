"""The worlds of a commune as sources of measures: who measures what of which world, how often.

One place for the rhythm of every service: `*_LIVE_S` while people watch, `*_PAST_S` in history.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from beffroi.lab.bays import BaySource
from beffroi.lab.commune import LabCommune
from beffroi.lab.devices import Measure
from beffroi.lab.worlds import flows, mains
from beffroi.lab.worlds.fixtures import FixturesWorld
from beffroi.lab.worlds.lighting import LightingWorld
from beffroi.lab.worlds.signals import SignalsWorld
from beffroi.model.asset import Asset, Device

FLOWS_LIVE_S = flows.SLOT_MS / 1000
BAYS_PAST_S = 300.0
WATER_LIVE_S, WATER_PAST_S = 20.0, 1_200.0
LAMPS_LIVE_S, LAMPS_PAST_S = 30.0, 1_800.0
BY_DAY_EVERY_MS = 1_800_000
FIXTURES_LIVE_S, FIXTURES_PAST_S = 30.0, 3_600.0
SIGNALS_LIVE_S, SIGNALS_PAST_S = 10.0, 30.0
COUNTERS_EVERY_MS = 3 * 3_600_000  # a lamp tells its meter readings this often


class PeopleSource:
    """Counters say the count of the last slot; on the hour also that of the hour."""

    period_s = FLOWS_LIVE_S

    def __init__(self, made: LabCommune, seed: int) -> None:
        spots = [
            flows.Spot(device.id, float(asset.attrs["scale"]), market=device.id == "cnt-001")
            for device, asset in _pairs(made, "flows")
        ]
        self.world = flows.PeopleWorld(spots, seed)

    def measures(self, now_ms: int) -> Iterator[Measure]:
        end_ms = now_ms - now_ms % flows.SLOT_MS
        for device, values in self.world.readings(end_ms):
            yield Measure(device, end_ms, values)


class WaterSource:
    """Remote units read their instruments; the station's unit uses its own tag names."""

    period_s = WATER_LIVE_S

    def __init__(
        self, made: LabCommune, seed: int, start_ms: int, level_m: float | None = None
    ) -> None:
        self._tags: dict[str, list[tuple[str, str, str]]] = {}  # asset -> (device, tag, property)
        self._plain: dict[str, str] = {}
        for device in made.devices:
            if device.id.startswith("rtu-"):
                self._learn(device)
        self.world = mains.MainsWorld(_plant(made), _zones(made), seed, start_ms, level_m)

    def _learn(self, device: Device) -> None:
        for tag, (asset, prop) in device.points.items():
            self._tags.setdefault(asset, []).append((device.id, tag, prop))
        if not device.points:
            self._plain[device.asset] = device.id

    def measures(self, now_ms: int) -> Iterator[Measure]:
        tagged: dict[str, dict[str, Any]] = {}
        for reading in self.world.step(now_ms):
            device = self._plain.get(reading.asset)
            if device:
                yield Measure(device, now_ms, reading.values)
            for owner, tag, prop in self._tags.get(reading.asset, ()):
                if prop in reading.values:
                    tagged.setdefault(owner, {})[tag] = reading.values[prop]
        for owner, values in tagged.items():
            yield Measure(owner, now_ms, values)


class LightSource:
    """Cabinets and their lamps; lamps speak seldom by day (their controllers keep their power).

    `known` are the last meter readings that the hub has: a meter never goes back when the lab
    starts again.
    """

    period_s = LAMPS_LIVE_S

    def __init__(
        self, made: LabCommune, seed: int, known: Mapping[tuple[str, str], float] | None = None
    ) -> None:
        pairs = list(_pairs(made, "lighting"))
        lamps = [_rated(asset) for _, asset in pairs if asset.kind == "luminaire"]
        cabinets = [asset for _, asset in pairs if asset.kind == "cabinet"]
        self._device = {asset.id: device.id for device, asset in pairs}
        self._cabinet = {lamp.id: str(lamp.attrs["cabinet"]) for lamp in lamps}
        self._known = dict(known or {})
        self._offset: dict[tuple[str, str], float] = {}
        self._told_ms = self._day_told_ms = -BY_DAY_EVERY_MS - COUNTERS_EVERY_MS
        self.world = LightingWorld(lamps, cabinets, seed)

    @property
    def assets(self) -> list[str]:
        return list(self._device)

    def measures(self, now_ms: int) -> Iterator[Measure]:
        by_asset: dict[str, dict[str, Any]] = {}
        for (asset, prop), value in self.world.step(now_ms).items():
            by_asset.setdefault(asset, {})[prop] = value
        counters, by_day = self._due(now_ms)
        for asset, values in by_asset.items():
            cabinet = self._cabinet.get(asset)
            lit = by_asset.get(cabinet or asset, {}).get("contactor_on")
            if cabinet and not lit and not by_day:
                continue
            yield Measure(self._device[asset], now_ms, self._told(asset, values, counters))

    def _due(self, now_ms: int) -> tuple[bool, bool]:
        """Is it time for the lamps' meter readings, and for what they say by day?"""
        counters = now_ms - self._told_ms >= COUNTERS_EVERY_MS
        by_day = now_ms - self._day_told_ms >= BY_DAY_EVERY_MS
        if counters:
            self._told_ms = now_ms
        if by_day:
            self._day_told_ms = now_ms
        return counters, by_day

    def _told(self, asset: str, values: dict[str, Any], counters: bool) -> dict[str, Any]:
        """As the device sends it: meters that never go back, switches as booleans."""
        out: dict[str, Any] = {}
        for prop, value in values.items():
            if prop in METERS:
                if counters or asset not in self._cabinet:
                    out[prop] = self._meter(asset, prop, value)
            else:
                out[prop] = value >= 0.5 if prop in SWITCHES else value
        return out

    def _meter(self, asset: str, prop: str, value: float) -> float:
        key = (asset, prop)
        if key not in self._offset:
            self._offset[key] = self._known[key] - value if key in self._known else 0.0
        return round(value + self._offset[key], 3)


class SignalSource:
    """Controllers of junctions, each by its own connection."""

    period_s = SIGNALS_LIVE_S

    def __init__(self, made: LabCommune) -> None:
        pairs = list(_pairs(made, "signals"))
        self._device = {asset.id: device.id for device, asset in pairs}
        self.world = SignalsWorld([asset for _, asset in pairs])

    @property
    def assets(self) -> list[str]:
        return list(self._device)

    def measures(self, now_ms: int) -> Iterator[Measure]:
        by_asset: dict[str, dict[str, Any]] = {}
        for (asset, prop), value in self.world.step(now_ms).items():
            by_asset.setdefault(asset, {})[prop] = value
        for asset, values in by_asset.items():
            yield Measure(self._device[asset], now_ms, values)


class FixtureSource:
    """Boards, meters and what of the water plant can be set: each by its own connection."""

    period_s = FIXTURES_LIVE_S

    def __init__(self, made: LabCommune, seed: int) -> None:
        wanted = {"board", "zone", "meter", "valve", "doser", "hot_water"}
        kinds = {asset.id: asset.kind for asset in made.assets if asset.kind in wanted}
        self._device = {d.asset: d.id for d in made.devices if d.asset in kinds}
        self.world = FixturesWorld(kinds, seed)

    def measures(self, now_ms: int) -> Iterator[Measure]:
        for asset, values in self.world.step(now_ms).items():
            yield Measure(self._device[asset], now_ms, values)


LEVEL = ("tank-1", "level_m")
METERS = ("energy_kWh", "burning_h")
SWITCHES = ("on", "door_open", "contactor_on")


def _rated(lamp: Asset) -> Asset:
    """The world's view: what is printed on the lamp."""
    return replace(lamp, attrs={**lamp.attrs, "rated_w": lamp.attrs["power_W_nominal"]})


def _pairs(made: LabCommune, domain: str) -> Iterable[tuple[Device, Asset]]:
    assets = {asset.id: asset for asset in made.assets if asset.domain == domain}
    return [(d, assets[d.asset]) for d in made.devices if d.asset in assets]


def _plant(made: LabCommune) -> mains.Plant:
    tank = next(asset for asset in made.assets if asset.id == "tank-1").attrs
    x, y = made.mains.source
    mean_l_s = made.commune.inhabitants * mains.M3_PER_HEAD_DAY / mains.YIELD / 86.4
    return mains.Plant(
        area_m2=float(tank["area_m2"]),
        height_m=float(tank["height_m"]),
        floor_m=made.mains.tower_height_m + TOWER_M,
        source_m=made.town.height_m(x, y) - 12.0,
        pump_l_s=round(2.3 * mean_l_s, 2),
    )


TOWER_M = 24.0  # the tank's floor above the hill


def _zones(made: LabCommune) -> list[mains.Zone]:
    tower = made.mains.tower
    points: dict[str, list[tuple[str, float, float]]] = {}
    places = made.town.net.xy
    for index, (node, sector) in enumerate(made.mains.points):
        far = 1.25 * math.dist(places[node], tower)
        elevation = made.town.height_m(*places[node])
        points.setdefault(f"sector-{sector + 1:03d}", []).append(
            (f"node-{index + 1:04d}", elevation, far)
        )
    return [
        mains.Zone(f"sector-{s + 1:03d}", heads, tuple(points.get(f"sector-{s + 1:03d}", ())))
        for s, heads in enumerate(made.mains.heads)
    ]


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything of a commune that measures itself."""

    people: PeopleSource
    water: WaterSource
    lights: LightSource
    bays: BaySource
    signals: SignalSource
    fixtures: FixtureSource

    @classmethod
    def of(
        cls,
        made: LabCommune,
        seed: int,
        start_ms: int,
        known: Mapping[tuple[str, str], float] | None = None,
        bays_ms: int = 0,
    ) -> Sources:
        """Worlds that begin at `start_ms`. `known`: the last values of METERS, which must not go
        back, and the tank's LEVEL, which must not jump. The bays may begin later, at `bays_ms`."""
        return cls(
            PeopleSource(made, seed),
            WaterSource(made, seed, start_ms, (known or {}).get(LEVEL)),
            LightSource(made, seed, known),
            BaySource(made, seed, bays_ms or start_ms),
            SignalSource(made),
            FixtureSource(made, seed),
        )
