"""Leaks of a metered area, from what flows in: by night, and against the usual hour. The service
that uses it has the rules `leak`, `burst`, `night_rise` and `yield_low`.

Minimum night flow: the lower of the two hourly means between 02 and 04 h local time. A one-sided
CUSUM on it finds steady leaks; an hour-of-week profile finds bursts. Losses and yield come from
measured consumption only; without it nothing is said of them. Formulae: `domain.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beffroi.domains.attrs import text
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Now
from beffroi.domains.local_time import DEFAULT_ZONE, HOUR_MS, wall_ms
from beffroi.domains.series import DAY_MS
from beffroi.domains.state import Memory
from beffroi.domains.usual import Tuning, Usual
from beffroi.model.asset import Asset
from beffroi.model.finding import Derived

GAP_MS_MAX = 2 * HOUR_MS  # a longer hole is not bridged
NIGHT = Tuning(14, 0.04, 0.05, 0.05, 0.5, 5.0, 60)
HOUR = Tuning(8, 0.08, 0.06, 0.05, 1.5, 16.0, 14 * 24)
END = 1.0  # an active alarm ends when its CUSUM has come down to this
YIELD_DAYS = 7
YIELD_PCT_MIN = 85.0


@dataclass(slots=True)
class SectorMemory(Memory):
    last_ms: int = -1
    hour: int = -1  # wall-clock hours since 1970
    hour_m3: float = 0.0
    hour_ms: int = 0
    night: list[float] = field(default_factory=list)  # hourly means of tonight
    best: float = -1.0  # lowest usual night flow ever learnt
    recent: float = -1.0
    day_in_m3: float = 0.0
    day_metered_m3: float = 0.0
    day_ms: int = 0
    days: list[float] = field(default_factory=list)  # pairs: in, metered


class Sector:
    """One `judge` per instant that has an inflow. Constant cost."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        self._service = asset.domain
        self._zone = text(asset.attrs, "timezone", DEFAULT_ZONE)
        saved = saved or {}
        self._m = SectorMemory.load(saved.get("memory"))
        self._nights = Usual.load(saved.get("nights"))
        self._hours = Usual.load(saved.get("hours"))

    def judge(self, ts_ms: int, now: Now, note: Latches) -> list[Derived]:
        inflow = now.get("inflow_m3_h")
        if inflow is None:
            return []
        net = inflow - now.get("outflow_m3_h", 0.0)
        out: list[Derived] = []
        m = self._m
        hour = wall_ms(ts_ms, self._zone) // HOUR_MS
        if hour != m.hour:
            if m.hour >= 0:
                self._close_hour(m.hour, ts_ms, note, out)
            m.hour, m.hour_m3, m.hour_ms = hour, 0.0, 0
        self._add(ts_ms, net, now.get("metered_m3_h", -1.0))
        return out

    def _rule(self, name: str) -> str:
        return f"{self._service}.{name}"

    def _add(self, ts_ms: int, net: float, metered: float) -> None:
        """The value holds since the last one; an instant alone counts as one second."""
        m = self._m
        held_ms = ts_ms - m.last_ms
        held_ms = min(held_ms, HOUR_MS) if m.last_ms >= 0 and 0 < held_ms <= GAP_MS_MAX else 1_000
        m.hour_m3 += net * held_ms / HOUR_MS
        m.hour_ms += held_ms
        if metered >= 0:
            m.day_in_m3 += net * held_ms / HOUR_MS
            m.day_metered_m3 += metered * held_ms / HOUR_MS
            m.day_ms += held_ms
        m.last_ms = ts_ms

    def _close_hour(self, hour: int, ts_ms: int, note: Latches, out: list[Derived]) -> None:
        m = self._m
        mean = m.hour_m3 / m.hour_ms * HOUR_MS if m.hour_ms else 0.0
        of_day, day = hour % 24, hour // 24
        week_end = (day + 3) % 7 >= 5  # day 0 was a Thursday
        self._hour(f"{of_day}{'w' if week_end else ''}", mean, ts_ms, note)
        if of_day in (2, 3):
            m.night.append(mean)
        elif m.night:
            self._close_night(min(m.night), ts_ms, note, out)
            m.night = []
        if wall_ms(ts_ms, self._zone) // DAY_MS != day:
            self._close_day(ts_ms, note, out)

    def _hour(self, slot: str, mean: float, ts_ms: int, note: Latches) -> None:
        usual = self._hours.step(slot, mean, HOUR)
        if usual is not None:
            bar = END if note.active(self._rule("burst")) else HOUR.bar
            facts = {"flow_m3_h": mean, "usual_m3_h": usual}
            note.feed(self._rule("burst"), ts_ms, self._hours.excess > bar, facts)

    def _close_night(self, flow: float, ts_ms: int, note: Latches, out: list[Derived]) -> None:
        m = self._m
        usual = self._nights.step("", flow, NIGHT)
        m.recent = flow if usual is None else m.recent + 0.7 * (flow - m.recent)
        out.append(Derived("night_flow_m3_h", ts_ms, flow))
        if usual is None:
            return
        leak = max(0.0, m.recent - usual) / 3.6
        bar = END if note.active(self._rule("leak")) else NIGHT.bar
        leaks = self._nights.excess > bar
        note.feed(self._rule("leak"), ts_ms, leaks, {"leak_l_s": leak})
        out.append(Derived("leak_l_s", ts_ms, leak if leaks else 0.0))
        m.best = usual if m.best < 0 else min(m.best, usual)
        self._rise(usual, ts_ms, note)

    def _rise(self, usual: float, ts_ms: int, note: Latches) -> None:
        """What the slow mean has followed: compare it with the best it ever was."""
        factor = 1.2 if note.active(self._rule("night_rise")) else 1.3
        facts = {"flow_m3_h": usual, "best_m3_h": self._m.best}
        risen = usual > factor * self._m.best + 0.1
        note.feed(self._rule("night_rise"), ts_ms, risen, facts)

    def _close_day(self, ts_ms: int, note: Latches, out: list[Derived]) -> None:
        m = self._m
        if m.day_ms >= 20 * HOUR_MS and m.day_in_m3 > 0:
            out.append(Derived("loss_m3_d", ts_ms, m.day_in_m3 - m.day_metered_m3))
            m.days = [*m.days, m.day_in_m3, m.day_metered_m3][-2 * YIELD_DAYS :]
            if len(m.days) == 2 * YIELD_DAYS:
                pct = min(1_000.0, 100 * sum(m.days[1::2]) / sum(m.days[::2]))
                out.append(Derived("yield_pct", ts_ms, pct))
                low = pct < YIELD_PCT_MIN + (2.0 if note.active(self._rule("yield_low")) else 0.0)
                note.feed(self._rule("yield_low"), ts_ms, low, {"yield_pct": pct})
        m.day_in_m3, m.day_metered_m3, m.day_ms = 0.0, 0.0, 0

    def dump(self) -> dict[str, Any]:
        return {
            "memory": self._m.dump(),
            "nights": self._nights.dump(),
            "hours": self._hours.dump(),
        }
