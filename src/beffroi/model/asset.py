"""Assets (what the town owns), devices (what measures them) and their descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def is_device_id(text: str) -> bool:
    """Lower-case letters, digits and hyphens, at most NAME_CHARS_MAX: it becomes part of topics,
    file names and permissions, so nothing else may ever be in it."""
    return _DEVICE_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Label:
    """A text of the interface in its two languages. French first."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Property:
    """One measured quantity of a kind of asset.

    `name` ends with its unit where it has one (`level_m`). `low` and `high` are the bounds of the
    physically possible (inclusive): outside them a reading is quarantined, never stored.
    `stale_s`: after this long without a value the map says that nothing is known.
    """

    name: str
    label: Label
    unit: str = ""
    low: float = -1e12
    high: float = 1e12
    stale_s: int = 7_200
    digits: int = 2
    states: Mapping[int, Label] | None = None  # for a coded property: 0 -> free, 1 -> taken


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of asset of one domain: a tank, a bay, a luminaire."""

    name: str
    label: Label
    properties: Mapping[str, Property]
    headline: str  # the property that the map and lists show first
    icon: str = "dot"
    derived: tuple[str, ...] = ()  # properties that the hub computes, devices may not send them


@dataclass(frozen=True, slots=True)
class Asset:
    """Something of the town at a place. `authority` is who is competent for it (CGCT)."""

    id: str
    domain: str
    kind: str
    name: str
    lon: float
    lat: float
    commune: str = "commune"
    authority: str = "commune"
    zone: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)  # the domain reads them
    geometry: Mapping[str, Any] | None = None  # GeoJSON of a line or area, if it is not a point


@dataclass(frozen=True, slots=True)
class Device:
    """A thing with an identity of its own.

    `points` tells which asset and property each raw name is, for a device that measures several:
    {"L_T1": ("tank-1", "level_m")}. Empty: all its values belong to `asset` under their own names.
    `gateway` is the device through which it speaks ("" when it connects itself).
    """

    id: str
    asset: str
    model: str = ""  # selects the domain's decoder: "" means plain names and SI-like units
    gateway: str = ""
    points: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    codec: str = ""  # sha256 of an allow-listed LoRaWAN codec
    dev_eui: str = ""
    is_gateway: bool = False
    is_guard: bool = False  # stands beside actuators: receives commands, publishes receipts
    status: str = "enrolled"  # "pending", "enrolled", "revoked"
    cert_serial: str = ""
    cert_not_after_ms: int = 0
    maker: str = ""
    firmware: str = ""
    firmware_newest: str = ""
    support_end: str = ""  # ISO date of the maker's end of support
    default_secret: bool | None = None  # None: nobody has checked
    last_seen_ms: int = 0
    created_ms: int = 0
    commune: str = "commune"


@dataclass(frozen=True, slots=True)
class Commune:
    """The municipality that this hub serves."""

    id: str
    name: str
    inhabitants: int
    lon: float
    lat: float
    timezone: str = "Europe/Paris"
    insee: str = ""
