"""Brings what the dispatcher finds to the alarm desk, durable in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import structlog

from beffroi.hub.alarms.desk import Desk
from beffroi.model.finding import Finding
from beffroi.ports.clock import Clock
from beffroi.ports.store import Store, StoreError

log = structlog.get_logger("dispatch")


class ToDesk:
    """Called from threads. What a store that fails does not take is owed: the next call tells it
    again, also a call with nothing new. It costs the alarm a second try, never a receipt."""

    def __init__(self, desk: Desk, store: Store, clock: Clock) -> None:
        self._desk, self._store, self._clock = desk, store, clock
        # As many as there are causes: the newest that began and the newest that ended of each.
        self._owed: dict[tuple[str, str, bool], Finding] = {}

    def __call__(self, findings: Sequence[Finding]) -> None:
        with self._desk.lock:
            again = bool(self._owed)
            for one in findings:
                key = (one.rule, one.asset, one.active)
                self._owed.pop(key, None)  # it comes last, after what it contradicts
                self._owed[key] = one
            if not self._owed:
                return
            try:
                self._tell(list(self._owed.values()), again=again)
            except StoreError as error:
                log.error("alarm_not_kept", error=str(error), rules=[key[0] for key in self._owed])
                with suppress(StoreError):  # else before the next try
                    self._desk.reload()
            else:
                self._owed.clear()

    def _tell(self, findings: Sequence[Finding], *, again: bool) -> None:
        if again:  # a desk that could not be read again is ahead of the store
            self._desk.reload()
        found = (self._store.assets.asset(one.asset) for one in findings if one.asset)
        assets = {asset.id: asset for asset in found if asset is not None}
        changes = self._desk.findings(findings, assets, self._clock.now_ms())
        if changes:
            self._store.alarms.apply(changes)
            self._desk.settle(changes)
