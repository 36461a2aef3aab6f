"""The device inventory: identity, what was last seen, upkeep, a score explained, revocation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import inventory, posture, sight
from beffroi.api.access import Me, Svc
from beffroi.api.asked import Number
from beffroi.api.inventory import Upkeep
from beffroi.api.posture import Posture
from beffroi.api.problems import Refusal
from beffroi.api.routes.devices import revoke_device, zip_response
from beffroi.model.asset import Device
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
LEVELS = ("poor", "middling", "good")
CSV_HEAD = (
    "device", "asset", "status", "maker", "model", "firmware", "firmware_newest", "support_end",
    "default_secret", "gateway", "dev_eui", "cert_not_after_ms", "last_seen_ms", "score",
)  # fmt: skip
Judged = tuple[Device, Posture]


@router.get("/devices")
def devices_page(
    request: Request,
    services: Svc,
    me: Me,
    q: str = "",
    status: str = "",
    level: str = "",
    start: Number = 0,
) -> Response:
    judged = _judged(services, me)
    kept = [
        pair
        for pair in judged
        if (not q or q.casefold() in f"{pair[0].id} {pair[0].asset} {pair[0].maker}".casefold())
        and (not status or pair[0].status == status)
        and (not level or pair[1].level == level)
    ]
    names = {asset.id: asset.name for asset in services.store.assets.assets()}
    facts: dict[str, Any] = {"q": q, "status": status, "level": level, "start": start}
    facts |= {"rows": kept[start:][:PAGE_ROWS_MAX], "total": len(kept), "names": names}
    facts |= {"all": len(judged), "figures": _figures(judged), "page_rows": PAGE_ROWS_MAX}
    return page(request, "devices.html", **facts)


@router.get("/devices.csv")
def devices_csv(services: Svc, me: Me) -> Response:
    """For a spreadsheet; a field that it would run as a formula is made a text."""
    lines = ["\ufeff", inventory.csv_line(CSV_HEAD)]
    for device, judged in _judged(services, me):
        cells = [device.id, device.asset, device.status, device.maker, device.model]
        cells += [device.firmware, device.firmware_newest, device.support_end]
        secret = {None: "unchecked", True: "yes", False: "no"}[device.default_secret]
        cells += [secret, device.gateway, device.dev_eui]
        numbers = [device.cert_not_after_ms, device.last_seen_ms, judged.score]
        lines.append(inventory.csv_line([*cells, *numbers]))
    name = 'attachment; filename="devices.csv"'
    headers = {"content-disposition": name}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/devices/{device_id}")
def device_page(request: Request, services: Svc, device_id: str) -> Response:
    return _page(request, services, inventory.device_of(services, device_id))


@router.post("/devices/{device_id}/upkeep")
def upkeep(
    request: Request,
    services: Svc,
    device_id: str,
    maker: Text = "",
    firmware: Text = "",
    firmware_newest: Text = "",
    support_end: Text = "",
    default_secret: Text = "",
) -> Response:
    noted = Upkeep(maker, firmware, firmware_newest, support_end, default_secret)
    try:
        inventory.keep_up(services, device_id, noted)
    except Refusal as refusal:
        return _page(request, services, inventory.device_of(services, device_id), refusal)
    return RedirectResponse(f"/devices/{device_id}", 303)


@router.post("/devices/{device_id}/files")
def files(services: Svc, me: Me, device_id: str) -> Response:
    """A ZIP, once: the hub does not keep the key."""
    return zip_response(services, me, device_id)


@router.post("/devices/{device_id}/revoke")
def revoke(request: Request, services: Svc, me: Me, device_id: str, sure: Text = "") -> Response:
    if sure != "yes":
        text = "Tick the box to say that you are sure."
        refusal = Refusal(422, "not_sure", text)
        return _page(request, services, inventory.device_of(services, device_id), refusal)
    revoke_device(services, me, device_id)
    return RedirectResponse(f"/devices/{device_id}", 303)


def _page(
    request: Request, services: Svc, device: Device, refusal: Refusal | None = None
) -> Response:
    asset = services.store.assets.asset(device.asset) if device.asset else None
    codecs = {codec.sha256: codec.name for codec in services.store.assets.codecs()}
    domain = services.domains.get(asset.domain) if asset else None
    facts: dict[str, Any] = {
        "device": device,
        "judged": posture.judge(device, services.clock.now_ms()),
        "asset": asset,
        "model": domain.models.get(device.model) if domain else None,
        "codec": codecs.get(device.codec, ""),
        "children": [d.id for d in services.store.assets.devices() if d.gateway == device.id]
        if device.is_gateway
        else [],
        "refusal": refusal,
    }
    return page(request, "device.html", refusal.status if refusal else 200, **facts)


def _judged(services: Svc, me: Me) -> list[Judged]:
    """Those that this account sees, worst first."""
    now = services.clock.now_ms()
    seen = sight.devices_seen(services, me.user, services.store.assets.devices())
    pairs = [(device, posture.judge(device, now)) for device in seen]
    return sorted(pairs, key=lambda pair: (pair[1].score, pair[0].id))


def _figures(judged: list[Judged]) -> dict[str, int]:
    """Of those in service."""
    live = [pair for pair in judged if pair[0].status != "revoked"]
    codes = [{point.code for point in found.points} for _, found in live]
    return {
        "mean": round(sum(found.score for _, found in live) / len(live)) if live else 0,
        "unsupported": sum("unsupported" in some for some in codes),
        "outdated": sum("outdated" in some for some in codes),
        "left": sum("left" in some for some in codes),
        "silent": sum("silent" in some for some in codes),
    }
