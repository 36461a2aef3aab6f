"""The memory of one bay: folds what its sensors say into occupancy, stay, rotation and alarms.

Only a municipal order makes an overstay; a doubtful occupancy makes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
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

TAKE_P, LEAVE_P = 0.6, 0.4  # hysteresis of the decision
FIRST_P = 0.9  # the first decision needs this
SURE_P = 0.9  # for an overstay, and for learning the empty bay's field
DISAGREE_S, AGREE_S = 1_800, 120
LONG_STAY_MS = 7 * 86_400_000
TELL_MS = 300_000  # stay and rotation are told this often while nothing changes
HISTORY_MS = 30 * 86_400_000  # data this old are being replayed: their silence says nothing
BATTERY_V, BATTERY_COLD_V, COLD_C = 3.0, 2.9, -5.0
BATTERY_BACK_V = 0.1

AXES = {"mag_x_uT": "x", "mag_y_uT": "y", "mag_z_uT": "z"}
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
        self._axes = {a: Axis(axes.get(a), z) for a, z in zip("xyz", zero, strict=True)}
        self._dev = dict(saved.get("dev", {}))
        self._belief = np.array(saved["belief"]) if "belief" in saved else fusion.start_belief()
        self._belief_ms: int = saved.get("belief_ms", 0)
        self._sensors = own.Sensors(saved.get("sensors"))
        self._stays = Stays(saved.get("stays"))
        self._latches = Latches(asset.id, saved.get("latches"))
        self._told: dict[str, list[float]] = dict(saved.get("told", {}))  # prop -> [ts, value]
        self._seen_ms: int = saved.get("seen_ms", 0)
        self._cold: bool = saved.get("cold", False)
        self._deadline_ms: int | None = saved.get("deadline_ms")
        self._out: list[Derived] = []

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
            "deadline_ms": self._deadline_ms,
        }

    # --- readings ------------------------------------------------------------------------------

    def step(self, obs: Sequence[Obs]) -> Step:
        last = len(obs) - 1
        for i, one in enumerate(obs):
            self._fold(one)
            if i == last or obs[i + 1].ts_ms != one.ts_ms:
                self._judge(one.ts_ms)
        return self._answer()

    def _fold(self, one: Obs) -> None:
        prop, device, ts_ms, value = one
        self._seen_ms = max(ts_ms, self._seen_ms)
        if prop in AXES:
            self._mag_axis(AXES[prop], device, ts_ms, value)
        elif prop in STATEMENTS:
            sensor = self._sensors.see(f"{STATEMENTS[prop]}/{device}", ts_ms)
            sensor.statement = True
            self._sensors.verdict(sensor, ts_ms, int(value >= 0.5))
        elif prop == "battery_V":
            self._battery(ts_ms, value)
        elif prop == "temperature_C":
            self._cold = value < COLD_C
        else:
            self._scalar(prop, device, ts_ms, value)

    def _mag_axis(self, axis: str, device: str, ts_ms: int, value: float) -> None:
        sensor = self._sensors.see(f"mag/{device}", ts_ms)
        sensor.measured(ts_ms, value)
        model = self._axes[axis]
        dev, var = model.see(ts_ms, value)
        self._dev[axis] = dev
        length = sqrt(sum(d * d for d in self._dev.values()))
        self._sensors.verdict(sensor, ts_ms, own.mag_verdict(length))
        if sensor.stuck():
            return
        self._weigh(ts_ms, fusion.mag_likelihood(dev, var), radar=False)
        if fusion.class_p(self._belief, 0, fusion.CLEAN) > SURE_P:
            model.learn(value, slow=False)
        elif fusion.class_p(self._belief, 0, fusion.SMALL) > SURE_P:
            model.learn(value, slow=True)

    def _scalar(self, prop: str, device: str, ts_ms: int, value: float) -> None:
        if prop == "mag_dev_uT":
            sensor = self._sensors.see(f"mag/{device}", ts_ms)
            sensor.measured(ts_ms, value)
            self._sensors.verdict(sensor, ts_ms, own.mag_verdict(value))
            likelihood = fusion.mag_likelihood(value, 1.0)
        elif prop == "radar_m":
            sensor = self._sensors.see(f"radar/{device}", ts_ms)
            self._sensors.verdict(sensor, ts_ms, own.radar_verdict(value))
            likelihood = fusion.range_likelihood(value)
        elif prop == "radar_echo_db":
            sensor = self._sensors.see(f"radar/{device}", ts_ms)
            sensor.measured(ts_ms, value)
            likelihood = fusion.echo_likelihood(value)
        elif prop == "ir_reflect":
            sensor = self._sensors.see(f"ir/{device}", ts_ms)
            sensor.measured(ts_ms, value)
            self._sensors.verdict(sensor, ts_ms, own.ir_verdict(value))
            likelihood = fusion.ir_likelihood(value)
        else:
            return
        if not sensor.stuck():
            self._weigh(ts_ms, likelihood, radar=prop != "mag_dev_uT")

    def _weigh(self, ts_ms: int, likelihood: tuple[float, float, float], radar: bool) -> None:
        if ts_ms > self._belief_ms:
            if self._belief_ms:
                self._belief = fusion.passed(self._belief, ts_ms - self._belief_ms)
            self._belief_ms = ts_ms
        self._belief = fusion.weighed(self._belief, likelihood, radar)

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
        p = self._p(ts_ms)
        was = self._stays.occupied
        if was is None:
            now = True if p > FIRST_P else False if p < 1 - FIRST_P else None
        else:
            now = p > LEAVE_P if was else p > TAKE_P
        if now is not None and now != was:
            self._changed(ts_ms, now, p)
        self._rules(ts_ms, p)

    def _changed(self, ts_ms: int, occupied: bool, p: float) -> None:
        self._stays.change(ts_ms, occupied)
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
