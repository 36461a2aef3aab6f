"""From the samples of a bay's sensors to the probability that a vehicle is on it.

Keeps the belief, the magnetic baseline and the sensors' own verdicts. Knows no stay, no order and
no alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import hypot
from typing import Any

import numpy as np

from beffroi.domains.attrs import number
from beffroi.domains.drifting_zero import Axis
from beffroi.domains.parking import fusion
from beffroi.domains.parking import sensors as own
from beffroi.domains.parking.entities import STATEMENT_SILENT_S
from beffroi.model.reading import Obs

LEARN_P = 0.9  # so sure must be that the bay is free before its field is learnt

Logs = Callable[[float], Sequence[float]]
Verdict = Callable[[float], int | None]
AXES = {"mag_x_uT": "x", "mag_y_uT": "y", "mag_z_uT": "z"}
SCALARS: dict[str, tuple[str, Logs, Verdict | None]] = {
    "mag_dev_uT": ("mag", lambda dev: fusion.mag_logs(dev, 1.0), own.mag_verdict),
    "radar_m": ("radar", fusion.range_logs, own.radar_verdict),
    "radar_echo_db": ("radar", fusion.echo_logs, None),
    "ir_reflect": ("ir", fusion.ir_logs, own.ir_verdict),
}
STATEMENTS = {f"occupied_{tech}": tech for tech in ("mag", "radar", "ir", "device")}


class Evidence:
    """`fold` the observations of one instant, `weigh` them together, then ask `p`."""

    def __init__(self, zero: object, saved: Mapping[str, Any]) -> None:
        """`zero`: the field of the empty bay at installation, [x, y, z] in µT, if known."""
        known = zero if isinstance(zero, list | tuple) and len(zero) == 3 else ()
        zeros = dict(zip("xyz", known, strict=False))
        axes = saved.get("axes", {})
        self._axes = {a: Axis.of(axes.get(a), number(zeros, a)) for a in "xyz"}
        self._dev: dict[str, float] = dict(saved.get("dev", {}))
        self._belief = np.array(saved["belief"]) if "belief" in saved else fusion.start_belief()
        self._at_ms: int = saved.get("at_ms", 0)
        self.sensors = own.Sensors(saved.get("sensors"))
        self._clear()

    def _clear(self) -> None:
        self._mag, self._radar = [0.0] * fusion.MAG, [0.0] * fusion.RADAR
        self._fresh: list[tuple[str, float]] = []
        self._raw = self._moved = False

    def dump(self) -> dict[str, Any]:
        return {
            "axes": {a: axis.dump() for a, axis in self._axes.items()},
            "dev": dict(self._dev),
            "belief": self._belief.tolist(),
            "at_ms": self._at_ms,
            "sensors": self.sensors.dump(),
        }

    def fold(self, one: Obs) -> None:
        """Anything that is not about occupancy is left to others."""
        prop, device, ts_ms, value = one
        if prop in AXES:
            self._axis(AXES[prop], device, ts_ms, value)
        elif prop in SCALARS:
            tech, logs, verdict = SCALARS[prop]
            sensor = self.sensors.see(f"{tech}/{device}", ts_ms)
            if verdict:
                sensor.say(ts_ms, verdict(value))
            if prop != "radar_m":  # a radar tells its reach while nothing is there
                sensor.measured(ts_ms, value)
            if not sensor.stuck():
                self._add(self._mag if tech == "mag" else self._radar, logs(value))
        elif prop in STATEMENTS:
            sensor = self.sensors.see(f"{STATEMENTS[prop]}/{device}", ts_ms)
            sensor.statement = True
            sensor.say(ts_ms, int(value >= 0.5))

    def _axis(self, axis: str, device: str, ts_ms: int, value: float) -> None:
        sensor = self.sensors.see(f"mag/{device}", ts_ms)
        sensor.measured(ts_ms, value)
        self._dev[axis], var, moved = self._axes[axis].see(ts_ms, value)
        self._moved = self._moved or moved
        sensor.say(ts_ms, own.mag_verdict(hypot(*self._dev.values())))
        if not sensor.stuck():
            self._add(self._mag, fusion.mag_logs(self._dev[axis], var))
            self._fresh.append((axis, value))

    def _add(self, total: list[float], logs: Sequence[float]) -> None:
        for i, one in enumerate(logs):
            total[i] += one
        self._raw = True

    def weigh(self, ts_ms: int) -> None:
        """The instant is complete."""
        if not self._raw:
            return
        if self._at_ms and ts_ms > self._at_ms:
            chain = fusion.STILL if self._fresh and not self._moved else fusion.MOVING
            self._belief = chain.passed(self._belief, ts_ms - self._at_ms)
        self._at_ms = max(ts_ms, self._at_ms)
        self._belief = fusion.seen(self._belief, self._mag, self._radar)
        if self._fresh:
            clean, offset = fusion.free_p(self._belief)
            if max(clean, offset) > LEARN_P:
                for axis, value in self._fresh:
                    self._axes[axis].learn(value, slow=clean <= LEARN_P)
        self._clear()

    def p(self, now_ms: int) -> float:
        """P(occupied): raw samples and the statements that are neither old nor stuck."""
        logit = 0.0
        for sensor in self.sensors.all.values():
            fresh = now_ms - sensor.seen_ms <= STATEMENT_SILENT_S * 1000
            if sensor.statement and sensor.verdict is not None and fresh and not sensor.stuck():
                logit += fusion.STATEMENT_LOGIT if sensor.verdict else -fusion.STATEMENT_LOGIT
        return fusion.occupied_p(self._belief, logit)
