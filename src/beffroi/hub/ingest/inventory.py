"""The town's inventory in the form the hot path needs: per device, where each raw name goes.

A cache of the store, read again when `inventory_version()` grows. What it adds is the newest
device time of each series, so that late readings are known without asking the store. Runs in the
ingest's worker thread only. Knows no message format and makes no decision about a reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from beffroi.domains.base import Domain
from beffroi.hub.ingest.watches import NEVER, Slot, Watched, Watches
from beffroi.model.asset import Asset, Device, Property
from beffroi.ports.store import SeriesKey, Store

RELOAD_QUICK_S = 0.25  # a reload that took no longer may come again at once;
RELOAD_SHARE = 20  # a longer one (a metropolis) may take at most 1/20 of the time
Decode = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class Plan:
    """One device: who carries it, how it is decoded, where its values go (slots by raw name)."""

    __slots__ = ("decode", "device", "gateway", "id", "model", "revoked", "slots")

    def __init__(self, device: Device, decode: Decode | None) -> None:
        self.device = device
        self.id = device.id
        self.gateway = device.gateway
        self.model = device.model
        self.revoked = device.status == "revoked"
        self.decode = decode
        self.slots: dict[str, Slot] = {}


class Inventory:
    """Plans by device and by DevEUI; slots by series."""

    def __init__(self, store: Store, domains: Mapping[str, Domain], watches: Watches) -> None:
        self._store = store
        self._domains = domains
        self._watches = watches
        self._plans: dict[str, Plan] = {}
        self._euis: dict[str, Plan] = {}
        self._slots: dict[SeriesKey, Slot] = {}
        self._version = -1
        self._not_before = 0.0
        self._stale = False

    def refresh(self) -> bool:
        """Read the inventory again if it changed; returns whether it did. Raises StoreError."""
        version = self._store.assets.inventory_version()
        if version == self._version:
            return False
        self._stale = True
        if time.monotonic() < self._not_before:
            return False
        self._reload(version)
        return True

    def plan(self, device_id: str) -> Plan | None:
        """None when no such device is known, even after reading again."""
        plan = self._plans.get(device_id)
        if plan is None and self._stale:
            self._reload(self._store.assets.inventory_version())
            plan = self._plans.get(device_id)
        return plan

    def plan_of_eui(self, dev_eui: str) -> Plan | None:
        plan = self._euis.get(dev_eui)
        if plan is None and self._stale:
            self._reload(self._store.assets.inventory_version())
            plan = self._euis.get(dev_eui)
        return plan

    def slot(self, plan: Plan, name: str) -> Slot | str:
        """Where the raw name of the device goes, or why it cannot go anywhere."""
        point = plan.device.points.get(name)
        asset_id, prop = point if point is not None else (plan.device.asset, name)
        if not asset_id:
            return f"device {plan.id!r} belongs to no asset: attach it, or map {name[:80]!r}"
        watched = self._watches.of(asset_id)
        if watched is None:
            return f"asset {asset_id!r} is not in the inventory: create it"
        found = _property(watched, prop)
        if isinstance(found, str):
            return found
        slot = self._slot(SeriesKey(asset_id, plan.id, prop), found, watched)
        plan.slots[name] = slot
        return slot

    def derived(self, watched: Watched, prop: str) -> Slot:
        """The series of a value that the hub computed itself."""
        key = SeriesKey(watched.asset.id, "", prop)
        slot = watched.derived[prop] = self._slots.get(key) or self._slot(key, None, watched)
        return slot

    def resolve(self, slots: Sequence[Slot]) -> None:
        """Give ids and newest times to slots that have none. Raises StoreError; may be retried."""
        if not slots:
            return
        ids = self._store.readings.series_ids([slot.key for slot in slots])
        newest = {last.series_id: last.ts_ms for last in self._store.readings.last(ids)}
        for slot, series in zip(slots, ids, strict=True):
            slot.newest = newest.get(series, NEVER)
            slot.series = series

    def _slot(self, key: SeriesKey, found: Property | None, watched: Watched) -> Slot:
        low, high = (found.low, found.high) if found is not None else (-1e300, 1e300)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = Slot(key, low, high, watched)
        slot.low, slot.high, slot.watched = low, high, watched
        return slot

    def _reload(self, version: int) -> None:
        start = time.monotonic()
        assets = self._store.assets.assets()
        devices = self._store.assets.devices()
        self._watches.reload(assets)
        decoders = {asset.id: self._decoder(asset) for asset in assets}
        self._plans = {device.id: Plan(device, _decode(device, decoders)) for device in devices}
        self._euis = {
            plan.device.dev_eui.upper(): plan
            for plan in self._plans.values()
            if plan.device.dev_eui
        }
        self._version = version
        self._stale = False
        took_s = time.monotonic() - start
        self._not_before = start + took_s * RELOAD_SHARE if took_s > RELOAD_QUICK_S else 0.0

    def _decoder(self, asset: Asset) -> Decode | None:
        domain = self._domains.get(asset.domain)
        return domain.decode if domain is not None else None


def _decode(device: Device, decoders: Mapping[str, Decode | None]) -> Decode | None:
    """The decoder of the device's own asset, else of the first one it measures."""
    if device.asset:
        return decoders.get(device.asset)
    for asset, _ in device.points.values():
        return decoders.get(asset)
    return None


def _property(watched: Watched, prop: str) -> Property | str:
    kind = watched.kind
    if kind is None:
        return f"asset {watched.asset.id!r} is of a kind that this version does not know"
    if prop in kind.derived:
        return f"{prop!r} is computed by the hub: devices may not send it"
    found = kind.properties.get(prop)
    if found is None:
        known = ", ".join(name for name in kind.properties if name not in kind.derived)
        return f"{prop[:80]!r} is no property of {kind.name!r}; known: {known[:300]}"
    return found
