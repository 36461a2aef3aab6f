"""Adding assets and devices to the town's inventory, with every field checked once, here.

Knows no HTTP. What a device's certificate is made of is the business of `ports.identity`.
"""

from __future__ import annotations

import io
import re
import secrets
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from beffroi.api.problems import Refusal, not_found
from beffroi.hub.codecs import removed
from beffroi.hub.services import Services
from beffroi.model.asset import Asset, Device, is_device_id
from beffroi.model.cells import inert
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.ports.identity import Bundle
from beffroi.ports.store import User

EUI = re.compile(r"[0-9A-F]{16}")
SLUG_CHARS_MAX = 40


class NewDevice(NamedTuple):
    """What the wizard asks. `way`: "mqtt", "lorawan" or "gateway" (through another device)."""

    id: str
    asset: str
    way: str = "mqtt"
    model: str = ""
    gateway: str = ""
    dev_eui: str = ""
    codec: str = ""
    maker: str = ""
    is_gateway: bool = False


class Upkeep(NamedTuple):
    """What people note about a device. `default_secret`: "yes", "no" or "" (never checked)."""

    maker: str = ""
    firmware: str = ""
    firmware_newest: str = ""
    support_end: str = ""
    default_secret: str = ""


def add_asset(
    services: Services, domain: str, kind: str, name: str, lon: float, lat: float
) -> Asset:
    """A new asset of a known kind at a place."""
    known = services.domains.get(domain)
    if known is None or kind not in known.kinds:
        raise Refusal(422, "kind_unknown", "Choose what the device watches.")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or (lon == 0 and lat == 0):
        raise Refusal(422, "place", "Choose a place: latitude and longitude in degrees.")
    name = _text(name)
    if not name:
        raise Refusal(422, "name_missing", "Give it a name that people of the town recognise.")
    asset_id = _free_id(services, f"{kind}-{_slug(name)}")
    asset = Asset(asset_id, domain, kind, name, lon, lat)
    services.store.assets.put_assets([asset])
    return asset


def add_device(services: Services, new: NewDevice) -> Device:
    """A new device, waiting for its certificate, or enrolled at once behind its gateway."""
    store = services.store.assets
    if not is_device_id(new.id):
        text = "An identifier has small letters, digits and hyphens only, 80 at most."
        raise Refusal(422, "device_id", text)
    if store.device(new.id) is not None:
        raise Refusal(409, "device_exists", "There is already a device {id}.", id=new.id)
    if not new.is_gateway:
        _check_asset(services, new)
    device = Device(
        new.id,
        "" if new.is_gateway else new.asset,
        model=new.model,
        maker=_text(new.maker),
        is_gateway=new.is_gateway,
        status="pending",
        created_ms=services.clock.now_ms(),
    )
    if new.way != "mqtt" and not new.is_gateway:
        device = _behind(services, device, new)
    store.put_devices([device])
    return device


def keep_up(services: Services, device_id: str, upkeep: Upkeep) -> Device:
    """Write down what was found out about a device."""
    device = device_of(services, device_id)
    if upkeep.support_end:
        try:
            date.fromisoformat(upkeep.support_end)
        except ValueError:
            raise Refusal(422, "date", "Write the day as year-month-day: 2030-12-31.") from None
    secret = {"yes": True, "no": False}.get(upkeep.default_secret)
    device = replace(
        device,
        maker=_text(upkeep.maker),
        firmware=_text(upkeep.firmware),
        firmware_newest=_text(upkeep.firmware_newest),
        support_end=upkeep.support_end,
        default_secret=secret,
    )
    services.store.assets.put_devices([device])
    return device


def new_files(services: Services, device_id: str, by: User) -> Bundle:
    """A fresh certificate and key, handed out once; the hub does not keep the key."""
    device_of(services, device_id)
    bundle = services.identity.redeem(services.identity.invite(device_id))
    services.store.people.log_access(services.clock.now_ms(), by.id, "device.files", device_id)
    return bundle


def zipped(bundle: Bundle) -> bytes:
    """One folder named after the device."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in bundle.files.items():
            info = zipfile.ZipInfo(f"{bundle.device}/{name}")
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return out.getvalue()


def device_of(services: Services, device_id: str) -> Device:
    device = services.store.assets.device(device_id)
    if device is None:
        raise not_found(device_id)
    return device


def csv_line(cells: Iterable[object]) -> str:
    """One CSV line; a text that a spreadsheet would run as a formula is marked, a number never."""
    texts = (inert(cell) if isinstance(cell, str) else str(cell) for cell in cells)
    return ";".join('"' + text.replace('"', '""') + '"' for text in texts) + "\r\n"


def _check_asset(services: Services, new: NewDevice) -> None:
    asset = services.store.assets.asset(new.asset)
    if asset is None:
        raise Refusal(422, "asset_unknown", "Choose what the device watches.")
    domain = services.domains.get(asset.domain)
    if domain is None or new.model not in domain.models:
        raise Refusal(422, "model_unknown", "Choose one of the device models of the list.")


def _behind(services: Services, device: Device, new: NewDevice) -> Device:
    gateway = services.store.assets.device(new.gateway)
    if gateway is None or not gateway.is_gateway:
        raise Refusal(422, "gateway", "Choose the gateway or the network through which it speaks.")
    behind = replace(device, gateway=gateway.id, status="enrolled")
    if new.way != "lorawan":
        return behind
    eui = re.sub(r"[\s:-]", "", new.dev_eui).upper()
    if not EUI.fullmatch(eui):
        raise Refusal(422, "dev_eui", "A DevEUI has 16 digits from 0 to 9 and A to F.")
    other = services.store.assets.device_by_eui(eui)
    if other is not None:
        raise Refusal(409, "dev_eui_taken", "This DevEUI belongs to {id}.", id=other.id)
    allowed = {codec.sha256 for codec in services.store.assets.codecs() if not removed(codec)}
    if new.codec and new.codec not in allowed:
        raise Refusal(422, "codec_unknown", "Choose a codec of the list, or add yours first.")
    return replace(behind, dev_eui=eui, codec=new.codec)


def _text(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) > NAME_CHARS_MAX or not (text.isprintable() or not text):
        message = "A maker, a version or a name has at most {most} printable characters."
        raise Refusal(422, "text_long", message, most=NAME_CHARS_MAX)
    return text


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARS_MAX].strip("-")


def _free_id(services: Services, wish: str) -> str:
    """Never one that is taken: an asset would be written over."""
    free = wish = _slug(wish) or "asset"
    while services.store.assets.asset(free) is not None:
        free = f"{wish}-{secrets.token_hex(2)}"
    return free


def suggested_id(services: Services, asset: Asset) -> str:
    """A device identifier that is still free."""
    wish = _slug(asset.id) or "device"
    for at in range(1, 1000):
        candidate = wish if at == 1 else f"{wish}-{at}"
        if services.store.assets.device(candidate) is None:
            return candidate
    return f"{wish}-{secrets.token_hex(3)}"
