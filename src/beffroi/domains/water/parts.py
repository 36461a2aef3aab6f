"""Limits and physics of tanks, pumps and measuring points. Pure; one small memory per part.

Each part is told which values are near in time (`now`: property -> value) and notes in `Latches`
which rules hold. Thresholds with their sources: `domain.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from beffroi.domains.attrs import number, number_or, text
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Limit, Now, check
from beffroi.domains.process import Balance, Fall, Pace, Switching
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
        saved = saved or {}
        self._pace = Pace.load(saved.get("pace"))
        self._flows = Balance.load(saved.get("flows"))

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        level = now.get("level_m")
        if level is None:
            return []
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        jumped, change, seconds = self._pace.step(ts_ms, level, self._rate)
        facts = {"change_m": change, "minutes": seconds / 60}
        note.feed("water.level_jump", ts_ms, jumped, facts, off_s=3_600)
        if self._area_m2 <= 0:
            return []
        inflow, outflow = now.get("inflow_l_s"), now.get("outflow_l_s")
        if inflow is not None and outflow is not None:
            self._balance(ts_ms, level, inflow, outflow, note)
        return [Derived("volume_m3", ts_ms, max(0.0, level) * self._area_m2)]

    def _balance(
        self, ts_ms: int, level: float, inflow: float, outflow: float, note: Latches
    ) -> None:
        found = self._flows.step(ts_ms, 1000 * level * self._area_m2, inflow - outflow)
        if found is None:
            return
        gap, window_s = found
        noise = 0.02 * self._area_m2 / window_s * 1000  # two centimetres of ripple
        allowed = noise + 0.1 * max(abs(inflow), abs(outflow))
        wrong = abs(gap) > allowed
        note.feed("water.tank_balance", ts_ms, wrong, {"gap_l_s": gap}, on_s=1_800, off_s=1_800)

    def dump(self) -> dict[str, Any]:
        return {"pace": self._pace.dump(), "flows": self._flows.dump()}


@dataclass(slots=True)
class PumpMemory(Memory):
    usual_l_s: float = 0.0  # learnt while running
    samples: int = 0


class Pump:
    """State against flow and power, flow against the usual one, number of starts."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        self._nominal = number(asset.attrs, "flow_l_s_nominal")
        self._kw = number(asset.attrs, "power_kW_nominal")
        self._starts_max = number_or(asset.attrs, "starts_per_h_max", 12)
        self._limits = _pressure_limits(asset.attrs, floor=None)
        saved = saved or {}
        self._m = PumpMemory.load(saved.get("memory"))
        self._starts = Switching.load(saved.get("starts"))

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        running = now.get("running")
        if running is None:
            return []
        on = running >= 0.5
        starts = self._starts.step(ts_ms, on, only_on=True)
        many = starts > self._starts_max
        note.feed("water.pump_cycling", ts_ms, many, {"starts": starts}, off_s=1_800)
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

    def dump(self) -> dict[str, Any]:
        return {"memory": self._m.dump(), "starts": self._starts.dump()}


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
_HOT_LIMITS = (
    Limit("water.hot_low", "temperature_C", 55.0, None, 0.5, 3_600, "limit_C"),
    Limit("water.hot_low_return", "return_C", 50.0, None, 0.5, 3_600, "limit_C"),
    Limit("water.hot_high", "temperature_C", None, 62.0, 0.5, 600, "limit_C"),
)


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


class Point:
    """A pressure point, valve or quality point: limits and a sudden fall of pressure."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        attrs = asset.attrs
        warm = number_or(attrs, "temperature_C_max", WARM_C)
        floor = PRESSURE_BAR_MIN if asset.kind == "node" else None
        self._limits = [
            *_pressure_limits(attrs, floor),
            *(
                _HOT_LIMITS
                if asset.kind == "hot_water"
                else (Limit("water.warm", "temperature_C", None, warm, 0.5, 3_600, "limit_C"),)
            ),
            *(_quality_limits(attrs) if asset.kind == "quality" else ()),
        ]
        self._fall = Fall.load(saved)

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        for limit in self._limits:
            check(limit, ts_ms, now, note)
        pressure = now.get("pressure_bar")
        if pressure is not None:
            rule = "water.pressure_drop"
            fallen = self._fall.step(pressure, 0.8, note.active(rule))
            facts = {"usual_bar": self._fall.usual, "pressure_bar": pressure}
            note.feed(rule, ts_ms, fallen, facts, on_s=120, off_s=600)
        return []

    def dump(self) -> dict[str, Any]:
        return self._fall.dump()
