"""The memory of one people counter: what is expected, what is unusual, what is dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from beffroi.domains.flows import rules
from beffroi.domains.latch import Latches
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

HISTORY_MS = 30 * 86_400_000
SILENT_S = 3 * 3_600


class CounterWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        saved = saved or {}
        self._zone = ZoneInfo(str(asset.attrs.get("timezone") or "Europe/Paris"))
        self._latches = Latches(asset.id, saved.get("latches"))
        self._profile: list[float | None] = list(saved.get("profile") or [None] * 168)
        self._seen_ms: int = saved.get("seen_ms", 0)

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "profile": self._profile,
            "seen_ms": self._seen_ms,
        }

    def step(self, obs: Sequence[Obs]) -> Step:
        derived: list[Derived] = []
        for one in obs:
            if one.prop == "count_1h" and one.ts_ms > self._seen_ms:
                self._seen_ms = one.ts_ms
                derived += self._hour(one.ts_ms, one.value)
        return Step(self._latches.take(), derived) if derived else NOTHING

    def _hour(self, ts_ms: int, count: float) -> list[Derived]:
        local = datetime.fromtimestamp((ts_ms - 1) / 1000, self._zone)
        slot = local.weekday() * 24 + local.hour
        expected = self._profile[slot]
        self._profile[slot] = count if expected is None else expected + 0.2 * (count - expected)
        if expected is None:
            return []
        z = max(-99.0, min(99.0, (count - expected) / sqrt(expected + (0.3 * expected) ** 2 + 9)))
        facts = {"count": count, "expected": expected}
        self._latches.feed(rules.CROWD, ts_ms, z > 6, facts)
        return [Derived("expected_1h", ts_ms, expected), Derived("unusual", ts_ms, z)]

    def tick(self, now_ms: int) -> Step:
        quiet_ms = now_ms - self._seen_ms
        if self._seen_ms and 0 <= quiet_ms < HISTORY_MS:
            facts = {"silent_h": quiet_ms / 3_600_000}
            self._latches.feed(rules.SILENT, now_ms, quiet_ms > SILENT_S * 1000, facts)
        return Step(self._latches.take())
