"""The memory of one bay: occupancy, stay, rotation and alarms from what its sensors say.

Only a municipal order makes an overstay; a doubtful occupancy makes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beffroi.domains import bay
from beffroi.domains.attrs import number_or
from beffroi.domains.latch import Latches
from beffroi.domains.parking import entities, rules
from beffroi.domains.parking.evidence import Evidence
from beffroi.domains.parking.order import Order, OrderError, read_order
from beffroi.domains.state import Memory
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

DOUBT, CLEAR = 0.02, 0.4  # P within 0.5 +- DOUBT changes nothing, beyond CLEAR it does at once;
LEAN = 2  # between, it must be said so many times,
CONTESTED = 6  # and for an arrival that one sensor denies so many (a burst is over, a car is not)
SURE_P = 0.9  # for an overstay
DISAGREE_S, AGREE_S = 1_800, 120
LASTING_MS = 60_000  # a state that a sensor should have seen
LONG_STAY_MS = 7 * 86_400_000
TELL_MS = 300_000  # stay, rotation and confidence are told this often while nothing changes
HISTORY_MS = 30 * 86_400_000  # data this old are being replayed: their silence says nothing
BATTERY_V, BATTERY_COLD_V, COLD_C, BATTERY_BACK_V = 3.0, 2.9, -5.0, 0.1


@dataclass(slots=True)
class _Notes(Memory):
    told: dict[str, list[float]] = field(default_factory=dict)  # property -> [instant, value]
    seen_ms: int = 0
    cold: bool = False
    lean: int = 0
    deadline_ms: int | None = None


class BayWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        saved = saved or {}
        self._order = _order(asset)
        self._raw_s = number_or(asset.attrs, "silent_s", entities.RAW_SILENT_S)
        self._evidence = Evidence(asset.attrs.get("mag_zero_uT"), saved.get("evidence", {}))
        self._sensors = self._evidence.sensors
        self._stays = bay.Stays.load(saved.get("stays"))
        self._latches = Latches(asset.id, saved.get("latches"))
        self._notes = _Notes.load(saved.get("notes"))
        self._out: list[Derived] = []

    def dump(self) -> dict[str, Any]:
        return {
            "evidence": self._evidence.dump(),
            "stays": self._stays.dump(),
            "latches": self._latches.dump(),
            "notes": self._notes.dump(),
        }

    def step(self, obs: Sequence[Obs]) -> Step:
        last = len(obs) - 1
        for i, one in enumerate(obs):
            self._notes.seen_ms = max(one.ts_ms, self._notes.seen_ms)
            if one.prop == "battery_V":
                self._battery(one.ts_ms, one.value)
            elif one.prop == "temperature_C":
                self._notes.cold = one.value < COLD_C
            else:
                self._evidence.fold(one)
            if i == last or obs[i + 1].ts_ms != one.ts_ms:
                self._evidence.weigh(one.ts_ms)
                self._judge(one.ts_ms)
        return self._answer()

    def tick(self, now_ms: int) -> Step:
        if not self._notes.seen_ms or not 0 <= now_ms - self._notes.seen_ms < HISTORY_MS:
            return NOTHING
        silent, facts = self._silent(now_ms), dict[str, float | str]()
        if silent:
            quiet_ms = now_ms - self._sensors.all[silent[0]].seen_ms
            facts = {"sensor": silent[0], "silent_min": quiet_ms / 60_000}
        self._latches.feed(rules.SILENT, now_ms, bool(silent), facts)
        p = self._evidence.p(now_ms)
        self._rules(now_ms, p)
        slow = {"rotation_per_day": float(self._stays.rotation_per_day(now_ms))}
        if self._stays.occupied is not None:
            slow["confidence"] = round(max(p, 1 - p), 3)
            slow["stay_min"] = self._stays.stay_min(now_ms)
        for prop, value in slow.items():
            told = self._notes.told.get(prop)
            if told is None or now_ms - told[0] >= TELL_MS:
                self._tell(prop, now_ms, value)
        return self._answer()

    def _judge(self, ts_ms: int) -> None:
        p, was, notes = self._evidence.p(ts_ms), self._stays.occupied, self._notes
        now = p > 0.5
        if now == was or abs(p - 0.5) < DOUBT:
            notes.lean = 0
        else:
            notes.lean += 1
            clear = abs(p - 0.5) > CLEAR
            contested = now and was is not None and self._sensors.contradiction() is not None
            enough = CONTESTED if contested else 1 if clear else LEAN
            if notes.lean >= enough and (clear or was is not None):
                notes.lean = 0
                self._changed(ts_ms, now, p)
        self._rules(ts_ms, p)

    def _changed(self, ts_ms: int, occupied: bool, p: float) -> None:
        stays = self._stays
        if stays.occupied is not None and ts_ms - stays.since_ms >= LASTING_MS:
            self._sensors.changed(ts_ms)
        stays.change(ts_ms, occupied)
        self._notes.deadline_ms = None
        if not occupied:
            self._tell("stay_min", ts_ms, stays.ended_min())
        elif self._order:
            self._notes.deadline_ms = self._order.deadline_ms(stays.since_ms)
        self._tell("rotation_per_day", ts_ms, stays.rotation_per_day(ts_ms))
        self._tell("occupied", ts_ms, float(occupied))
        self._tell("confidence", ts_ms, round(max(p, 1 - p), 3))

    def _rules(self, ts_ms: int, p: float) -> None:
        feed, stays, facts = self._latches.feed, self._stays, dict[str, float | str]()
        pair = self._sensors.contradiction()
        if pair:
            facts = {"says_occupied": pair[0], "says_free": pair[1]}
        doubt = feed(rules.DISAGREE, ts_ms, bool(pair), facts, on_s=DISAGREE_S, off_s=AGREE_S)
        stuck, facts = self._sensors.stuck(), {}
        if stuck:
            sensor = self._sensors.all[stuck[0]]
            since_ms = max(sensor.since_ms, sensor.flat_ms)
            facts = {"sensor": stuck[0], "missed": sensor.missed,
                     "since_h": (ts_ms - since_ms) / 3_600_000}  # fmt: skip
        feed(rules.STUCK, ts_ms, bool(stuck), facts)
        over, minutes = self._overstays(ts_ms, p, doubt or bool(stuck)), stays.stay_min(ts_ms)
        facts = {"stay_min": minutes}
        if over and self._order:
            facts |= {"max_stay_min": self._order.stay_min_max, "order": self._order.reference}
        feed(rules.OVERSTAY, ts_ms, over, facts)
        long = bool(stays.occupied) and ts_ms - stays.since_ms > LONG_STAY_MS
        feed(rules.LONG_STAY, ts_ms, long, {"stay_days": minutes / 1_440})
        state = self._state(ts_ms)
        self._tell("state", ts_ms, state)
        if state != bay.UNKNOWN:
            self._tell("occupied", ts_ms, float(bool(stays.occupied)))

    def _overstays(self, ts_ms: int, p: float, doubt: bool) -> bool | None:
        """None: cannot tell, for example while the sensors contradict each other."""
        deadline_ms = self._notes.deadline_ms
        if not self._stays.occupied or deadline_ms is None or ts_ms <= deadline_ms:
            return False
        if self._latches.active(rules.OVERSTAY):
            return True
        return None if doubt or p < SURE_P else True

    def _state(self, ts_ms: int) -> int:
        if self._stays.occupied is None or len(self._silent(ts_ms)) == len(self._sensors.all):
            return bay.UNKNOWN
        if self._latches.active(rules.OVERSTAY):
            return bay.OVERSTAY
        return bay.OCCUPIED if self._stays.occupied else bay.FREE

    def _silent(self, now_ms: int) -> list[str]:
        return self._sensors.silent(now_ms, self._raw_s, entities.STATEMENT_SILENT_S)

    def _battery(self, ts_ms: int, volts: float) -> None:
        limit = BATTERY_COLD_V if self._notes.cold else BATTERY_V
        if self._latches.active(rules.BATTERY):
            limit += BATTERY_BACK_V
        self._latches.feed(rules.BATTERY, ts_ms, volts < limit, {"battery_V": volts})

    def _tell(self, prop: str, ts_ms: int, value: float) -> None:
        """A derived value, when it is new or was told a day ago; instants of a property never
        repeat nor go back."""
        told = self._notes.told.get(prop)
        if told is not None:
            if told[1] == value and ts_ms - told[0] < bay.AGAIN_MS:
                return
            ts_ms = max(ts_ms, int(told[0]) + 1)
        self._notes.told[prop] = [ts_ms, value]
        self._out.append(Derived(prop, ts_ms, value))

    def _answer(self) -> Step:
        findings, out, self._out = self._latches.take(), self._out, []
        return Step(findings, out) if findings or out else NOTHING


def _order(asset: Asset) -> Order | None:
    try:
        return read_order(asset.attrs)
    except OrderError:  # an unreadable order is no limit; the inventory page checks its shape
        return None
