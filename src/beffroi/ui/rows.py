"""What lists and cards show of an asset: name, headline, condition. Reads, decides nothing."""

from __future__ import annotations

from typing import NamedTuple

from beffroi.api import condition
from beffroi.api.town import Index
from beffroi.hub.live import Value
from beffroi.hub.services import Services
from beffroi.model.asset import Kind, Property

ORDER = {"grave": 0, "warning": 1, "stale": 2, "unknown": 3, "ok": 4}


class AssetRow(NamedTuple):
    """`headline` and `value` are None when the kind or the reading is unknown."""

    id: str
    name: str
    domain: str
    kind: Kind | None
    condition: str
    headline: Property | None
    value: Value | None

    @property
    def order(self) -> int:
        return ORDER[self.condition]


def asset_row(services: Services, index: Index, at: int, severity: int) -> AssetRow:
    domain = index.domains[at]
    return row_of(services, index.ids[at], index.names[at], domain, index.kinds[at], severity)


def row_of(
    services: Services, asset_id: str, name: str, domain: str, kind_name: str, severity: int
) -> AssetRow:
    known = services.domains.get(domain)
    kind = known.kinds.get(kind_name) if known else None
    prop = condition.headline(kind)
    value = services.live.values(asset_id).get(prop.name) if prop else None
    now = services.clock.now_ms()
    state = condition.of(severity, value, prop.stale_s if prop else 0, now)
    return AssetRow(asset_id, name, domain, kind, state, prop, value)
