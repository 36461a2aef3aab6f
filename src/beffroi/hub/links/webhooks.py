"""Webhooks of LoRaWAN network servers: who may post, and the answer only after it is durable.

A source is a name with a secret of its own (only its hash is kept) that speaks as one gateway
device of the inventory: it can bring readings of that gateway's children and of nobody else. The
HTTP routes are in `api`; this module knows no HTTP but the numbers of the answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from typing import NamedTuple

from beffroi.hub.links.formats import WEBHOOKS
from beffroi.hub.links.items import LinkError
from beffroi.hub.services import Services
from beffroi.model.asset import Device
from beffroi.model.limits import MESSAGE_BYTES_MAX, NAME_CHARS_MAX, WEBHOOK_SOURCES_MAX
from beffroi.ports.store import PeopleStore

SETTING = "webhook_sources"
NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{NAME_CHARS_MAX - 1}}}")
SECRET_BYTES = 32


class SourceError(Exception):
    """A source cannot be made or removed; the text says what to do."""


class Outcome(NamedTuple):
    """`status` is the HTTP status, `code` for translation, `text` for the log of the sender."""

    status: int
    code: str
    text: str


class Source(NamedTuple):
    """Who may post. `device` is the gateway as which it speaks."""

    name: str
    link: str
    device: str
    secret_sha256: str


# --- sources -------------------------------------------------------------------------------------
def sources(people: PeopleStore) -> dict[str, Source]:
    """All sources by name."""
    text = people.setting(SETTING)
    return {name: Source(name, *fields) for name, fields in json.loads(text or "{}").items()}


def create_source(services: Services, name: str, link: str, gateway_device: str) -> str:
    """The new source's secret, which is shown once. The gateway is created when it is missing.

    Raises SourceError: bad name, unknown link, name in use, not a gateway.
    """
    people = services.store.people
    known = sources(people)
    if not NAME.fullmatch(name) or not NAME.fullmatch(gateway_device):
        raise SourceError("a name is made of a-z, 0-9 and -, starting with a letter or digit")
    if link not in WEBHOOKS:
        raise SourceError(f"unknown link {link!r}: choose one of {', '.join(sorted(WEBHOOKS))}")
    if name in known:
        raise SourceError(f"source {name!r} exists: delete it to make a new secret")
    if len(known) >= WEBHOOK_SOURCES_MAX:
        raise SourceError(f"{WEBHOOK_SOURCES_MAX} sources exist: delete some")
    _ensure_gateway(services, gateway_device)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    known[name] = Source(name, link, gateway_device, _digest(secret))
    _save(people, known)
    return secret


def delete_source(services: Services, name: str) -> None:
    """From now on refused. Raises SourceError when there is none."""
    known = sources(services.store.people)
    if known.pop(name, None) is None:
        raise SourceError(f"there is no source {name!r}")
    _save(services.store.people, known)


def _save(people: PeopleStore, known: dict[str, Source]) -> None:
    text = json.dumps({name: list(source[1:]) for name, source in known.items()})
    people.put_setting(SETTING, text)


def _ensure_gateway(services: Services, device_id: str) -> None:
    device = services.store.assets.device(device_id)
    if device is None:
        now_ms = services.clock.now_ms()
        made = Device(id=device_id, asset="", is_gateway=True, created_ms=now_ms)
        services.store.assets.put_devices([made])
    elif not device.is_gateway:
        raise SourceError(f"device {device_id!r} is no gateway: choose another id")


def _digest(secret: str) -> str:
    """A random secret of 256 bits needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# --- a post --------------------------------------------------------------------------------------
async def accept(
    services: Services, link: str, source: str, secret: str, body: bytes, event: str | None
) -> Outcome:
    """One HTTP POST. 2xx means: durable, or an event that holds no reading.

    A body that cannot be understood is answered 400 (the sender's log shows why) and kept in
    quarantine by the same way as everything else: it is put on the stream too.
    """
    found = await asyncio.to_thread(_authentic, services.store.people, link, source, secret)
    if found is None or link not in WEBHOOKS:
        return Outcome(401, "bad_secret", "unknown source or wrong secret")
    if len(body) > MESSAGE_BYTES_MAX:
        return Outcome(413, "too_large", f"more than {MESSAGE_BYTES_MAX} bytes")
    refusal = None
    try:
        if WEBHOOKS[link](event, body) != "up":
            return Outcome(200, "ignored", "this event holds no reading")
    except LinkError as error:
        refusal = Outcome(400, "unreadable", str(error))
    try:
        await services.bus.publish(link, found.device, body)
    except Exception:  # noqa: BLE001  any failure of the broker: the sender tries again later
        return Outcome(503, "not_durable", "the reading could not be kept: send it again later")
    return refusal or Outcome(202, "accepted", "kept")


def _authentic(people: PeopleStore, link: str, name: str, secret: str) -> Source | None:
    """Constant time whether or not the source exists."""
    found = sources(people).get(name)
    expected = found.secret_sha256 if found is not None else "0" * 64
    same = hmac.compare_digest(_digest(secret), expected)
    return found if found is not None and same and found.link == link else None
