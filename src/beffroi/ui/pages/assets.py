"""One asset: its state, its values live, its history, who measures it, who is competent for it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import alarm_views, posture, sight
from beffroi.api.access import Me, Svc
from beffroi.api.condition import CALM
from beffroi.api.routes.alarms import listed
from beffroi.api.routes.assets import asset_of
from beffroi.api.words import lang_of
from beffroi.hub.nights import BOOK
from beffroi.model.asset import Asset, Device, Property
from beffroi.model.limits import NIGHTS_SHOWN
from beffroi.ports.registers import Record
from beffroi.ui.pages import acts
from beffroi.ui.render import page
from beffroi.ui.rows import row_of

router = APIRouter()
PAST_ALARMS = 10


@router.get("/assets/{asset_id}")
def asset_page(request: Request, services: Svc, me: Me, asset_id: str) -> Response:
    asset = asset_of(services, asset_id)
    facts = _facts(request, services, asset)
    past = services.store.alarms.alarms(["closed"], asset=asset.id, limit=PAST_ALARMS)
    facts["past"] = alarm_views.views(services, past, lang_of(request))
    now = services.clock.now_ms()
    devices = sight.devices_seen(services, me.user, devices_of(services, asset.id))
    facts["devices"] = [(device, posture.judge(device, now)) for device in devices]
    facts["attrs"] = sight.attrs_seen(me.user, request.app.state.town.index(), asset)
    facts["target"] = acts.offer(request, services, me, asset.id)
    facts["given"], facts["nights"] = {}, _nights(services, asset)
    return page(request, "asset.html", **facts)


@router.get("/assets/{asset_id}/card")
def asset_card(request: Request, services: Svc, asset_id: str) -> Response:
    return page(
        request, "parts/card.html", **_facts(request, services, asset_of(services, asset_id))
    )


def _facts(request: Request, services: Svc, asset: Asset) -> dict[str, Any]:
    alarms = listed(services, "open", asset=asset.id)
    worst = max((int(alarm.severity) for alarm in alarms if alarm.active), default=CALM)
    row = row_of(services, asset.id, asset.name, asset.domain, asset.kind, worst)
    return {
        "asset": asset,
        "row": row,
        "alarms": alarm_views.views(services, alarms, lang_of(request)),
        "values": _values(services, asset, row.kind.properties if row.kind else {}),
    }


def _values(services: Svc, asset: Asset, known: Any) -> list[tuple[Property, Any]]:
    """Every property of the kind with its newest value, those that have one first."""
    newest = services.live.values(asset.id)
    pairs = [(prop, newest.get(name)) for name, prop in known.items()]
    return sorted(pairs, key=lambda pair: pair[1] is None)


def _nights(services: Svc, asset: Asset) -> list[Record]:
    """What was balanced of it, the newest first; none when nothing is."""
    if services.office is None:
        return []
    return services.office.registers.store.records(BOOK, asset.id, limit=NIGHTS_SHOWN)[::-1]


def devices_of(services: Svc, asset_id: str) -> list[Device]:
    """Those whose own asset it is, and those with a point on it."""
    return [
        device
        for device in services.store.assets.devices()
        if device.asset == asset_id or any(to == asset_id for to, _ in device.points.values())
    ]
