"""Brings what the dispatcher finds to the alarm desk, durable in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from beffroi.hub.alarms.desk import Desk
from beffroi.model.finding import Finding
from beffroi.ports.clock import Clock
from beffroi.ports.store import Store, StoreError

log = structlog.get_logger("dispatch")


class ToDesk:
    """Called from threads. A store that fails costs the alarm a second try, never a receipt."""

    def __init__(self, desk: Desk, store: Store, clock: Clock) -> None:
        self._desk, self._store, self._clock = desk, store, clock

    def __call__(self, findings: Sequence[Finding]) -> None:
        found = (self._store.assets.asset(one.asset) for one in findings if one.asset)
        assets = {asset.id: asset for asset in found if asset is not None}
        with self._desk.lock:
            changes = self._desk.findings(findings, assets, self._clock.now_ms())
            if not changes:
                return
            try:
                self._store.alarms.apply(changes)
            except StoreError as error:
                self._desk.reload()
                log.error("alarm_not_kept", error=str(error), rules=[f.rule for f in findings])
            else:
                self._desk.settle(changes)
