"""Can the series of one asset be believed? Stuck, replayed, twins apart, as rules of a domain.

The domain must have the rules `<domain>.stuck`, `.replay` and `.twins_apart`. Refuses to know
limits and physics.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from beffroi.domains.attrs import number
from beffroi.domains.latch import Latches
from beffroi.domains.series import Echo, Stillness, Twins
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs


class Belief:
    """Memory per series ("<property> <device>") and per pair of twin sensors."""

    def __init__(
        self, asset: Asset, saved: Mapping[str, Any], steady: Set[str], twins: Mapping[str, float]
    ) -> None:
        """`steady`: properties that stand still by nature (states). `twins`: how far two devices
        may move apart, by property; the asset's attrs "twin_tolerance" overrides it."""
        self._domain, self._steady, self._tolerances = asset.domain, steady, twins
        self._tolerance = number(asset.attrs, "twin_tolerance")
        self._still = {k: Stillness.load(v) for k, v in saved.get("still", {}).items()}
        self._echo = {k: Echo.load(v) for k, v in saved.get("echo", {}).items()}
        self._twins = {k: Twins.load(v) for k, v in saved.get("twins", {}).items()}
        self._bad: dict[str, list[str]] = {k: list(v) for k, v in saved.get("bad", {}).items()}

    def step(self, ob: Obs, note: Latches) -> bool:
        """Fold one observation; True when it should not be believed."""
        if ob.prop in self._steady:
            return False
        key = f"{ob.prop} {ob.device}"
        still = self._still.get(key)
        if still is None:
            still = self._still[key] = Stillness()
            self._echo[key] = Echo()
        ts_ms, value = ob.ts_ms, ob.value
        still_s = still.step(ts_ms, value)
        echoed = self._echo[key].step(ts_ms, value)
        if still_s is not None or "stuck" in self._bad:
            hours = (still_s or 0.0) / 3_600
            facts: dict[str, float | str] = {"prop": ob.prop, "value": value, "hours": hours}
            self._flag("stuck", key, still_s is not None, ts_ms, facts, note)
        if echoed is not None or "replay" in self._bad:
            facts = {"prop": ob.prop, "values": float(echoed or 0)}
            self._flag("replay", key, echoed is not None, ts_ms, facts, note)
        self._twin(ob, note)
        return still_s is not None or echoed is not None

    def _twin(self, ob: Obs, note: Latches) -> None:
        tolerance = self._tolerance or self._tolerances.get(ob.prop)
        if tolerance is None:
            return
        twins = self._twins.get(ob.prop)
        if twins is None:
            twins = self._twins[ob.prop] = Twins()
        gap = twins.step(ob.ts_ms, ob.device, ob.value)
        if gap is not None:
            apart = (
                gap > tolerance
                if ob.prop not in self._bad.get("twins_apart", ())
                else (gap > 0.7 * tolerance)
            )
            facts: dict[str, float | str] = {"prop": ob.prop, "gap": gap}
            self._flag("twins_apart", ob.prop, apart, ob.ts_ms, facts, note)

    def _flag(
        self,
        rule: str,
        key: str,
        bad: bool,
        ts_ms: int,
        facts: dict[str, float | str],
        note: Latches,
    ) -> None:
        """One rule for all series of the asset: it holds while any of them is bad."""
        keys = self._bad.get(rule, [])
        if bad and key not in keys:
            self._bad[rule] = [*keys, key]
        elif not bad and key in keys:
            keys.remove(key)
            if not keys:
                del self._bad[rule]
        note.feed(f"{self._domain}.{rule}", ts_ms, rule in self._bad, facts)

    def dump(self) -> dict[str, Any]:
        return {
            "still": {k: v.dump() for k, v in self._still.items()},
            "echo": {k: v.dump() for k, v in self._echo.items()},
            "twins": {k: v.dump() for k, v in self._twins.items()},
            "bad": {k: list(v) for k, v in self._bad.items()},
        }
