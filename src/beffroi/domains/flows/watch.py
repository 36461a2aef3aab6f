"""The memory of one people counter: what is expected, what is unusual, what is dead.

`ts_ms` of a count is the end of its interval. Learns nothing from a counter that is dead or stuck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from beffroi.domains.attrs import number_or, text
from beffroi.domains.flows import rules
from beffroi.domains.flows.predictor import Predictor
from beffroi.domains.flows.surprise import Surprise
from beffroi.domains.latch import Latches
from beffroi.domains.local_time import DEFAULT_ZONE, zone
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

HOUR_MS = 3_600_000
HISTORY_MS = 30 * 86_400_000  # data this old are being replayed: their silence says nothing
SILENT_S = 3 * 3_600
SKIP_H_MAX = 25  # a longer gap forgets the last hours' deviations altogether
GAP_MIN = 50  # fewer people than this, more or less, is nobody's alarm
CROWD_RATIO, CROWD_OVER = 1.5, 1.25
EMPTY_RATIO, EMPTY_OVER = 0.5, 0.75
DEAD_MISSED = 30.0  # people that a row of zero hours should have brought
DEAD_H_MIN = 2
STUCK_H, STUCK_COUNT_MIN = 6, 10  # the very same count so often: chance under 1 in 30,000
COVER_MIN = 0.9  # share of an hour's usual intervals below which its sum is not used


class CounterWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        saved = saved or {}
        self._zone = zone(text(asset.attrs, "timezone", DEFAULT_ZONE))
        self._silent_s = number_or(asset.attrs, "silent_s", SILENT_S)
        self._latches = Latches(asset.id, saved.get("latches"))
        self.predictor = Predictor(saved.get("predictor"))
        self._surprise = Surprise(saved.get("surprise"))
        self._seen_ms: int = saved.get("seen_ms", 0)
        self._hour_ms: int = saved.get("hour_ms", 0)  # end of the last hour that was folded
        self._zero: list[float] = list(saved.get("zero", (0, 0.0)))  # hours, people missed
        self._same: list[float] = list(saved.get("same", (-1.0, 0)))  # count, repeats
        self._open: list[float] = list(saved.get("open", (0, 0, 0.0, 0)))

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "predictor": self.predictor.dump(),
            "surprise": self._surprise.dump(),
            "seen_ms": self._seen_ms,
            "hour_ms": self._hour_ms,
            "zero": self._zero.copy(),
            "same": self._same.copy(),
            "open": self._open.copy(),
        }

    def slot(self, end_ms: int) -> int:
        """Hour of the local week (0 = Monday 00:00) of the hour that ends at `end_ms`."""
        local = datetime.fromtimestamp((end_ms - HOUR_MS // 2) / 1000, self._zone)
        return local.weekday() * 24 + local.hour

    def step(self, obs: Sequence[Obs]) -> Step:
        derived: list[Derived] = []
        for one in obs:
            self._seen_ms = max(self._seen_ms, one.ts_ms)
            if one.prop == "count_1h":
                derived += self._hour(one.ts_ms, one.value)
            elif one.prop == "count":
                derived += self._interval(one.ts_ms, one.value)
        findings = self._latches.take()
        return Step(findings, derived) if findings or derived else NOTHING

    def tick(self, now_ms: int) -> Step:
        quiet_ms = now_ms - self._seen_ms
        if self._seen_ms and 0 <= quiet_ms < HISTORY_MS:
            facts = {"silent_h": quiet_ms / HOUR_MS}
            self._latches.feed(rules.SILENT, now_ms, quiet_ms > self._silent_s * 1000, facts)
        findings = self._latches.take()
        return Step(findings) if findings else NOTHING

    # --- shorter intervals ---------------------------------------------------------------------

    def _interval(self, ts_ms: int, count: float) -> list[Derived]:
        """Adds up to whole hours: [hour, intervals, people, most intervals ever in an hour]."""
        hour, derived = (ts_ms - 1) // HOUR_MS, []
        if hour != self._open[0]:
            done, n, people, most = self._open
            if n and done and n >= COVER_MIN * most:
                derived = self._hour(int(done + 1) * HOUR_MS, people)
            self._open = [hour, 0, 0.0, max(most, n)]
        self._open[1] += 1
        self._open[2] += count
        return derived

    # --- whole hours ---------------------------------------------------------------------------

    def _hour(self, ts_ms: int, count: float) -> list[Derived]:
        if ts_ms - self._hour_ms < HOUR_MS // 2:
            return []  # two devices on one counter, or a clock step: the first one counts
        self._skip(ts_ms)
        self._hour_ms = ts_ms
        slot = self.slot(ts_ms)
        expected, usual = self.predictor.forecast(slot), self.predictor.usual(slot)
        if expected is None or usual is None:
            self.predictor.learn(slot, count)
            return []
        broken = self._broken(ts_ms, count, usual)
        score = self._surprise.score(slot % 24, count, expected)
        if broken:
            self.predictor.skip()
        else:
            self._judge(ts_ms, slot, count, (expected, usual, score))
            self.predictor.learn(slot, count)
        return [Derived("expected_1h", ts_ms, expected), Derived("unusual", ts_ms, score)]

    def _skip(self, ts_ms: int) -> None:
        if self._hour_ms:
            missed = (ts_ms - self._hour_ms + HOUR_MS // 2) // HOUR_MS - 1
            for _ in range(min(missed, SKIP_H_MAX)):
                self.predictor.skip()

    def _broken(self, ts_ms: int, count: float, usual: float) -> bool:
        hours, missed = self._zero
        self._zero = [hours + 1, missed + usual] if count == 0 else [0, 0.0]
        repeats = self._same[1] + 1 if count == self._same[0] else 1
        self._same = [count, repeats]
        hours, missed = self._zero
        dead = hours >= DEAD_H_MIN and missed >= DEAD_MISSED
        stuck = repeats >= STUCK_H and count >= STUCK_COUNT_MIN
        feed = self._latches.feed
        feed(rules.DEAD, ts_ms, dead, {"hours": hours, "expected": missed})
        feed(rules.STUCK, ts_ms, stuck, {"hours": repeats, "count": count})
        return dead or stuck

    def _judge(self, ts_ms: int, slot: int, count: float, seen: tuple[float, float, float]) -> None:
        expected, usual, score = seen
        high, low = self._surprise.learn(slot % 24, count, expected, score)
        facts = {"count": count, "expected": usual}
        for rule, starts, lasts in (
            (
                rules.CROWD,
                high and count - usual >= GAP_MIN and count >= CROWD_RATIO * usual,
                count - usual >= GAP_MIN and count > CROWD_OVER * usual,
            ),
            (
                rules.EMPTY,
                low and count > 0 and usual - count >= GAP_MIN and count <= EMPTY_RATIO * usual,
                count > 0 and usual - count >= GAP_MIN and count < EMPTY_OVER * usual,
            ),
        ):
            holds = lasts if self._latches.active(rule) else starts
            self._latches.feed(rule, ts_ms, holds, facts)
