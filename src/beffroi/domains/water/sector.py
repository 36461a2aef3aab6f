"""Leaks of a district metered area, from what flows in: by night, and against the usual hour.

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
from beffroi.model.asset import Asset
from beffroi.model.finding import Derived

GAP_MS_MAX = 2 * HOUR_MS  # a longer hole is not bridged
NIGHTS_LEARN = 14
NIGHT_SLACK = 0.5  # of CUSUM, in spreads
NIGHT_BAR = 5.0
NIGHT_SUM_MAX = 15.0
HOUR_SLACK = 1.0
HOUR_BAR = 8.0
HOUR_SUM_MAX = 12.0
PROFILE_LEARN = 10  # values of an hour before it is trusted
YIELD_DAYS = 7
YIELD_PCT_MIN = 85.0


@dataclass(slots=True)
class SectorMemory(Memory):
    last_ms: int = -1
    last_m3_h: float = 0.0
    last_metered_m3_h: float = -1.0
    hour: int = -1  # wall-clock hours since 1970
    hour_m3: float = 0.0
    hour_ms: int = 0
    night: list[float] = field(default_factory=list)  # hourly means of tonight
    nights: int = 0
    usual: float = 0.0
    spread: float = 0.0
    best: float = -1.0
    cusum: float = 0.0
    recent: float = 0.0
    profile: list[float] = field(default_factory=lambda: [0.0] * 48)
    scatter: list[float] = field(default_factory=lambda: [0.0] * 48)
    known: list[int] = field(default_factory=lambda: [0] * 48)
    burst: float = 0.0
    day_in_m3: float = 0.0
    day_metered_m3: float = 0.0
    day_ms: int = 0
    days: list[float] = field(default_factory=list)  # pairs: in, metered


class Sector:
    """One `judge` per instant that has an inflow. Constant cost."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        self._zone = text(asset.attrs, "timezone", DEFAULT_ZONE)
        self._m = SectorMemory.load(saved)

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
        self._profile(of_day + 24 * ((day + 3) % 7 >= 5), mean, ts_ms, note)
        if of_day in (2, 3):
            m.night.append(mean)
        elif m.night:
            self._close_night(min(m.night), ts_ms, note, out)
            m.night = []
        if wall_ms(ts_ms, self._zone) // DAY_MS != day:
            self._close_day(ts_ms, note, out)

    def _profile(self, slot: int, mean: float, ts_ms: int, note: Latches) -> None:
        m = self._m
        if m.known[slot] >= PROFILE_LEARN:
            usual = m.profile[slot]
            spread = max(m.scatter[slot] * 1.25, 0.03 * abs(usual), 0.05)
            z = (mean - usual) / spread
            m.burst = min(HOUR_SUM_MAX, max(0.0, m.burst + min(z, 6.0) - HOUR_SLACK))
            bar = HOUR_BAR if not note.active("water.burst") else 1.0
            facts = {"flow_m3_h": mean, "usual_m3_h": usual}
            note.feed("water.burst", ts_ms, m.burst > bar, facts)
            if m.burst > HOUR_BAR / 2:
                return  # do not learn the leak
        m.known[slot] += 1
        share = max(1 / m.known[slot], 0.05)
        error = mean - m.profile[slot]
        if m.known[slot] > 1:
            m.scatter[slot] += (abs(error) - m.scatter[slot]) * max(share, 1 / m.known[slot])
        m.profile[slot] += error * share

    def _close_night(self, flow: float, ts_ms: int, note: Latches, out: list[Derived]) -> None:
        m = self._m
        out.append(Derived("night_flow_m3_h", ts_ms, flow))
        leak = 0.0
        if m.nights >= NIGHTS_LEARN:
            spread = max(1.25 * m.spread, 0.02 * abs(m.usual), 0.02)
            z = max(-4.0, min(6.0, (flow - m.usual) / spread))
            m.cusum = min(NIGHT_SUM_MAX, max(0.0, m.cusum + z - NIGHT_SLACK))
            m.recent += 0.4 * (flow - m.recent)
            bar = NIGHT_BAR if not note.active("water.leak") else 1.0
            leak = max(0.0, m.recent - m.usual) / 3.6
            if note.feed("water.leak", ts_ms, m.cusum > bar, {"leak_l_s": leak}):
                out.append(Derived("leak_l_s", ts_ms, leak))
                return
            self._rise(ts_ms, note)
        else:
            m.recent = flow
        out.append(Derived("leak_l_s", ts_ms, 0.0))
        if m.cusum <= NIGHT_BAR / 2:
            self._learn_night(flow)

    def _learn_night(self, flow: float) -> None:
        m = self._m
        m.nights += 1
        share = max(1 / m.nights, 0.04)
        error = flow - m.usual
        if m.nights > 1:
            m.spread += (abs(error) - m.spread) * share
        m.usual += error * share
        if m.nights >= NIGHTS_LEARN:
            m.best = m.usual if m.best < 0 else min(m.best, m.usual)

    def _rise(self, ts_ms: int, note: Latches) -> None:
        """What the slow mean has followed: compare it with the best it ever was."""
        m = self._m
        if m.best >= 0:
            factor = 1.2 if note.active("water.night_rise") else 1.3
            facts = {"flow_m3_h": m.usual, "best_m3_h": m.best}
            risen = m.usual > factor * m.best + 0.1
            note.feed("water.night_rise", ts_ms, risen, facts)

    def _close_day(self, ts_ms: int, note: Latches, out: list[Derived]) -> None:
        m = self._m
        if m.day_ms >= 20 * HOUR_MS and m.day_in_m3 > 0:
            out.append(Derived("loss_m3_d", ts_ms, m.day_in_m3 - m.day_metered_m3))
            m.days = [*m.days, m.day_in_m3, m.day_metered_m3][-2 * YIELD_DAYS :]
            if len(m.days) == 2 * YIELD_DAYS:
                pct = min(1_000.0, 100 * sum(m.days[1::2]) / sum(m.days[::2]))
                out.append(Derived("yield_pct", ts_ms, pct))
                low = pct < YIELD_PCT_MIN + (2.0 if note.active("water.yield_low") else 0.0)
                note.feed("water.yield_low", ts_ms, low, {"yield_pct": pct})
        m.day_in_m3, m.day_metered_m3, m.day_ms = 0.0, 0.0, 0

    def dump(self) -> dict[str, Any]:
        return self._m.dump()
