"""A compact index of the town's assets in memory, for the map: boxes, groups, conditions.

Read again when the store's inventory version moves. Not a source of truth. Knows no HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.api import condition
from beffroi.api.policies import What
from beffroi.api.scope import thing_of
from beffroi.hub.services import Services
from beffroi.model.limits import MAP_GROUPS_ACROSS

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Box(NamedTuple):
    """Degrees, WGS 84."""

    west: float
    south: float
    east: float
    north: float


class Group(NamedTuple):
    """Assets of one domain in one cell of the grid, at their mean place."""

    lon: float
    lat: float
    domain: str
    n: int
    grave: int
    warning: int


@dataclass(slots=True)
class Index:
    """Columns of equal length, one row per asset."""

    version: int = -1
    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    shapes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    lon: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    lat: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    rows: dict[str, int] = field(default_factory=dict)
    owners: list[What] = field(default_factory=list)  # each kind of owner once
    owner: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # of a row

    def inside(self, box: Box | None, domains: Sequence[str], seen: Mask | None = None) -> Ints:
        """Rows in the box (all when None), in these domains (all when empty), and of `seen`."""
        keep = np.ones(len(self.ids), dtype=bool) if seen is None else seen.copy()
        if box is not None:
            keep &= (self.lon >= box.west) & (self.lon <= box.east)
            keep &= (self.lat >= box.south) & (self.lat <= box.north)
        if domains:
            wanted = set(domains)
            keep &= np.fromiter((d in wanted for d in self.domains), bool, len(self.domains))
        return np.flatnonzero(keep)

    def bounds(self, seen: Mask | None = None) -> Box | None:
        """The box around everything, or around what is seen; None when that is nothing."""
        kept = slice(None) if seen is None else seen
        lon, lat = self.lon[kept], self.lat[kept]
        if not len(lon):
            return None
        return Box(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))


class Town:
    """Holds the index and reads it again when needed. Call from a thread: it may read the store."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._index = Index()

    def index(self) -> Index:
        version = self._services.store.assets.inventory_version()
        with self._lock:
            if version != self._index.version:
                self._index = self._read(version)
            return self._index

    def severities(self) -> Mapping[str, int]:
        return condition.worst(self._services.desk.open())

    def _read(self, version: int) -> Index:
        new = Index(version=version)
        assets = self._services.store.assets.assets()
        for row, asset in enumerate(assets):
            new.ids.append(asset.id)
            new.names.append(asset.name)
            new.domains.append(asset.domain)
            new.kinds.append(asset.kind)
            new.rows[asset.id] = row
            if asset.geometry:
                new.shapes[asset.id] = asset.geometry
        owners = [thing_of(asset) for asset in assets]
        known = {one: at for at, one in enumerate(dict.fromkeys(owners))}
        new.owners = list(known)
        new.owner = np.array([known[one] for one in owners], dtype=np.int64)
        new.lon = np.array([asset.lon for asset in assets], dtype=np.float64)
        new.lat = np.array([asset.lat for asset in assets], dtype=np.float64)
        return new


def groups(index: Index, rows: Ints, severities: Mapping[str, int]) -> list[Group]:
    """At most about MAP_GROUPS_ACROSS squared groups per domain."""
    lon, lat = index.lon[rows], index.lat[rows]
    step = max(np.ptp(lon), np.ptp(lat) * 1.5, 1e-9) / MAP_GROUPS_ACROSS
    cells: dict[tuple[int, int, str], list[int]] = {}
    columns = ((lon - lon.min()) // step).astype(int).tolist()
    lines = ((lat - lat.min()) // (step / 1.5)).astype(int).tolist()
    for row, x, y in zip(rows.tolist(), columns, lines, strict=True):
        cells.setdefault((x, y, index.domains[row]), []).append(row)
    return [_group(index, domain, found, severities) for (_, _, domain), found in cells.items()]


def _group(index: Index, domain: str, rows: list[int], severities: Mapping[str, int]) -> Group:
    worst = [severities.get(index.ids[row], condition.CALM) for row in rows]
    return Group(
        float(index.lon[rows].mean()),
        float(index.lat[rows].mean()),
        domain,
        len(rows),
        sum(level == 2 for level in worst),
        sum(level == 1 for level in worst),
    )
