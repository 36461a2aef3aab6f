"""Whether a new device's first reading has arrived, and if not, what is known about why.

Reads the store only. Knows no HTTP and no language.
"""

from __future__ import annotations

from typing import NamedTuple

from beffroi.hub.services import Services
from beffroi.model.asset import Device
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.reading import Quarantined
from beffroi.ports.store import Last

ROWS = 5


class Arrival(NamedTuple):
    """`values`: property -> newest value this device itself sent. `refused`: newest first."""

    arrived: bool
    values: dict[str, Last]
    refused: list[Quarantined]


def of(services: Services, device: Device) -> Arrival:
    """A gateway has arrived when it was seen; a device when a value of its own is stored."""
    values: dict[str, Last] = {}
    targets = {device.asset, *(asset for asset, _ in device.points.values())} - {""}
    if targets:
        known = services.store.readings.series_of(sorted(targets))
        own = {ident: key.prop for key, ident in known.items() if key.device == device.id}
        values = {own[last.series_id]: last for last in services.store.readings.last(list(own))}
    seen = bool(values) or (device.is_gateway and device.last_seen_ms > 0)
    return Arrival(seen, values, _refused(services, device))


def _refused(services: Services, device: Device) -> list[Quarantined]:
    names = {device.id, device.dev_eui} - {""}
    rows = services.store.readings.quarantine(PAGE_ROWS_MAX)
    since = device.created_ms
    return [row for _, row in rows if row.recv_ms >= since and row.device in names][:ROWS]
