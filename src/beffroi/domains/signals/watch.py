"""The watch of a junction: what it says of itself against its catalogue and what was asked.

Telemetry is judged, not believed: open signals are checked against the conflict matrix here too.
That is an alarm for people, never a safety function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beffroi.domains import signal_law as law
from beffroi.domains.attrs import number_or, text
from beffroi.domains.latch import Latches
from beffroi.domains.limit import Limit, check
from beffroi.domains.local_time import DEFAULT_ZONE, wall_ms
from beffroi.domains.series import Presence
from beffroi.domains.signal_junction import Junction, JunctionError
from beffroi.domains.signals.acts import hours
from beffroi.domains.signals.entities import CONFLICT, FAULTY, FLASHING, RUNNING
from beffroi.domains.signals.table import junction
from beffroi.domains.state import Memory
from beffroi.model.asset import Asset
from beffroi.model.finding import NOTHING, Step
from beffroi.model.reading import Obs

NEAR_MS = 120_000
SILENT_S = 900.0
STUCK_MS = 600_000
STUCK_GAP_MS_MAX = 30_000  # samples further apart may meet the same second of every cycle
SETTLE_S = 420.0  # a change of plan waits for the end of a cycle, and the hub's clock may differ
DAY_MIN = 1_440


@dataclass(slots=True)
class JunctionMemory(Memory):
    greens: float = -1.0
    greens_since_ms: int = -1
    greens_at_ms: int = -1


class JunctionWatch:
    """See `domains.base.Watch`."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None = None) -> None:
        saved, attrs = saved or {}, asset.attrs
        self._junction = _read(attrs)
        self._hours = hours(attrs.get("day"))
        self._zone = text(attrs, "timezone", DEFAULT_ZONE)
        self._silent_s = number_or(attrs, "silent_s", SILENT_S)
        self._limits = [
            Limit("signals.waiting", "wait_s", None, law.WAIT_S_MAX, 10.0, 0, "most_s"),
            Limit("signals.door_open", "door_open", None, 0.5, 0.0, 60),
        ]
        self._latches = Latches(asset.id, saved.get("latches"))
        self._presence = Presence.load(saved.get("presence"))
        self._m = JunctionMemory.load(saved.get("memory"))
        self._last: dict[str, list[float]] = {k: list(v) for k, v in saved.get("last", {}).items()}

    def step(self, obs: Sequence[Obs]) -> Step:
        for i, ob in enumerate(obs):
            self._last[ob.prop] = [ob.ts_ms, ob.value]
            if i + 1 == len(obs) or obs[i + 1].ts_ms != ob.ts_ms:
                self._judge(ob.ts_ms)
        return Step(self._latches.take())

    def _judge(self, ts_ms: int) -> None:
        self._presence.step(ts_ms)
        feed = self._latches.feed
        feed("signals.silent", ts_ms, False)
        now = {k: v for k, (at, v) in self._last.items() if abs(ts_ms - at) <= NEAR_MS}
        for limit in self._limits:
            check(limit, ts_ms, now, self._latches)
        fault, state = now.get("fault"), now.get("state")
        if fault is not None:
            feed("signals.conflict", ts_ms, fault == CONFLICT)
            feed("signals.fault", ts_ms, fault not in (0, CONFLICT), {"fault": fault})
        if state is not None:
            feed("signals.flashing", ts_ms, state in (FLASHING, FAULTY), on_s=20)
        if state == RUNNING:
            self._plan(ts_ms, now)
            self._greens(ts_ms, now.get("greens"))

    def _plan(self, ts_ms: int, now: Mapping[str, float]) -> None:
        plan, made = now.get("plan"), self._junction
        if plan is None or made is None:
            return
        known = plan in made.plans
        self._latches.feed("signals.plan_unknown", ts_ms, not known, {"plan": plan})
        facts: dict[str, float | str] = {"plan": plan, "local": made.local}
        surprise = known and plan not in self._explained(ts_ms, made)
        self._latches.feed("signals.plan_uncommanded", ts_ms, surprise, facts, on_s=SETTLE_S)

    def _explained(self, ts_ms: int, made: Junction) -> set[float]:
        """The local plan, always the safe answer to silence; the last one ordered; that of the
        hour, which the controller's own clock may choose."""
        minute = wall_ms(ts_ms, self._zone) // 60_000 % DAY_MIN
        at_hour = {float(h.plan) for h in self._hours if any(a <= minute <= b for a, b in h.spans)}
        ordered = self._last.get("ordered_plan", [0.0, 0.0])[1]
        return {float(made.local), ordered} | at_hour

    def _greens(self, ts_ms: int, greens: float | None) -> None:
        if greens is None:
            return
        m = self._m
        if greens != m.greens or ts_ms - m.greens_at_ms > STUCK_GAP_MS_MAX:
            m.greens, m.greens_since_ms = greens, ts_ms
        m.greens_at_ms = ts_ms
        still_ms = ts_ms - m.greens_since_ms
        self._latches.feed(
            "signals.stuck", ts_ms, still_ms > STUCK_MS, {"minutes": still_ms / 60_000}
        )
        if self._junction is None:
            return
        bits, names = int(greens), [group.name for group in self._junction.groups]
        both = [(a, b) for a, b in self._junction.conflicts if bits >> a & 1 and bits >> b & 1]
        facts: dict[str, float | str] = {}
        if both:
            facts = {"a": names[both[0][0]], "b": names[both[0][1]]}
        self._latches.feed("signals.greens_together", ts_ms, bool(both), facts)

    def tick(self, now_ms: int) -> Step:
        quiet_s = self._presence.silent_s(now_ms, self._silent_s)
        if not quiet_s:
            return NOTHING
        self._latches.feed("signals.silent", now_ms, True, {"hours": quiet_s / 3_600})
        return Step(self._latches.take())

    def dump(self) -> dict[str, Any]:
        return {
            "latches": self._latches.dump(),
            "presence": self._presence.dump(),
            "memory": self._m.dump(),
            "last": {k: list(v) for k, v in self._last.items()},
        }


def _read(attrs: Mapping[str, Any]) -> Junction | None:
    """Without readable data only faults and silence are told."""
    try:
        return junction(attrs.get("junction"))
    except JunctionError:
        return None
