"""What each sensor of a bay says by itself, to find the silent, the stuck and the contradictory.

Does not decide occupancy (`fusion` does) and knows no municipal order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SENSORS_MAX = 8  # of one bay; replaced devices make room, the longest silent first
STUCK_CHANGES = 8  # the other sensor saw so many changes (four vehicles), this one saw none
LAG_MS = 60_000  # a sensor may see a change so much before the others
FLAT_MS = 24 * 3_600_000  # the very same measured number for a day is no measurement
FLAT_SAMPLES = 60

MAG_FREE_UT, MAG_TAKEN_UT = 3.0, 8.0
RADAR_TAKEN_M, RADAR_FREE_M = 0.8, 1.2
IR_FREE, IR_TAKEN = 0.3, 0.5


class Sensor:
    """One technology of one device: its own verdict (1, 0, or None when it cannot tell)."""

    __slots__ = (
        "flat_ms",
        "flat_n",
        "missed",
        "seen_ms",
        "since_ms",
        "statement",
        "value",
        "verdict",
    )

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self.verdict: int | None = saved.get("verdict")
        self.since_ms: int = saved.get("since_ms", 0)
        self.seen_ms: int = saved.get("seen_ms", 0)
        self.value: float | None = saved.get("value")
        self.flat_ms: int = saved.get("flat_ms", 0)
        self.flat_n: int = saved.get("flat_n", 0)
        self.missed: int = saved.get("missed", 0)
        self.statement: bool = saved.get("statement", False)

    def dump(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def stuck(self) -> bool:
        """No change of its own while vehicles came and went, or one measured number for a day."""
        return self.missed >= STUCK_CHANGES or (
            not self.statement
            and self.flat_n >= FLAT_SAMPLES
            and self.seen_ms - self.flat_ms >= FLAT_MS
        )

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
        self.all = {key: Sensor(s) for key, s in (saved or {}).items()}

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
        """The bay's occupancy changed: who has said the same thing all along has missed it."""
        for sensor in self.all.values():
            if ts_ms - sensor.since_ms > LAG_MS:
                sensor.missed += 1

    def contradiction(self) -> tuple[str, str] | None:
        """(one that sees a vehicle, one that does not), or None."""
        yes = no = ""
        for key, sensor in self.all.items():
            if sensor.verdict == 1:
                yes = yes or key
            elif sensor.verdict == 0:
                no = no or key
        return (yes, no) if yes and no else None

    def silent(self, now_ms: int, raw_s: float, statement_s: float) -> list[str]:
        """Keys not heard for too long."""
        return [
            key
            for key, sensor in self.all.items()
            if now_ms - sensor.seen_ms > 1000 * (statement_s if sensor.statement else raw_s)
        ]


def mag_verdict(dev_uT: float) -> int | None:  # noqa: N803
    """From the deviation's length (µT)."""
    if dev_uT >= MAG_TAKEN_UT:
        return 1
    return 0 if dev_uT <= MAG_FREE_UT else None


def radar_verdict(radar_m: float) -> int | None:
    """From the distance of the nearest target (m)."""
    if radar_m <= RADAR_TAKEN_M:
        return 1
    return 0 if radar_m >= RADAR_FREE_M else None


def ir_verdict(ir_reflect: float) -> int | None:
    """From the reflected share."""
    if ir_reflect >= IR_TAKEN:
        return 1
    return 0 if ir_reflect <= IR_FREE else None
