"""The watch of a report desk: is it open when it says so, and does it still speak.

Reports themselves are no readings: their alarms come from `findings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains.attrs import number_or
from beffroi.domains.latch import Latches
from beffroi.domains.series import Presence
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Step
from beffroi.model.reading import Obs

SILENT_S = 50 * 3_600.0
SILENT = "participation.desk_silent"


class PlaceWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._silent_s = number_or(asset.attrs, "silent_s", SILENT_S)
        self._latches = Latches(asset.id, saved.get("latches"))
        self._presence = Presence.load(saved.get("presence"))

    def step(self, obs: Sequence[Obs]) -> Step:
        for ob in obs:
            self._presence.step(ob.ts_ms)
            self._latches.feed(SILENT, ob.ts_ms, False)
        return Step(self._latches.take())

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        self._latches.feed(SILENT, now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {"latches": self._latches.dump(), "presence": self._presence.dump()}
