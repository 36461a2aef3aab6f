"""The watch of a board: what it shows against what was ordered.

The hub notes each order that was done (`acts.ordered`). What stands on the board without an order,
or after its end, is grave. Knows no template: texts are numbers here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains.attrs import number_or
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Limit, check
from beffroi.domains.series import SILENT_S_MIN, Presence
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Step
from beffroi.model.reading import Obs

NEAR_MS = 900_000
ORDER_S = 45.0  # a receipt may come this long after the board already shows its message
CLEAR_S = 60.0
BLANK_S = 120.0
MINUTE_MS = 60_000
ORDERS = ("ordered_text", "ordered_code", "ordered_until_min")


class BoardWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        hot = number_or(asset.attrs, "temperature_C_max", 70.0)
        self._silent_s = number_or(asset.attrs, "silent_s", SILENT_S_MIN)
        self._limits = (
            Limit("boards.fault", "fault", None, 0.5, 0.0, 60),
            Limit("boards.pixels", "pixels_failed_pct", None, 10.0, 2.0, 600),
            Limit("boards.hot", "temperature_C", None, hot, 5.0, 1_800),
            Limit("boards.door_open", "door_open", None, 0.5, 0.0, 60),
        )
        self._latches = Latches(asset.id, saved.get("latches"))
        self._presence = Presence.load(saved.get("presence"))
        self._last: dict[str, list[float]] = {k: list(v) for k, v in saved.get("last", {}).items()}

    def step(self, obs: Sequence[Obs]) -> Step:
        for i, ob in enumerate(obs):
            self._last[ob.prop] = [ob.ts_ms, ob.value]
            if ob.prop not in ORDERS:
                self._presence.step(ob.ts_ms)
                self._latches.feed("boards.silent", ob.ts_ms, False)
            if i + 1 == len(obs) or obs[i + 1].ts_ms != ob.ts_ms:
                self._judge(ob.ts_ms)
        return Step(self._latches.take())

    def _judge(self, ts_ms: int) -> None:
        now = {k: v for k, (at, v) in self._last.items() if abs(ts_ms - at) <= NEAR_MS}
        for limit in self._limits:
            check(limit, ts_ms, now, self._latches)
        if "shown_text" in now:
            self._displayed(ts_ms, now)

    def _displayed(self, ts_ms: int, now: Mapping[str, float]) -> None:
        """A text that somebody ordered, with its code, until its time is over; or nothing."""
        text, until_ms = now["shown_text"], self._known("ordered_until_min") * MINUTE_MS
        code = now.get("shown_code", self._known("ordered_code"))
        same = text == self._known("ordered_text") and code == self._known("ordered_code")
        late_ms = ts_ms - until_ms
        feed = self._latches.feed
        unknown = bool(text) and not same
        feed("boards.unknown_message", ts_ms, unknown, on_s=ORDER_S, off_s=CLEAR_S)
        stays = bool(text) and same and late_ms > 0
        facts: dict[str, float | str] = {"late_min": max(0.0, late_ms / MINUTE_MS)}
        feed("boards.not_cleared", ts_ms, stays, facts, on_s=CLEAR_S)
        missing = not text and self._known("ordered_text") > 0 and late_ms < 0
        feed("boards.not_shown", ts_ms, missing, on_s=BLANK_S)

    def _known(self, prop: str) -> float:
        return self._last[prop][1] if prop in self._last else 0.0

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        self._latches.feed("boards.silent", now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "presence": self._presence.dump(),
            "last": {k: list(v) for k, v in self._last.items()},
        }
