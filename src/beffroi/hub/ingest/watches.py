"""The watches of all assets: who has one, folding new observations in, ticking, snapshots.

An exception inside a domain's watch is a bug of that domain: it is logged and counted, and costs
only that asset's step. Runs in the ingest's worker thread only. Knows no storage and no format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from beffroi.domains.base import Domain, Watch
from beffroi.hub.ingest.orders import Order
from beffroi.model.asset import Asset, Kind
from beffroi.model.finding import NOTHING, Derived, Finding, Step
from beffroi.model.reading import Obs
from beffroi.ports.store import SeriesKey

log = structlog.get_logger()
T = TypeVar("T")
NEVER = -(2**62)


class Slot:
    """One series: its bounds, its id (0 until asked for) and its newest device time."""

    __slots__ = ("device", "high", "key", "low", "newest", "prop", "series", "watched")

    def __init__(self, key: SeriesKey, low: float, high: float, watched: Watched | None) -> None:
        self.key = key
        self.device = key.device
        self.prop = key.prop
        self.low = low
        self.high = high
        self.watched = watched
        self.series = 0
        self.newest = NEVER


class Watched:
    """One asset with its watch and what the present turn has for it.

    `rows[i]` is the row index in the turn of `obs[i]`.
    """

    __slots__ = (
        "asset",
        "derived",
        "dirty",
        "domain",
        "group",
        "group_obs",
        "kind",
        "obs",
        "rows",
        "watch",
    )

    def __init__(self, asset: Asset, domain: Domain | None) -> None:
        self.asset = asset
        self.domain = domain
        self.kind: Kind | None = domain.kinds.get(asset.kind) if domain is not None else None
        self.watch: Watch | None = None
        self.group: Watched | None = None
        self.dirty = False
        self.obs: list[Obs] = []
        self.rows: list[int] = []
        self.derived: dict[str, Slot] = {}  # series of derived values, by property
        self.group_obs: list[Obs] = []


class Outcome:
    """What the watches said in one turn."""

    __slots__ = ("derived", "findings", "suspects")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.derived: list[tuple[Watched, Derived]] = []
        self.suspects: list[int] = []  # row indices


class Watches:
    """By asset."""

    def __init__(
        self, domains: Mapping[str, Domain], saved: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._domains = domains
        self._saved: dict[str, Mapping[str, Any]] = dict(saved or {})
        self._watched: dict[str, Watched] = {}
        self._order: list[Watched] = []
        self.errors = 0

    def of(self, asset_id: str) -> Watched | None:
        return self._watched.get(asset_id)

    def restore(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """States to start from; before the first `reload`."""
        self._saved = dict(saved)

    def reload(self, assets: Sequence[Asset]) -> None:
        """The inventory changed. An asset that did not keeps its watch; a changed one keeps its
        memory as far as the domain can read it back."""
        old = self._watched
        self._watched = {asset.id: self._keep(asset, old.get(asset.id)) for asset in assets}
        self._order = list(self._watched.values())
        for watched in self._order:
            watched.group = self._group(watched)

    def _keep(self, asset: Asset, before: Watched | None) -> Watched:
        if before is not None and before.asset == asset:
            return before
        if before is not None and before.watch is not None:
            self._saved[asset.id] = _guarded(self, before, before.watch.dump, {})
        watched = Watched(asset, self._domains.get(asset.domain))
        if watched.domain is not None and watched.kind is not None:
            saved = self._saved.pop(asset.id, None)
            watched.watch = self._make(watched, watched.domain, saved or None)
        return watched

    def _make(
        self, watched: Watched, domain: Domain, saved: Mapping[str, Any] | None
    ) -> Watch | None:
        """A saved state that the domain cannot read any more costs only that memory."""
        asset = watched.asset
        if saved is not None:
            watch = _guarded(self, watched, lambda: domain.watch(asset, saved), None)
            if watch is not None:
                return watch
        return _guarded(self, watched, lambda: domain.watch(asset, None), None)

    def _group(self, watched: Watched) -> Watched | None:
        domain = watched.domain
        if domain is None:
            return None
        name = _guarded(self, watched, lambda: domain.group(watched.asset), "")
        group = self._watched.get(name) if name else None
        return group if group is not watched else None

    def step(self, touched: Sequence[Watched]) -> Outcome:
        """Fold `obs` of each touched asset, then give them to the groups; empties `obs`."""
        out = Outcome()
        groups: dict[int, Watched] = {}
        for watched in touched:
            obs, rows = watched.obs, watched.rows
            watched.obs, watched.rows = [], []
            if watched.watch is not None:
                step = _guarded(self, watched, lambda w=watched.watch, o=obs: w.step(o), NOTHING)  # type: ignore[misc]
                self._gather(out, watched, step)
                out.suspects += [rows[i] for i in step.suspects if 0 <= i < len(rows)]
            group = watched.group
            if group is not None and group.watch is not None:
                groups[id(group)] = group
                asset_id = watched.asset.id
                group.group_obs += [
                    Obs(f"{asset_id}/{one.prop}", one.device, one.ts_ms, one.value) for one in obs
                ]
        for group in groups.values():
            self._step_group(out, group)
        return out

    def _step_group(self, out: Outcome, group: Watched) -> None:
        obs = sorted(group.group_obs, key=_when)
        group.group_obs = []
        watch = group.watch
        if watch is not None:
            self._gather(out, group, _guarded(self, group, lambda: watch.step(obs), NOTHING))

    def tick(self, now_ms: int, part: int, parts: int) -> Outcome:
        """Let time pass for one of `parts` equal shares of the watches."""
        out = Outcome()
        for watched in self._order[part::parts]:
            watch = watched.watch
            if watch is None:
                continue
            step = _guarded(self, watched, lambda w=watch: w.tick(now_ms), NOTHING)  # type: ignore[misc]
            if step is not NOTHING and (step.findings or step.derived):
                self._gather(out, watched, step)
        return out

    def ordered(self, order: Order, now_ms: int) -> Outcome:
        """A guard has done it: the watch of its target sees what the domain notes of it."""
        out = Outcome()
        watched = self._watched.get(order.target)
        if watched is None or watched.watch is None or watched.domain is None:
            return out
        watch, noting, asset = watched.watch, watched.domain.ordered, watched.asset
        nothing: Mapping[str, float] = {}
        noted = _guarded(self, watched, lambda: noting(asset, *order[1:]), nothing)
        if noted:
            obs = [Obs(prop, "", now_ms, value) for prop, value in noted.items()]
            self._gather(out, watched, _guarded(self, watched, lambda: watch.step(obs), NOTHING))
            out.derived += [(watched, Derived(prop, now_ms, v)) for prop, v in noted.items()]
        return out

    def snapshot(self, part: int, parts: int) -> dict[str, Mapping[str, Any]]:
        """States that changed since their last snapshot, in one share of the watches. The caller
        calls `dirty` again for them if they do not become durable."""
        states: dict[str, Mapping[str, Any]] = {}
        for watched in self._order[part::parts]:
            if watched.dirty and watched.watch is not None:
                watched.dirty = False
                states[watched.asset.id] = _guarded(self, watched, watched.watch.dump, {})
        return states

    def _gather(self, out: Outcome, watched: Watched, step: Step) -> None:
        watched.dirty = True
        if step is NOTHING:
            return
        out.findings += step.findings
        out.derived += [(watched, one) for one in step.derived]


def _when(obs: Obs) -> int:
    return obs.ts_ms


def _guarded(owner: Watches, watched: Watched, call: Callable[[], T], instead: T) -> T:
    try:
        return call()
    except Exception:
        owner.errors += 1
        log.exception("a watch failed", asset=watched.asset.id, domain=watched.asset.domain)
        return instead
