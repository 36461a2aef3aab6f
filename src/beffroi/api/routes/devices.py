"""Devices: inventory with posture, adding, files, revocation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from anyio import from_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from beffroi.api import arrival, inventory, posture, sight
from beffroi.api.access import Me, Svc
from beffroi.api.described import sends
from beffroi.api.inventory import NewDevice, Upkeep
from beffroi.hub.live import Event
from beffroi.hub.services import Services
from beffroi.model.asset import Device
from beffroi.model.limits import NAME_CHARS_MAX, PAGE_ROWS_MAX

router = APIRouter(prefix="/api/devices", tags=["devices"])
Short = Field(default="", max_length=NAME_CHARS_MAX)


class DeviceIn(BaseModel, extra="forbid"):
    """See `inventory.NewDevice`."""

    id: str = Field(max_length=NAME_CHARS_MAX)
    asset: str = Short
    way: Literal["mqtt", "lorawan", "gateway"] = "mqtt"
    model: str = Short
    gateway: str = Short
    dev_eui: str = Short
    codec: str = Short
    maker: str = Short
    is_gateway: bool = False


class UpkeepIn(BaseModel, extra="forbid"):
    """See `inventory.Upkeep`."""

    maker: str = Short
    firmware: str = Short
    firmware_newest: str = Short
    support_end: str = Short
    default_secret: Literal["yes", "no", ""] = ""


@router.get("")
def read_devices(services: Svc, me: Me, after: str = "") -> list[dict[str, Any]]:
    """By id, PAGE_ROWS_MAX at a time, each with its posture."""
    now = services.clock.now_ms()
    found: list[Device] = []
    while len(found) < PAGE_ROWS_MAX:
        some = services.store.assets.devices(PAGE_ROWS_MAX, after)
        found += sight.devices_seen(services, me.user, some)
        if len(some) < PAGE_ROWS_MAX:
            break
        after = some[-1].id
    return [_shown(device, now) for device in found[:PAGE_ROWS_MAX]]


@router.post("", status_code=201)
def add_device(services: Svc, body: DeviceIn) -> dict[str, Any]:
    device = inventory.add_device(services, NewDevice(**body.model_dump()))
    announce(services, {"device": device.id})
    return _shown(device, services.clock.now_ms())


@router.get("/{device_id}")
def read_device(services: Svc, device_id: str) -> dict[str, Any]:
    return _shown(inventory.device_of(services, device_id), services.clock.now_ms())


@router.put("/{device_id}/upkeep")
def put_upkeep(services: Svc, device_id: str, body: UpkeepIn) -> dict[str, Any]:
    device = inventory.keep_up(services, device_id, Upkeep(**body.model_dump()))
    return _shown(device, services.clock.now_ms())


@router.get("/{device_id}/arrival")
def read_arrival(services: Svc, device_id: str) -> dict[str, Any]:
    """{arrived, values: {property: [ts_ms, value]}, refused: [{reason, detail, recv_ms}]}."""
    found = arrival.of(services, inventory.device_of(services, device_id))
    return {
        "arrived": found.arrived,
        "values": {prop: [last.ts_ms, last.value] for prop, last in found.values.items()},
        "refused": [
            {"reason": row.reason, "detail": row.detail, "recv_ms": row.recv_ms}
            for row in found.refused
        ],
    }


@router.post("/{device_id}/invite", status_code=201)
def invite(services: Svc, me: Me, device_id: str) -> dict[str, str]:
    """A one-time token: the device redeems it with a request of its own key."""
    token = services.identity.invite(device_id)
    services.store.people.log_access(
        services.clock.now_ms(), me.user.id, "device.invite", device_id
    )
    return {"token": token}


@router.post("/{device_id}/bundle", **sends("application/zip"))
def bundle(services: Svc, me: Me, device_id: str) -> Response:
    """A ZIP with a new key and certificate, once: the hub does not keep the key."""
    return zip_response(services, me, device_id)


@router.post("/{device_id}/revoke", status_code=204)
def revoke(services: Svc, me: Me, device_id: str) -> None:
    """Refused from now on; a live connection is cut."""
    revoke_device(services, me, device_id)


def revoke_device(services: Services, me: Me, device_id: str) -> None:
    inventory.device_of(services, device_id)
    services.identity.revoke(device_id, me.user.id)
    announce(services, {"device": device_id})


def zip_response(services: Services, me: Me, device_id: str) -> Response:
    body = inventory.zipped(inventory.new_files(services, device_id, me.user))
    name = f'attachment; filename="{device_id}.zip"'  # the id has no quotes: see is_device_id
    return Response(body, media_type="application/zip", headers={"content-disposition": name})


def announce(services: Services, what: dict[str, Any]) -> None:
    """From a worker thread: open pages learn that the inventory changed."""
    from_thread.run_sync(services.live.tell, Event("inventory", what))


def _shown(device: Device, now_ms: int) -> dict[str, Any]:
    judged = posture.judge(device, now_ms)
    points = [point._asdict() for point in judged.points]
    return asdict(device) | {
        "posture": {"score": judged.score, "level": judged.level, "points": points}
    }
