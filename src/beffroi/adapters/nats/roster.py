"""The gate's copy of the inventory: small, in memory, compared with the store by its version.

When the store cannot be read, the last copy stands: devices go on connecting.
"""

from __future__ import annotations

import threading

import structlog

from beffroi.adapters.nats import admit
from beffroi.adapters.nats.tokens import Permissions
from beffroi.model.asset import Device
from beffroi.ports.identity import PREVIOUS_SETTING
from beffroi.ports.store import AssetStore, PeopleStore, StoreError

PAGE = 5_000

log = structlog.get_logger("gate")


class Roster:
    """Devices that may connect. `refresh` and `judge_fresh` run in threads, one at a time."""

    def __init__(self, assets: AssetStore, people: PeopleStore) -> None:
        self._assets = assets
        self._people = people
        self._lock = threading.Lock()
        self._version = -1
        self._known: dict[str, admit.Known] = {}

    def refresh(self) -> list[str]:
        """Follow the store; returns devices whose live connection must be cut."""
        with self._lock:
            return self._refresh()

    def _refresh(self) -> list[str]:
        try:
            version = self._assets.inventory_version()
            if version == self._version:
                return []
            fresh = self._read_all()
            cut = [
                name
                for name, known in self._known.items()
                if fresh.get(name) != known and not self._continues(name, known, fresh.get(name))
            ]
        except StoreError as error:  # the version stays the old one: the next look finds them
            log.error("gate_store_unreadable", error=str(error))
            return []
        self._known, self._version = fresh, version
        return cut

    def welcome(self, device: str) -> bool:
        """It is enrolled (whichever certificate it shows)."""
        known = self._known.get(device)
        return known is not None and known.status == "enrolled"

    def judge(self, shown: admit.Claim) -> Permissions:
        """From the copy; admit.RefusalError when it may not come in."""
        return admit.judge(shown, self._known.get(shown.device))

    def judge_fresh(self, shown: admit.Claim) -> Permissions:
        """From the store itself (blocking): a new enrolment, or the certificate being renewed."""
        with self._lock:
            try:
                device = self._assets.device(shown.device)
                previous = self._people.setting(PREVIOUS_SETTING + shown.device) or ""
            except StoreError as error:
                raise admit.RefusalError(f"the store cannot be read: {error}") from error
            known = None if device is None else _known(device)
            permissions = admit.judge(shown, known, previous)
            if known is not None:
                # Remember what it was let in for: or a revocation before the next refresh would
                # find no difference, and leave it connected.
                self._known[shown.device] = known
            return permissions

    def _continues(self, name: str, old: admit.Known, new: admit.Known | None) -> bool:
        """The device may stay connected although its entry changed."""
        if new is None or new.status != "enrolled" or old.status != "enrolled":
            return new is not None and new.status == "enrolled"
        if (new.is_gateway, new.is_guard) != (old.is_gateway, old.is_guard):
            return False  # its permissions change: it must come in again
        if new.serial == old.serial:
            return True
        return (self._people.setting(PREVIOUS_SETTING + name) or "") == old.serial

    def _read_all(self) -> dict[str, admit.Known]:
        fresh: dict[str, admit.Known] = {}
        after = ""
        while True:
            page = self._assets.devices(limit=PAGE, after=after)
            fresh.update((device.id, _known(device)) for device in page if device.cert_serial)
            if len(page) < PAGE:
                return fresh
            after = page[-1].id


def _known(device: Device) -> admit.Known:
    return admit.Known(device.status, device.cert_serial, device.is_gateway, device.is_guard)
