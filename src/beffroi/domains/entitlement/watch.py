"""The watch of a paying zone (days that are unusual) and of a meter (its own state).

An unusual day is judged by the low figure, so that what the sensors leave open accuses nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains.attrs import number_or
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Limit, check
from beffroi.domains.series import Presence
from beffroi.domains.usual import Tuning, Usual
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Step
from beffroi.model.reading import Obs

SILENT_S = 26 * 3_600.0
DAYS = Tuning(10, 0.08, 0.10, 3.0, 1.0, 6.0, 60)
END = 1.0
UNUSUAL = "entitlement.unpaid_unusual"


class EntitlementWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        attrs = asset.attrs
        self._silent_s = number_or(attrs, "silent_s", SILENT_S)
        low_v = number_or(attrs, "battery_V_min", 11.5)
        self._limits = (
            Limit("entitlement.doubles", "doubles", None, 0.5, 0.0, 0),
            Limit("entitlement.forged", "forged", None, 2.5, 0.0, 0),
            Limit("entitlement.out_of_order", "state", 0.5, None, 0.0, 600),
            Limit("entitlement.door_open", "door_open", None, 0.5, 0.0, 60),
            Limit("entitlement.low_battery", "battery_V", low_v, None, 0.3, 3_600),
        )
        self._latches = Latches(asset.id, saved.get("latches"))
        self._presence = Presence.load(saved.get("presence"))
        self._usual = Usual.load(saved.get("usual"))

    def step(self, obs: Sequence[Obs]) -> Step:
        for ob in obs:
            self._presence.step(ob.ts_ms)
            self._latches.feed("entitlement.silent", ob.ts_ms, False)
            for limit in self._limits:
                check(limit, ob.ts_ms, {ob.prop: ob.value}, self._latches)
            if ob.prop == "unpaid_low_pct":
                self._day(ob)
        return Step(self._latches.take())

    def _day(self, ob: Obs) -> None:
        usual = self._usual.step("", ob.value, DAYS)
        if usual is None:
            return
        bar = END if self._latches.active(UNUSUAL) else DAYS.bar
        facts = {"unpaid_low_pct": ob.value, "usual_pct": usual}
        self._latches.feed(UNUSUAL, ob.ts_ms, self._usual.excess > bar, facts)

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        self._latches.feed("entitlement.silent", now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "presence": self._presence.dump(),
            "usual": self._usual.dump(),
        }
