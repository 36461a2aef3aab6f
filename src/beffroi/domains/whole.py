"""The watch of a whole network: do its levels, flows, pressures and states agree as always?

The service that uses it has the rule `network_odd` and the derived property `oddity`.
Fed by the group mechanism (`domains.base.Domain.group`) with the observations of every asset whose
attrs name this network. It learns for weeks before it speaks; see `domains.coherence`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains.coherence import Coherence
from beffroi.domains.latch import Latches
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Derived, Step
from beffroi.model.reading import Obs

QUIET_S = 86_400.0  # an alarm ends after so long without oddity
SKIPPED = frozenset({"temperature_C", "metered_m3_h"})  # follow the season, not the hydraulics


class NetworkWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._rule = f"{asset.domain}.network_odd"
        self._latches = Latches(asset.id, saved.get("latches"))
        self._coherence = Coherence(saved.get("coherence"))

    def step(self, obs: Sequence[Obs]) -> Step:
        derived = []
        for ob in obs:
            if ob.prop.rpartition("/")[2] in SKIPPED:
                continue
            verdict = self._coherence.step(ob.ts_ms, ob.prop, ob.value)
            if verdict is None:
                continue
            derived.append(Derived("oddity", ob.ts_ms, verdict.oddity))
            facts: dict[str, float | str] = {"tag": verdict.tag, "oddity": verdict.oddity}
            odd = verdict.oddity > 1.0
            self._latches.feed(self._rule, ob.ts_ms, odd, facts, off_s=QUIET_S)
        return Step(self._latches.take(), derived)

    def tick(self, now_ms: int) -> Step:
        del now_ms  # silence is told by the parts themselves
        return NOTHING

    def dump(self) -> dict[str, Any]:
        return {"latches": self._latches.dump(), "coherence": self._coherence.dump()}
