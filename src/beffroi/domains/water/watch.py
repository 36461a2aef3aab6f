"""The watch of one water asset: belief in its series, then the physics of its kind, then silence.

Refuses to know thresholds; it only brings together values that are near in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains.attrs import number_or
from beffroi.domains.belief import Belief
from beffroi.domains.latch import Latches
from beffroi.domains.leaks import Sector
from beffroi.domains.series import SILENT_S_MIN, Presence
from beffroi.domains.water.parts import Part, Point, Pump, Tank
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

NEAR_MS = 900_000  # values of one asset this close are of one moment
STATES = frozenset({"running", "open", "setting_bar", "setting_C", "dose_mg_l"})  # may stay
TWIN_TOLERANCE: Mapping[str, float] = {
    "level_m": 0.10, "pressure_bar": 0.2, "chlorine_mg_l": 0.1, "ph": 0.3, "temperature_C": 1.0,
    "turbidity_NFU": 0.5, "conductivity_uS_cm": 50.0, "flow_l_s": 2.0, "inflow_m3_h": 5.0,
}  # fmt: skip
_PARTS: Mapping[str, type[Tank | Pump | Sector]] = {"tank": Tank, "pump": Pump, "sector": Sector}


class WaterWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._silent_s = number_or(asset.attrs, "silent_s", SILENT_S_MIN)
        self._latches = Latches(asset.id, saved.get("latches"))
        self._belief = Belief(asset, saved.get("belief", {}), STATES, TWIN_TOLERANCE)
        self._presence = Presence.load(saved.get("presence"))
        self._part: Part = _PARTS.get(asset.kind, Point)(asset, saved.get("part"))
        self._last: dict[str, list[float]] = {k: list(v) for k, v in saved.get("last", {}).items()}

    def step(self, obs: Sequence[Obs]) -> Step:
        suspects: list[int] = []
        derived: list[Derived] = []
        for i, ob in enumerate(obs):
            if self._belief.step(ob, self._latches):
                suspects.append(i)
            self._last[ob.prop] = [ob.ts_ms, ob.value]
            if i + 1 == len(obs) or obs[i + 1].ts_ms != ob.ts_ms:
                self._presence.step(ob.ts_ms)
                self._latches.feed("water.silent", ob.ts_ms, False)
                derived += self._part.judge(ob.ts_ms, self._near(ob.ts_ms), self._latches)
        return Step(self._latches.take(), derived, suspects)

    def _near(self, ts_ms: int) -> dict[str, float]:
        return {k: v for k, (at, v) in self._last.items() if abs(ts_ms - at) <= NEAR_MS}

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        self._latches.feed("water.silent", now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "belief": self._belief.dump(),
            "presence": self._presence.dump(),
            "part": self._part.dump(),
            "last": {k: list(v) for k, v in self._last.items()},
        }
