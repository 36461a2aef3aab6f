"""The memory of one bay: folds what its sensors say into occupancy, stay, rotation and alarms.

Only a municipal order makes an overstay; a doubtful occupancy makes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import hypot
from typing import Any

import numpy as np

from beffroi.domains.latch import Latches
from beffroi.domains.parking import entities, fusion, rules
from beffroi.domains.parking import sensors as own
from beffroi.domains.parking.baseline import Axis
from beffroi.domains.parking.order import Order, OrderError, read_order
from beffroi.domains.parking.stay import Stays
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

DOUBT, CLEAR = 0.02, 0.4  # P within 0.5 +- DOUBT changes nothing, beyond CLEAR it does at once;
LEAN = 2  # between, it must be said so many times,
CONTESTED = 6  # and for an arrival that one sensor denies so many (a burst is over, a car is not)
SURE_P = 0.9  # for an overstay, and for learning the empty bay's field
DISAGREE_S, AGREE_S = 1_800, 120
LONG_STAY_MS = 7 * 86_400_000
TELL_MS = 300_000  # stay and rotation are told this often while nothing changes
HISTORY_MS = 30 * 86_400_000  # data this old are being replayed: their silence says nothing
BATTERY_V, BATTERY_COLD_V, COLD_C = 3.0, 2.9, -5.0
BATTERY_BACK_V = 0.1

Verdict = Callable[[float], int | None]
AXES = {"mag_x_uT": "x", "mag_y_uT": "y", "mag_z_uT": "z"}
SCALARS: dict[str, tuple[str, Callable[[float], fusion.Logs], Verdict | None]] = {
    "mag_dev_uT": ("mag", lambda v: fusion.mag_logs(v, 1.0), own.mag_verdict),
    "radar_m": ("radar", fusion.range_logs, own.radar_verdict),
    "radar_echo_db": ("radar", fusion.echo_logs, None),
    "ir_reflect": ("ir", fusion.ir_logs, own.ir_verdict),
}
STATEMENTS = {
    "occupied_mag": "mag",
    "occupied_radar": "radar",
    "occupied_ir": "ir",
    "occupied_device": "device",
}


class BayWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        saved = saved or {}
        self._asset = asset
        self._order = _order(asset)
        self._raw_s = float(asset.attrs.get("silent_s", entities.RAW_STALE_S))
        zero = asset.attrs.get("mag_zero_uT") or (None, None, None)
        axes = saved.get("axes", {})
        self._axes = {a: Axis.of(axes.get(a), z) for a, z in zip("xyz", zero, strict=True)}
        self._dev = dict(saved.get("dev", {}))
        self._belief = np.array(saved["belief"]) if "belief" in saved else fusion.start_belief()
        self._belief_ms: int = saved.get("belief_ms", 0)
        self._sensors = own.Sensors(saved.get("sensors"))
        self._stays = Stays(saved.get("stays"))
        self._latches = Latches(asset.id, saved.get("latches"))
        self._told: dict[str, list[float]] = dict(saved.get("told", {}))  # prop -> [ts, value]
        self._seen_ms: int = saved.get("seen_ms", 0)
        self._cold: bool = saved.get("cold", False)
        self._lean: int = saved.get("lean", 0)
        self._deadline_ms: int | None = saved.get("deadline_ms")
        self._out: list[Derived] = []
        self._mag, self._radar = (
            [0.0] * fusion.MAG,
            [0.0] * fusion.RADAR,
        )  # log-likelihoods of this instant
        self._fresh: list[tuple[str, float]] = []
        self._raw = self._moved = False

    def dump(self) -> dict[str, Any]:
        return {
            "axes": {a: axis.dump() for a, axis in self._axes.items()},
            "dev": self._dev,
            "belief": self._belief.tolist(),
            "belief_ms": self._belief_ms,
            "sensors": self._sensors.dump(),
            "stays": self._stays.dump(),
            "latches": self._latches.dump(),
            "told": self._told,
            "seen_ms": self._seen_ms,
            "cold": self._cold,
            "lean": self._lean,
            "deadline_ms": self._deadline_ms,
        }

    # --- readings ------------------------------------------------------------------------------

    def step(self, obs: Sequence[Obs]) -> Step:
        last = len(obs) - 1
        for i, one in enumerate(obs):
            self._fold(one)
            if i == last or obs[i + 1].ts_ms != one.ts_ms:
                self._weigh(one.ts_ms)
                self._judge(one.ts_ms)
        return self._answer()

    def _fold(self, one: Obs) -> None:
        prop, device, ts_ms, value = one
        self._seen_ms = max(ts_ms, self._seen_ms)
        if prop in AXES:
            self._mag_axis(AXES[prop], device, ts_ms, value)
        elif prop in SCALARS:
            tech, logs, verdict = SCALARS[prop]
            sensor = self._sensors.see(f"{tech}/{device}", ts_ms)
            if verdict:
                sensor.say(ts_ms, verdict(value))
            if prop != "radar_m":  # a radar tells its reach while nothing is there
                sensor.measured(ts_ms, value)
            if not sensor.stuck():
                self._add(tech == "mag", logs(value))
        elif prop in STATEMENTS:
            sensor = self._sensors.see(f"{STATEMENTS[prop]}/{device}", ts_ms)
            sensor.statement = True
            sensor.say(ts_ms, int(value >= 0.5))
        elif prop == "battery_V":
            self._battery(ts_ms, value)
        elif prop == "temperature_C":
            self._cold = value < COLD_C

    def _mag_axis(self, axis: str, device: str, ts_ms: int, value: float) -> None:
        sensor = self._sensors.see(f"mag/{device}", ts_ms)
        sensor.measured(ts_ms, value)
        dev, var, moved = self._axes[axis].see(ts_ms, value)
        self._moved = self._moved or moved
        self._dev[axis] = dev
        sensor.say(ts_ms, own.mag_verdict(hypot(*self._dev.values())))
        if not sensor.stuck():
            self._add(True, fusion.mag_logs(dev, var))
            self._fresh.append((axis, value))

    def _add(self, magnetic: bool, logs: fusion.Logs) -> None:
        """Samples of one instant are weighed together."""
        mine = self._mag if magnetic else self._radar
        for i, one in enumerate(logs):
            mine[i] += one
        self._raw = True

    def _weigh(self, ts_ms: int) -> None:
        if not self._raw:
            return
        if ts_ms > self._belief_ms:
            if self._belief_ms:
                still = bool(self._fresh) and not self._moved
                self._belief = fusion.passed(self._belief, ts_ms - self._belief_ms, still)
            self._belief_ms = ts_ms
        self._belief = fusion.weighed(self._belief, self._mag, self._radar)
        if self._fresh:
            clean, small = fusion.free_p(self._belief)
            if clean > SURE_P or small > SURE_P:
                for axis, value in self._fresh:
                    self._axes[axis].learn(value, slow=clean <= SURE_P)
        self._mag, self._radar, self._fresh, self._raw = (
            [0.0] * fusion.MAG,
            [0.0] * fusion.RADAR,
            [],
            False,
        )
        self._moved = False

    def _battery(self, ts_ms: int, volts: float) -> None:
        limit = BATTERY_COLD_V if self._cold else BATTERY_V
        if self._latches.active(rules.BATTERY):
            limit += BATTERY_BACK_V
        self._latches.feed(rules.BATTERY, ts_ms, volts < limit, {"battery_V": volts})

    # --- decisions -----------------------------------------------------------------------------

    def _p(self, ts_ms: int) -> float:
        logit = 0.0
        for sensor in self._sensors.all.values():
            if (
                sensor.statement
                and sensor.verdict is not None
                and not sensor.stuck()
                and ts_ms - sensor.seen_ms <= entities.STATEMENT_STALE_S * 1000
            ):
                logit += fusion.STATEMENT_LOGIT if sensor.verdict else -fusion.STATEMENT_LOGIT
        return fusion.combined_p(fusion.occupied_p(self._belief), logit)

    def _judge(self, ts_ms: int) -> None:
        p, was = self._p(ts_ms), self._stays.occupied
        now = p > 0.5
        if now == was or abs(p - 0.5) < DOUBT:
            self._lean = 0
        else:
            self._lean += 1
            clear = abs(p - 0.5) > CLEAR
            contested = now and was is not None and self._sensors.contradiction() is not None
            enough = CONTESTED if contested else 1 if clear else LEAN
            if self._lean >= enough and (clear or was is not None):
                self._lean = 0
                self._changed(ts_ms, now, p)
        self._rules(ts_ms, p)

    def _changed(self, ts_ms: int, occupied: bool, p: float) -> None:
        self._stays.change(ts_ms, occupied)
        self._sensors.changed(ts_ms)
        self._deadline_ms = None
        if occupied:
            if self._order:
                self._deadline_ms = self._order.deadline_ms(self._stays.since_ms)
            self._tell("rotation_per_day", ts_ms, self._stays.rotation_per_day(ts_ms))
        else:
            self._tell("stay_min", ts_ms, self._stays.ended_min())
        self._tell("occupied", ts_ms, float(occupied))
        self._tell("confidence", ts_ms, max(p, 1 - p))

    def _rules(self, ts_ms: int, p: float) -> None:
        feed = self._latches.feed
        pair = self._sensors.contradiction()
        names = {"says_occupied": pair[0], "says_free": pair[1]} if pair else {}
        doubt = feed(rules.DISAGREE, ts_ms, pair is not None, names, on_s=DISAGREE_S, off_s=AGREE_S)
        stuck = [key for key, sensor in self._sensors.all.items() if sensor.stuck()]
        feed(rules.STUCK, ts_ms, bool(stuck), self._stuck_facts(stuck))
        over = self._overstays(ts_ms, p, doubt)
        feed(rules.OVERSTAY, ts_ms, over, self._stay_facts(ts_ms) if over else {})
        long = bool(self._stays.occupied) and ts_ms - self._stays.since_ms > LONG_STAY_MS
        days = self._stays.stay_min(ts_ms) / 1440
        feed(rules.LONG_STAY, ts_ms, long, {"stay_days": days})
        self._tell("state", ts_ms, self._state(ts_ms))

    def _overstays(self, ts_ms: int, p: float, doubt: bool) -> bool | None:
        if not self._stays.occupied or self._deadline_ms is None or ts_ms <= self._deadline_ms:
            return False
        if self._latches.active(rules.OVERSTAY):
            return True
        return None if doubt or p < SURE_P else True

    def _state(self, ts_ms: int) -> int:
        if self._stays.occupied is None or self._all_silent(ts_ms):
            return entities.UNKNOWN
        if self._latches.active(rules.OVERSTAY):
            return entities.OVERSTAY
        return entities.OCCUPIED if self._stays.occupied else entities.FREE

    def _all_silent(self, ts_ms: int) -> bool:
        silent = self._sensors.silent(ts_ms, self._raw_s, entities.STATEMENT_STALE_S)
        return len(silent) == len(self._sensors.all)

    def _stay_facts(self, ts_ms: int) -> dict[str, float | str]:
        order = self._order
        return {
            "stay_min": self._stays.stay_min(ts_ms),
            "max_stay_min": order.stay_min_max if order else 0.0,
            "order": order.reference if order else "",
        }

    def _stuck_facts(self, stuck: list[str]) -> dict[str, float | str]:
        if not stuck:
            return {}
        sensor = self._sensors.all[stuck[0]]
        if sensor.missed >= own.STUCK_CHANGES:
            why = f"{sensor.missed} changements vus par l'autre capteur / seen by the other sensor"
        else:
            why = f"valeur constante / constant value {sensor.value}"
        return {"sensor": stuck[0], "why": why}

    # --- time ----------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> Step:
        if not self._seen_ms or not 0 <= now_ms - self._seen_ms < HISTORY_MS:
            return NOTHING
        silent = self._sensors.silent(now_ms, self._raw_s, entities.STATEMENT_STALE_S)
        facts: dict[str, float | str] = {}
        if silent:
            quiet_ms = now_ms - self._sensors.all[silent[0]].seen_ms
            facts = {"sensor": silent[0], "silent_min": quiet_ms / 60_000}
        self._latches.feed(rules.SILENT, now_ms, bool(silent), facts)
        p = self._p(now_ms)
        self._rules(now_ms, p)
        if self._stays.occupied and self._due("stay_min", now_ms):
            self._tell("stay_min", now_ms, self._stays.stay_min(now_ms))
        if self._due("rotation_per_day", now_ms):
            self._tell("rotation_per_day", now_ms, self._stays.rotation_per_day(now_ms))
        return self._answer()

    def _due(self, prop: str, now_ms: int) -> bool:
        told = self._told.get(prop)
        return told is None or now_ms - told[0] >= TELL_MS

    # --- answers -------------------------------------------------------------------------------

    def _tell(self, prop: str, ts_ms: int, value: float) -> None:
        """A derived value, when it is new; instants of a property never repeat nor go back."""
        told = self._told.get(prop)
        if told is not None:
            if told[1] == value:
                return
            ts_ms = max(ts_ms, int(told[0]) + 1)
        self._told[prop] = [ts_ms, value]
        self._out.append(Derived(prop, ts_ms, value))

    def _answer(self) -> Step:
        findings, out = self._latches.take(), self._out
        if not findings and not out:
            return NOTHING
        self._out = []
        return Step(findings, out)


def _order(asset: Asset) -> Order | None:
    try:
        return read_order(asset.attrs)
    except OrderError:  # an unreadable order is no limit; the inventory page checks its shape
        return None
