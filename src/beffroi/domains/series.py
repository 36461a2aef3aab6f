"""Is one measured series believable by itself? Stuck, replayed, silent, or apart from its twin.

Knows no unit and no rule: it answers with plain facts, and the domain's watch names the rule.
What is normal for a series (how long it may stand still, how long it may repeat its past by
chance) is learnt during its first days and then kept, so that an attacker cannot teach it slowly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beffroi.domains.state import Memory

DAY_MS = 86_400_000
LEARN_MS = 14 * DAY_MS
STUCK_S_MIN = 3 * 3_600.0  # less is never called stuck
STUCK_S_UNLEARNT = 24 * 3_600.0
STUCK_COUNT_MIN = 8
SAFETY = 3.0  # times the longest that was seen while learning
SLOT_MS = 600_000  # the past is remembered at one value per ten minutes ...
SLOTS = 200  # ... so 33 hours of fast data, eight days of hourly data
REPLAY_MIN = 12  # slots that repeat the past exactly before we speak of a replay
REPLAY_DISTINCT_MIN = 6
SILENT_S_MIN = 7_200.0
SILENT_PERIODS = 6.0


@dataclass(slots=True)
class Stillness(Memory):
    """How long the value has been exactly the same. A value of 0 is rest, not a stuck sensor."""

    first_ms: int = -1
    value: float = 0.0
    since_ms: int = 0
    count: int = 0
    longest_s: float = 0.0

    def step(self, ts_ms: int, value: float) -> float | None:
        """Seconds of stillness when that is too long, else None."""
        if self.first_ms < 0:
            self.first_ms = ts_ms
        if value != self.value or not self.count:
            self.value, self.since_ms, self.count = value, ts_ms, 1
            return None
        self.count += 1
        still_s = (ts_ms - self.since_ms) / 1000.0
        if ts_ms - self.first_ms < LEARN_MS:
            if value != 0.0 and still_s < STUCK_S_UNLEARNT:
                self.longest_s = max(self.longest_s, still_s)
            limit_s = STUCK_S_UNLEARNT
        else:
            limit_s = max(STUCK_S_MIN, SAFETY * self.longest_s)
        if value == 0.0 or self.count < STUCK_COUNT_MIN or still_s < limit_s:
            return None
        return still_s


@dataclass(slots=True)
class Echo(Memory):
    """Does the series repeat its own past value by value? A live process never does for long.

    Coarse sensors do by chance: the longest such chance while learning sets the bar.
    """

    first_ms: int = -1
    slot: int = -1
    past: list[float] = field(default_factory=list)  # one value per slot, oldest first
    at: int = -1  # index in `past` of the value that the last one repeats
    run: int = 0
    longest: int = 0

    def step(self, ts_ms: int, value: float) -> int | None:
        """Length of the repetition in slots when it is too long to be chance, else None."""
        slot = ts_ms // SLOT_MS
        if slot <= self.slot:
            return self._verdict(ts_ms)
        self.slot = slot
        if self.first_ms < 0:
            self.first_ms = ts_ms
        self._follow(value)
        if self.run and ts_ms - self.first_ms < LEARN_MS and self._varied():
            self.longest = max(self.longest, self.run)
        self.past.append(value)
        if len(self.past) > SLOTS:
            del self.past[0]
            self.at -= 1
            if self.at < 0:
                self.at, self.run = -1, 0
        return self._verdict(ts_ms)

    def _follow(self, value: float) -> None:
        past = self.past
        if self.at >= 0 and self.at + 1 < len(past) and past[self.at + 1] == value:
            self.at += 1
            self.run += 1
            return
        try:
            self.at, self.run = past.index(value), 1
        except ValueError:
            self.at, self.run = -1, 0

    def _varied(self) -> bool:
        return len(set(self.past[-min(self.run, REPLAY_MIN) :])) >= REPLAY_DISTINCT_MIN

    def _verdict(self, ts_ms: int) -> int | None:
        if ts_ms - self.first_ms < LEARN_MS or self.run < max(REPLAY_MIN, SAFETY * self.longest):
            return None
        return self.run if self._varied() else None


@dataclass(slots=True)
class Presence(Memory):
    """When something was last heard. Only what was once heard live can fall silent: a replay of
    old data is not silence."""

    last_ms: int = -1
    period_s: float = 0.0
    live: bool = False

    def step(self, ts_ms: int) -> None:
        if ts_ms <= self.last_ms:
            return
        if self.last_ms >= 0:
            gap_s = (ts_ms - self.last_ms) / 1000.0
            self.period_s = (
                gap_s
                if not self.period_s
                else min(self.period_s + 0.1 * (gap_s - self.period_s), self.period_s * 1.5)
            )
        self.last_ms = ts_ms

    def silent_s(self, now_ms: int, at_least_s: float = SILENT_S_MIN) -> float | None:
        """Seconds of a silence that is too long; 0.0 when heard in time; None: cannot tell."""
        if self.last_ms < 0:
            return None
        quiet_s = (now_ms - self.last_ms) / 1000.0
        if quiet_s <= max(at_least_s, SILENT_PERIODS * self.period_s):
            self.live = True
            return 0.0
        return quiet_s if self.live else None


@dataclass(slots=True)
class Twins(Memory):
    """Two devices that measure the same quantity at the same place must move together.

    A fixed offset (height, calibration) is learnt from the first pairs; what counts is the change.
    """

    device: str = ""
    other: str = ""
    last: dict[str, list[float]] = field(default_factory=dict)  # device -> [ts_ms, value]
    pairs: int = 0
    offset: float = 0.0
    gap: float = 0.0

    def step(self, ts_ms: int, device: str, value: float, within_ms: int = 900_000) -> float | None:
        """How far the pair has moved apart, or None while there is no pair or too few."""
        self.last[device] = [float(ts_ms), value]
        if len(self.last) < 2:
            return None
        if len(self.last) > 2:  # a replaced device: keep the two that spoke last
            del self.last[min(self.last, key=lambda name: self.last[name][0])]
            self.pairs, self.offset, self.gap = 0, 0.0, 0.0
        low, high = sorted(self.last)
        if (low, high) != (self.device, self.other):
            self.device, self.other = low, high
            self.pairs, self.offset, self.gap = 0, 0.0, 0.0
        first, second = self.last[low], self.last[high]
        if abs(first[0] - second[0]) > within_ms:
            return None
        return self._pair(first[1] - second[1])

    def _pair(self, gap: float) -> float | None:
        self.pairs += 1
        if self.pairs <= 20:
            self.offset += (gap - self.offset) / self.pairs
            self.gap = self.offset
            return None
        self.gap += 0.1 * (gap - self.gap)
        return abs(self.gap - self.offset)
