"""The wizard "add a device": what it watches, where, who it is; it ends at the first reading."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import arrival, inventory
from beffroi.api.access import Svc, needs
from beffroi.api.inventory import NewDevice
from beffroi.api.problems import Refusal
from beffroi.api.routes.assets import asset_of
from beffroi.api.routes.devices import announce
from beffroi.api.town import Town
from beffroi.hub import codecs
from beffroi.hub.links import webhooks
from beffroi.model.asset import Asset, Device
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/add")
@needs("operator")
def what_page(request: Request, services: Svc, asset: str = "") -> Response:
    if asset:
        return RedirectResponse(f"/add/device?asset={asset_of(services, asset).id}", 303)
    known = [(a.id, a.name, a.domain) for a in services.store.assets.assets()]
    known.sort(key=lambda item: item[1].casefold())
    return page(request, "add/what.html", assets=known, refusal=None)


@router.get("/add/place")
@needs("operator")
def place_page(request: Request, services: Svc, kind: str = "", asset: str = "") -> Response:
    """`kind` is "<domain>/<kind>", or "gateway" for something that only carries readings."""
    if asset:
        return RedirectResponse(f"/add/device?asset={asset_of(services, asset).id}", 303)
    if kind == "gateway":
        return RedirectResponse("/add/device", 303)
    return _place(request, services, kind, {}, None)


@router.post("/add/place")
def place(
    request: Request,
    services: Svc,
    kind: Text = "",
    name: Text = "",
    lat: Text = "",
    lon: Text = "",
) -> Response:
    domain, _, kind_name = kind.partition("/")
    typed = {"name": name, "lat": lat, "lon": lon}
    try:
        made = inventory.add_asset(services, domain, kind_name, name, _degrees(lon), _degrees(lat))
    except Refusal as refusal:
        return _place(request, services, kind, typed, refusal)
    announce(services, {"asset": made.id})
    return RedirectResponse(f"/add/device?asset={made.id}", 303)


@router.get("/add/device")
@needs("operator")
def device_page(request: Request, services: Svc, asset: str = "") -> Response:
    return _device(request, services, asset, {}, None)


@router.post("/add/device")
def device(
    request: Request,
    services: Svc,
    asset: Text = "",
    id: Text = "",  # noqa: A002
    way: Text = "mqtt",
    model: Text = "",
    gateway: Text = "",
    network: Text = "",
    dev_eui: Text = "",
    codec: Text = "",
    maker: Text = "",
) -> Response:
    carrier = network if way == "lorawan" else gateway
    new = NewDevice(id.strip(), asset, way, model, carrier, dev_eui, codec, maker, not asset)
    try:
        made = inventory.add_device(services, new)
    except Refusal as refusal:
        return _device(request, services, asset, new._asdict(), refusal)
    announce(services, {"device": made.id})
    return RedirectResponse(f"/add/wait/{made.id}", 303)


@router.get("/add/wait/{device_id}")
@needs("operator")
def wait_page(request: Request, services: Svc, device_id: str) -> Response:
    return page(request, "add/wait.html", **_waiting(services, device_id))


@router.get("/add/wait/{device_id}/state")
@needs("operator")
def wait_state(request: Request, services: Svc, device_id: str) -> Response:
    """The live piece of the page: waiting with hints, or arrived."""
    return page(request, "add/state.html", **_waiting(services, device_id))


def _place(
    request: Request, services: Svc, kind: str, typed: dict[str, str], refusal: Refusal | None
) -> Response:
    domain_name, _, kind_name = kind.partition("/")
    domain = services.domains.get(domain_name)
    chosen = domain.kinds.get(kind_name) if domain else None
    if domain is None or chosen is None:
        return RedirectResponse("/add", 303)
    town: Town = request.app.state.town
    facts: dict[str, Any] = {"kind": kind, "chosen": chosen, "domain": domain, "typed": typed}
    bounds = town.index().bounds()
    status = refusal.status if refusal else 200
    return page(request, "add/place.html", status, bounds=bounds, refusal=refusal, **facts)


def _device(
    request: Request, services: Svc, asset_id: str, typed: dict[str, Any], refusal: Refusal | None
) -> Response:
    asset = asset_of(services, asset_id) if asset_id else None
    domain = services.domains.get(asset.domain) if asset else None
    gateways = [d.id for d in services.store.assets.devices() if d.is_gateway]
    networks = sorted({s.device for s in webhooks.sources(services.store.people).values()})
    facts: dict[str, Any] = {
        "asset": asset,
        "models": domain.models if domain else {},
        "gateways": [name for name in gateways if name not in networks],
        "networks": networks,
        "codecs": [c for c in services.store.assets.codecs() if not codecs.removed(c)],
        "suggested": inventory.suggested_id(services, asset) if asset else "gateway-1",
        "typed": typed,
        "refusal": refusal,
    }
    return page(request, "add/device.html", refusal.status if refusal else 200, **facts)


def _waiting(services: Svc, device_id: str) -> dict[str, Any]:
    device = inventory.device_of(services, device_id)
    asset = services.store.assets.asset(device.asset) if device.asset else None
    found = arrival.of(services, device)
    domain = services.domains.get(asset.domain) if asset else None
    kind = domain.kinds.get(asset.kind) if domain and asset else None
    return {
        "device": device,
        "asset": asset,
        "kind": kind,
        "found": found,
        "host": services.mqtt_host,
        "port": services.mqtt_port,
        "topic": f"d/{device.id}/{'batch' if device.is_gateway else 'tele'}",
        "sample": _sample(device, asset, kind),
        "link": _link(services, device),
    }


def _sample(device: Device, asset: Asset | None, kind: Any) -> str:
    """A reading that would be accepted, for the command to copy."""
    if device.is_gateway or asset is None or kind is None:
        return '{"readings": []}'
    own = [name for name in kind.properties if name not in kind.derived]
    first = kind.headline if kind.headline in own else own[0]
    prop = kind.properties[first]
    value = next(iter(prop.states)) if prop.states else max(prop.low, min(prop.high, 1.0))
    return f'{{"values": {{"{first}": {value:g}}}}}'


def _link(services: Svc, device: Device) -> str:
    """ "chirpstack" or "tts" when a webhook source speaks as the device's gateway."""
    sources = webhooks.sources(services.store.people).values()
    return next((s.link for s in sources if s.device == device.gateway), "")


def _degrees(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return 999.0  # refused as a place, with what to write instead
