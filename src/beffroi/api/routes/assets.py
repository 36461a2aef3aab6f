"""Assets: what the town owns, their newest values and their history."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from beffroi.api import series, sight
from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Moment
from beffroi.api.problems import Refusal, not_found
from beffroi.hub.live import Event
from beffroi.model.asset import Asset
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.measure import DAY_MS

router = APIRouter(prefix="/api/assets", tags=["assets"])
YEARS_MS_MAX = 11 * 366 * DAY_MS
_encode = msgspec.json.Encoder().encode


@router.get("")
def read_assets(
    request: Request, services: Svc, me: Me, domain: str = "", after: str = ""
) -> list[dict[str, Any]]:
    """By id, PAGE_ROWS_MAX at a time: `after` is the last id of the page before."""
    found: list[Asset] = []
    while len(found) < PAGE_ROWS_MAX:
        some = services.store.assets.assets(domain, PAGE_ROWS_MAX, after)
        found += sight.assets_seen(me.user, some)
        if len(some) < PAGE_ROWS_MAX:
            break
        after = some[-1].id
    index = request.app.state.town.index()
    return [
        asdict(asset) | {"attrs": sight.attrs_seen(me.user, index, asset)}
        for asset in found[:PAGE_ROWS_MAX]
    ]


@router.get("/{asset_id}")
def read_asset(request: Request, services: Svc, me: Me, asset_id: str) -> dict[str, Any]:
    """With the newest value of each property: {property: [ts_ms, value, quality]}."""
    asset = asset_of(services, asset_id)
    values = {name: list(value) for name, value in services.live.values(asset_id).items()}
    attrs = sight.attrs_seen(me.user, request.app.state.town.index(), asset)
    return asdict(asset) | {"attrs": attrs, "values": values}


@router.get("/{asset_id}/series")
def read_series(
    services: Svc, asset_id: str, prop: str, start_ms: Moment, end_ms: Moment
) -> Response:
    """History of one property: see `series.history`; with the asset's alarms of that time."""
    if not start_ms < end_ms or end_ms - start_ms > YEARS_MS_MAX:
        raise Refusal(
            422, "span", "Ask for a time span that ends after it starts, ten years at most."
        )
    asset_of(services, asset_id)
    source = series.sources(services.store.readings, asset_id).get(prop)
    if source is None:
        raise not_found(prop)
    body = series.history(services.store.readings, source.series_id, start_ms, end_ms)
    body["alarms"] = [
        [alarm.raised_ms, int(alarm.severity), alarm.id]
        for alarm in services.store.alarms.alarms([], asset=asset_id, limit=PAGE_ROWS_MAX)
        if start_ms <= alarm.raised_ms < end_ms
    ]
    return Response(_encode(body), media_type="application/json")


@router.get("/{asset_id}/hours")
def read_hours(
    services: Svc, asset_id: str, prop: str, start_ms: Moment, end_ms: Moment
) -> list[dict[str, Any]]:
    """Hourly rollups: count, total, lowest, highest."""
    source = series.sources(services.store.readings, asset_id).get(prop)
    if source is None:
        raise not_found(prop)
    span = min(end_ms, start_ms + YEARS_MS_MAX)
    hours = services.store.readings.hours(source.series_id, start_ms, span)
    return [hour._asdict() for hour in hours]


@router.delete("/{asset_id}", status_code=204)
@needs("admin")
async def delete_asset(services: Svc, asset_id: str) -> None:
    """Its history stays; refused while a device still points to it."""
    await run_in_threadpool(services.store.assets.delete_asset, asset_id)
    services.live.tell(Event("inventory", {"asset": asset_id}))


def asset_of(services: Svc, asset_id: str) -> Asset:
    asset = services.store.assets.asset(asset_id)
    if asset is None:
        raise not_found(asset_id)
    return asset
