"""What each sensor of a bay says by itself, to find the silent, the stuck and the contradictory.

Does not decide occupancy (`fusion` does) and knows no municipal order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beffroi.domains.state import Memory

SENSORS_MAX = 8  # of one bay; replaced devices make room, the longest silent first
STUCK_CHANGES = 12  # six vehicles came and went, the sensor has said the same thing all along
LAG_MS = 60_000  # a sensor may see a change so much before the others
FLAT_MS, FLAT_SAMPLES = 86_400_000, 60  # the very same number for a day is no measurement


@dataclass(slots=True)
class Sensor(Memory):
    """One technology of one device: its own verdict (1, 0, or None when it cannot tell)."""

    verdict: int | None = None
    since_ms: int = 0
    seen_ms: int = 0
    value: float | None = None
    flat_ms: int = 0
    flat_n: int = 0
    missed: int = 0
    statement: bool = False

    def stuck(self) -> bool:
        """No change of its own while vehicles came and went, or one number for a day."""
        flat = self.flat_n >= FLAT_SAMPLES and self.seen_ms - self.flat_ms >= FLAT_MS
        return self.missed >= STUCK_CHANGES or (flat and not self.statement)

    def say(self, ts_ms: int, verdict: int | None) -> None:
        """A verdict of its own; None leaves the last one."""
        if verdict is not None and verdict != self.verdict:
            self.verdict, self.since_ms, self.missed = verdict, ts_ms, 0

    def measured(self, ts_ms: int, value: float) -> None:
        """Follow the raw number itself."""
        if value == self.value:
            self.flat_n += 1
        else:
            self.value, self.flat_ms, self.flat_n = value, ts_ms, 1


class Sensors:
    """All sensors of a bay by "technology/device"."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        self.all = {key: Sensor.load(one) for key, one in (saved or {}).items()}

    def dump(self) -> dict[str, Any]:
        return {key: sensor.dump() for key, sensor in self.all.items()}

    def see(self, key: str, ts_ms: int) -> Sensor:
        """The sensor, made when new, marked as heard."""
        sensor = self.all.get(key)
        if sensor is None:
            if len(self.all) >= SENSORS_MAX:
                del self.all[min(self.all, key=lambda k: self.all[k].seen_ms)]
            sensor = self.all[key] = Sensor()
        sensor.seen_ms = max(ts_ms, sensor.seen_ms)
        return sensor

    def changed(self, ts_ms: int) -> None:
        """A lasting state of the bay ended: who has said the same thing all along missed it."""
        for sensor in self.all.values():
            sensor.missed += ts_ms - sensor.since_ms > LAG_MS

    def contradiction(self) -> tuple[str, str] | None:
        """(one that sees a vehicle, one that does not), or None."""
        said = {sensor.verdict: key for key, sensor in reversed(self.all.items())}
        return (said[1], said[0]) if 1 in said and 0 in said else None

    def stuck(self) -> list[str]:
        return [key for key, sensor in self.all.items() if sensor.stuck()]

    def silent(self, now_ms: int, raw_s: float, statement_s: float) -> list[str]:
        """Keys not heard for too long."""
        limits = {False: 1000 * raw_s, True: 1000 * statement_s}
        return [k for k, s in self.all.items() if now_ms - s.seen_ms > limits[s.statement]]


def _verdict(value: float, free: float, taken: float) -> int | None:
    """1 beyond `taken`, 0 before `free`, None between; `taken` may lie on either side."""
    sign = 1 if taken > free else -1
    return 1 if sign * (value - taken) >= 0 else 0 if sign * (value - free) <= 0 else None


def mag_verdict(dev: float) -> int | None:
    """From the deviation's length (µT)."""
    return _verdict(dev, 3.0, 8.0)


def radar_verdict(radar_m: float) -> int | None:
    """From the distance of the nearest target (m)."""
    return _verdict(radar_m, 1.2, 0.8)


def ir_verdict(ir_reflect: float) -> int | None:
    """From the reflected share."""
    return _verdict(ir_reflect, 0.3, 0.5)
