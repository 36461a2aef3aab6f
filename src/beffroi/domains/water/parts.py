"""Limits and physics of tanks, pumps and measuring points. Pure; one small memory per part.

Each part is told which values are near in time (`now`: property -> value) and notes in `Latches`
which rules hold. Thresholds with their sources: `domain.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from beffroi.domains.attrs import number, number_or, text
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Limit, Now, check
from beffroi.domains.series import LEARN_MS
from beffroi.domains.state import Memory
from beffroi.model.asset import Asset
from beffroi.model.finding import Derived


class Part(Protocol):
    """What the watch asks of a kind of asset."""

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]: ...
    def dump(self) -> dict[str, Any]: ...


def _tank_limits(attrs: Mapping[str, Any]) -> list[Limit]:
    height = number(attrs, "height_m")
    back = 0.02 * height if height else 0.05
    wanted = (
        ("tank_low", "low_m", 0.20, True),
        ("tank_empty", "empty_m", 0.05, True),
        ("tank_high", "high_m", None, False),
        ("tank_overflow", "overflow_m", 1.02, False),
    )
    limits = []
    for rule, name, share, low in wanted:
        value = number(attrs, name)
        if value is None and height and share:
            value = share * height
        if value is not None:
            below, above = (value, None) if low else (None, value)
            limits.append(Limit(f"water.{rule}", "level_m", below, above, back, 120.0))
    return limits


@dataclass(slots=True)
class TankMemory(Memory):
    first_ms: int = -1
    last_ms: int = -1
    level_m: float = 0.0
    fastest_m_s: float = 0.0  # learnt
    base_ms: int = -1  # of the balance under way
    base_m: float = 0.0
    net_m3: float = 0.0
    net_ms: int = -1


class Tank:
    """Level limits, volume, a level that moves faster than water can, balance with its meters."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        attrs = asset.attrs
        diameter = number(attrs, "diameter_m")
        self._area_m2 = number(attrs, "area_m2") or (
            math.pi * diameter**2 / 4 if diameter and diameter > 0 else 0.0
        )
        most = number(attrs, "flow_l_s_max")
        self._rate = most / 1000 / self._area_m2 if most and self._area_m2 > 0 else None
        self._limits = _tank_limits(attrs)
        self._m = TankMemory.load(saved)

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        level = now.get("level_m")
        if level is None:
            return []
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        self._jump(ts_ms, level, note)
        if self._area_m2 <= 0:
            return []
        self._balance(ts_ms, level, now, note)
        return [Derived("volume_m3", ts_ms, max(0.0, level) * self._area_m2)]

    def _jump(self, ts_ms: int, level: float, note: Latches) -> None:
        m = self._m
        if m.first_ms < 0:
            m.first_ms = ts_ms
        seconds = (ts_ms - m.last_ms) / 1000.0
        if m.last_ms >= 0 and seconds > 0:
            change = level - m.level_m
            rate = max(0.0, abs(change) - 0.05) / seconds
            learnt = ts_ms - m.first_ms > LEARN_MS
            limit = self._rate if self._rate is not None else 3 * m.fastest_m_s if learnt else None
            if not learnt and seconds <= 7_200:
                m.fastest_m_s = max(m.fastest_m_s, rate)
            facts = {"change_m": change, "minutes": seconds / 60}
            jumped = limit is not None and rate > 1.5 * limit
            note.feed("water.level_jump", ts_ms, jumped, facts, off_s=3_600)
        m.last_ms, m.level_m = ts_ms, level

    def _balance(self, ts_ms: int, level: float, now: Now, note: Latches) -> None:
        """Inflow minus outflow must be what the level shows, over windows of half an hour."""
        m = self._m
        inflow, outflow = now.get("inflow_l_s"), now.get("outflow_l_s")
        if inflow is None or outflow is None:
            return
        seconds = (ts_ms - m.net_ms) / 1000.0
        if m.net_ms < 0 or not 0 <= seconds <= 7_200:
            m.base_ms, m.base_m, m.net_m3 = ts_ms, level, 0.0
        else:
            m.net_m3 += (inflow - outflow) / 1000 * seconds
        m.net_ms = ts_ms
        window_s = (ts_ms - m.base_ms) / 1000.0
        if window_s < 1_800:
            return
        gap = (m.net_m3 - (level - m.base_m) * self._area_m2) / window_s * 1000
        noise = 0.02 * self._area_m2 / window_s * 1000  # two centimetres of ripple
        allowed = noise + 0.1 * max(abs(inflow), abs(outflow))
        facts = {"gap_l_s": gap}
        note.feed("water.tank_balance", ts_ms, abs(gap) > allowed, facts, on_s=1_800, off_s=1_800)
        m.base_ms, m.base_m, m.net_m3 = ts_ms, level, 0.0

    def dump(self) -> dict[str, Any]:
        return self._m.dump()


@dataclass(slots=True)
class PumpMemory(Memory):
    first_ms: int = -1
    on: int = -1
    usual_l_s: float = 0.0  # learnt while running
    samples: int = 0
    starts: list[int] = field(default_factory=list)


class Pump:
    """State against flow and power, flow against the usual one, number of starts."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        self._nominal = number(asset.attrs, "flow_l_s_nominal")
        self._kw = number(asset.attrs, "power_kW_nominal")
        self._starts_max = number_or(asset.attrs, "starts_per_h_max", 12)
        self._limits = _pressure_limits(asset.attrs, floor=None)
        self._m = PumpMemory.load(saved)

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        running = now.get("running")
        if running is None:
            return []
        on = running >= 0.5
        self._count_starts(ts_ms, on, note)
        flow, power = now.get("flow_l_s"), now.get("power_kW")
        if flow is not None:
            self._flow(ts_ms, on, flow, note)
        if power is not None and self._kw:
            wrong = power < 0.1 * self._kw if on else power > 0.2 * self._kw
            note.feed("water.pump_power", ts_ms, wrong, {"power_kW": power}, on_s=300, off_s=300)
        return []

    def _flow(self, ts_ms: int, on: bool, flow: float, note: Latches) -> None:
        m = self._m
        usual = self._nominal or (m.usual_l_s if m.samples >= 20 else 0.0)
        facts = {"flow_l_s": flow, "usual_l_s": usual}
        least = max(0.1, 0.05 * usual)
        note.feed("water.pump_no_flow", ts_ms, on and flow < least, facts, on_s=120, off_s=120)
        note.feed(
            "water.flow_no_pump", ts_ms, not on and flow > 2 * least, facts, on_s=600, off_s=600
        )
        if not on:
            return
        weak = 0 < flow < (0.75 if not note.active("water.pump_weak") else 0.8) * usual
        note.feed("water.pump_weak", ts_ms, weak, facts, on_s=1_800, off_s=1_800)
        if flow >= least and not weak:
            m.samples += 1
            m.usual_l_s += (flow - m.usual_l_s) / min(m.samples, 500)

    def _count_starts(self, ts_ms: int, on: bool, note: Latches) -> None:
        m = self._m
        if m.on == 0 and on:
            m.starts.append(ts_ms)
        m.on = int(on)
        m.starts = [at for at in m.starts if ts_ms - at < 3_600_000][-100:]
        many = len(m.starts) > self._starts_max
        facts = {"starts": float(len(m.starts))}
        note.feed("water.pump_cycling", ts_ms, many, facts, off_s=1_800)

    def dump(self) -> dict[str, Any]:
        return self._m.dump()


def _pressure_limits(attrs: Mapping[str, Any], floor: float | None) -> list[Limit]:
    low = number(attrs, "pressure_bar_min")
    low = floor if low is None else low
    high = number(attrs, "pressure_bar_max")
    out = []
    if low is not None:
        out.append(Limit("water.pressure_low", "pressure_bar", low, None, 0.1, fact="limit_bar"))
    if high is not None:
        out.append(Limit("water.pressure_high", "pressure_bar", None, high, 0.1, fact="limit_bar"))
    return out


PRESSURE_BAR_MIN = 0.3
WARM_C = 25.0
CHLORINE_MG_L_MIN = 0.1
CHLORINE_OUTLET_MG_L_MIN = 0.3


def _quality_limits(attrs: Mapping[str, Any]) -> list[Limit]:
    place = text(attrs, "place")  # "reservoir_outlet", "treatment_outlet", "tap" or ""
    low = CHLORINE_OUTLET_MG_L_MIN if place == "reservoir_outlet" else CHLORINE_MG_L_MIN
    cloudy = {"treatment_outlet": 1.0, "tap": 2.0}.get(place, 0.5)
    low, high = (
        number_or(attrs, "chlorine_mg_l_min", low),
        number_or(attrs, "chlorine_mg_l_max", 1.0),
    )
    return [
        Limit("water.chlorine_low", "chlorine_mg_l", low, None, 0.02, 1_800, "limit_mg_l"),
        Limit("water.chlorine_high", "chlorine_mg_l", None, high, 0.05, 600, "limit_mg_l"),
        Limit("water.ph", "ph", 6.5, 9.0, 0.1, 1_800),
        Limit("water.turbidity", "turbidity_NFU", None, cloudy, 0.1, 1_800, "limit_NFU"),
        Limit("water.conductivity", "conductivity_uS_cm", 180.0, 1_000.0, 10.0, 1_800),
    ]


@dataclass(slots=True)
class PointMemory(Memory):
    usual_bar: float = -1.0
    spread_bar: float = 0.0
    samples: int = 0


class Point:
    """A pressure point, valve or quality point: limits and a sudden fall of pressure."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        attrs = asset.attrs
        warm = number_or(attrs, "temperature_C_max", WARM_C)
        floor = PRESSURE_BAR_MIN if asset.kind == "node" else None
        self._limits = [
            *_pressure_limits(attrs, floor),
            Limit("water.warm", "temperature_C", None, warm, 0.5, 3_600, "limit_C"),
            *(_quality_limits(attrs) if asset.kind == "quality" else ()),
        ]
        self._m = PointMemory.load(saved)

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        pressure = now.get("pressure_bar")
        if pressure is not None:
            self._drop(ts_ms, pressure, note)
        return []

    def _drop(self, ts_ms: int, pressure: float, note: Latches) -> None:
        m = self._m
        if m.samples >= 100:
            margin = max(0.8, 5 * m.spread_bar)
            if note.active("water.pressure_drop"):
                margin *= 0.7
            facts = {"usual_bar": m.usual_bar, "pressure_bar": pressure}
            dropped = pressure < m.usual_bar - margin
            if note.feed("water.pressure_drop", ts_ms, dropped, facts, on_s=120, off_s=600):
                return  # do not learn the fault, or it would become usual
        if not m.samples:
            m.usual_bar = pressure
        m.samples += 1
        share = 1 / min(m.samples, 300)
        error = pressure - m.usual_bar
        m.usual_bar += error * share
        m.spread_bar += (abs(error) - m.spread_bar) * share

    def dump(self) -> dict[str, Any]:
        return self._m.dump()
