"""The watch of a luminaire or a cabinet: what it does against what sun and schedule say.

Twilight and switching are left alone for a grace time; a silent lamp is unknown, never "out".
Group observations ("<lamp>/<property>") tell a cabinet how many of its lamps are dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beffroi.domains.attrs import number, number_or
from beffroi.domains.latch import Latches
from beffroi.domains.lighting.faults import DIM_FLOOR, bands, expected_w
from beffroi.domains.lighting.ledger import Ledger
from beffroi.domains.limit import Limit, check
from beffroi.domains.night import Due, night_of, schedule
from beffroi.domains.process import Switching
from beffroi.domains.series import SILENT_S_MIN, Presence
from beffroi.domains.state import Memory
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

NEAR_MS = 900_000
GRACE_MIN = 20.0
PERSIST_S = 900.0
LEARN_SAMPLES = 30
CHANGES_PER_H_MAX = 6
GROUP_KNOWN_MIN = 3
GROUP_DARK_SHARE = 0.5
GROUP_MS = 7_200_000  # a lamp heard longer ago is unknown
DARK_W = 3.0  # a lamp of unknown nominal power below it is dark
ORDERS = ("ordered_pct", "ordered_until_min")
COUNTERS = ("energy_kWh", "burning_h")


@dataclass(slots=True)
class LampMemory(Memory):
    usual_w: float = 0.0  # learnt at full light, when the asset has no nominal power
    samples: int = 0
    counters: dict[str, float] = field(default_factory=dict)
    lamps: dict[str, list[float]] = field(default_factory=dict)  # of a cabinet: [ts_ms, lit]


class LightingWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        attrs = asset.attrs
        self._cabinet = asset.kind == "cabinet"
        self._plan = schedule(attrs, asset.lon, asset.lat)
        self._nominal = number(attrs, "power_W_nominal")
        self._floor = min(0.9, max(0.0, number_or(attrs, "dim_floor", DIM_FLOOR)))
        self._grace_ms = int(max(0.0, number_or(attrs, "grace_min", GRACE_MIN)) * 60_000)
        self._silent_s = number_or(attrs, "silent_s", SILENT_S_MIN)
        self._limits = _limits(attrs, self._cabinet)
        self._latches = Latches(asset.id, saved.get("latches"))
        self._presence = Presence.load(saved.get("presence"))
        self._ledger = Ledger.load(saved.get("ledger"))
        self._switching = Switching.load(saved.get("switching"))
        self._m = LampMemory.load(saved.get("memory"))
        self._last: dict[str, list[float]] = {k: list(v) for k, v in saved.get("last", {}).items()}
        self._night = night_of(0, self._plan)

    def step(self, obs: Sequence[Obs]) -> Step:
        derived: list[Derived] = []
        self._last |= {ob.prop: [ob.ts_ms, ob.value] for ob in obs if ob.prop in ORDERS}
        obs = [ob for ob in obs if ob.prop not in ORDERS]  # ours: no sign of life of the lamp
        for i, ob in enumerate(obs):
            if "/" in ob.prop:
                self._member(ob)
            else:
                self._last[ob.prop] = [ob.ts_ms, ob.value]
                if ob.prop in COUNTERS:
                    self._counter(ob)
            if i + 1 == len(obs) or obs[i + 1].ts_ms != ob.ts_ms:
                if "/" in ob.prop:
                    self._group(ob.ts_ms)
                else:
                    derived += self._judge(ob.ts_ms)
        return Step(self._latches.take(), derived)

    def _due(self, ts_ms: int) -> Due:
        if not self._night.start_ms <= ts_ms < self._night.end_ms:
            self._night = night_of(ts_ms, self._plan)
        due, order = self._night.due(ts_ms), self._last.get("ordered_pct")
        until = self._last.get("ordered_until_min", [0.0, 0.0])[1] * 60_000
        if order is None or due.why == "day" or not order[0] <= ts_ms < until:
            return due
        why = "night" if order[1] > 0 else "off"
        return Due(order[1], why, int(order[0]), min(int(until), due.until_ms))

    def _settled(self, due: Due, ts_ms: int) -> bool:
        """Far enough from a change of light that photocell and clock must agree. Noon is no
        change: the night's own bounds do not count."""
        grace, night = self._grace_ms, self._night
        early = due.since_ms != night.start_ms and ts_ms - due.since_ms < grace
        late = due.until_ms != night.end_ms and due.until_ms - ts_ms < grace
        return not early and not late

    def _judge(self, ts_ms: int) -> list[Derived]:
        self._presence.step(ts_ms)
        self._latches.feed("lighting.silent", ts_ms, False)
        now = {k: v for k, (at, v) in self._last.items() if abs(ts_ms - at) <= NEAR_MS}
        for limit in self._limits:
            check(limit, ts_ms, now, self._latches)
        due = self._due(ts_ms)
        settled = self._settled(due, ts_ms)
        if self._cabinet:
            self._contactor(ts_ms, now, due, settled)
        nominal = self._nominal or (self._m.usual_w if self._m.samples >= LEARN_SAMPLES else 0.0)
        power = now.get("power_W")
        if power is None and "on" in now and nominal:
            level = now.get("dim_pct", due.pct or 100.0)
            power = expected_w(nominal, level, self._floor) if now["on"] >= 0.5 else 0.0
        if power is None:
            return []
        self._learn(power, due, settled)
        self._changes(ts_ms, power > 0.2 * nominal if nominal else power > DARK_W)
        if not nominal:
            return []
        self._faults(ts_ms, power, nominal, due if settled else None)
        return self._ledger.step(ts_ms, power, self._night, nominal, self._floor)

    def _faults(self, ts_ms: int, power: float, nominal: float, due: Due | None) -> None:
        """Not settled: nothing is told and nothing ends."""
        if due is None:
            return
        facts: dict[str, float | str] = {
            "power_W": power,
            "expected_W": expected_w(nominal, due.pct, self._floor),
            "pct": due.pct,
        }
        rules = _CABINET_RULES if self._cabinet else {}
        for fault, band in bands(power, nominal, due.pct, due.why, self._floor).items():
            rule = rules.get(fault, f"lighting.{fault}")
            holds = band.still if self._latches.active(rule) else band.holds
            self._latches.feed(rule, ts_ms, holds, facts, on_s=PERSIST_S, off_s=PERSIST_S)

    def _learn(self, power: float, due: Due, settled: bool) -> None:
        m = self._m
        if self._nominal or not settled or due.pct < 100 or power <= DARK_W:
            return
        if m.samples < LEARN_SAMPLES or power > 0.7 * m.usual_w:
            m.samples += 1
            m.usual_w = max(m.usual_w, power) if m.samples <= LEARN_SAMPLES else m.usual_w

    def _changes(self, ts_ms: int, lit: bool) -> None:
        changes = self._switching.step(ts_ms, lit)
        many = changes > CHANGES_PER_H_MAX
        self._latches.feed("lighting.cycling", ts_ms, many, {"changes": changes}, off_s=1_800)

    def _counter(self, ob: Obs) -> None:
        before = self._m.counters.get(ob.prop, ob.value)
        self._m.counters[ob.prop] = ob.value
        facts: dict[str, float | str] = {"prop": ob.prop, "before": before, "after": ob.value}
        back = ob.value < before - 1e-6
        self._latches.feed("lighting.counter_back", ob.ts_ms, back, facts, off_s=86_400)

    def _contactor(self, ts_ms: int, now: Mapping[str, float], due: Due, settled: bool) -> None:
        closed = now.get("contactor_on")
        if closed is None or not settled:
            return
        # One rule for each half of the day: by day nothing is known of the one for the night.
        rule, wrong = (
            ("lighting.contactor_open", closed < 0.5)
            if due.pct > 0
            else ("lighting.contactor_closed", closed >= 0.5)
        )
        self._latches.feed(rule, ts_ms, wrong, on_s=PERSIST_S, off_s=PERSIST_S)

    def _member(self, ob: Obs) -> None:
        lamp, _, prop = ob.prop.rpartition("/")
        if prop == "power_W":
            self._m.lamps[lamp] = [float(ob.ts_ms), float(ob.value > DARK_W)]
        elif prop == "on":
            self._m.lamps.setdefault(lamp, [float(ob.ts_ms), float(ob.value >= 0.5)])

    def _group(self, ts_ms: int) -> None:
        due = self._due(ts_ms)
        if due.pct <= 0 or not self._settled(due, ts_ms):
            return
        since = max(ts_ms - GROUP_MS, due.since_ms + self._grace_ms)
        lit = [on for at, on in self._m.lamps.values() if at >= since]
        dark = len(lit) - sum(lit)
        if len(lit) < GROUP_KNOWN_MIN:
            return
        share = GROUP_DARK_SHARE * (0.6 if self._latches.active("lighting.group_dark") else 1.0)
        facts = {"dark": dark, "known": float(len(lit))}
        many = dark >= max(2.0, share * len(lit))
        self._latches.feed("lighting.group_dark", ts_ms, many, facts, on_s=300, off_s=300)

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        due = self._due(now_ms)
        # Nodes behind the contactor have no power by day: silence counts from lighting time.
        lit_s = (now_ms - due.since_ms - self._grace_ms) / 1000.0 if due.pct > 0 else 0.0
        if not self._cabinet and lit_s < self._silent_s:
            return NOTHING
        self._latches.feed("lighting.silent", now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "presence": self._presence.dump(),
            "ledger": self._ledger.dump(),
            "switching": self._switching.dump(),
            "memory": self._m.dump(),
            "last": {k: list(v) for k, v in self._last.items()},
        }


_CABINET_RULES = {"lamp_out": "lighting.cabinet_dark", "low_power": "lighting.cabinet_low"}


def _limits(attrs: Mapping[str, Any], cabinet: bool) -> list[Limit]:
    if not cabinet:
        hot = number_or(attrs, "temperature_C_max", 85.0)
        return [
            Limit("lighting.hot", "temperature_C", None, hot, 5.0, 1_800),
            Limit("lighting.lamp_flag", "lamp_failure", None, 0.5, 0.0, 0),
        ]
    usual = number_or(attrs, "voltage_V_nominal", 230.0)
    return [
        Limit("lighting.voltage_lost", "voltage_V", 0.2 * usual, None, 5.0, 60),
        Limit("lighting.voltage_low", "voltage_V", 0.9 * usual, None, 2.0, 900),
        Limit("lighting.voltage_high", "voltage_V", None, 1.1 * usual, 2.0, 60),
        Limit("lighting.door_open", "door_open", None, 0.5, 0.0, 60),
    ]
