"""Who may post, and what the answer promises. The bus is the real one, so is the store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.hub.ingest.town import TOWER
from tests.hub.links.test_lorawan import CHIRPSTACK, TTS
from tests.worlds.running import Hub, start_hub

from beffroi.hub.links import webhooks
from beffroi.hub.links.webhooks import SourceError, accept, create_source, delete_source
from beffroi.hub.services import Services
from beffroi.lab.stack import Stack
from beffroi.model.asset import Asset, Device
from beffroi.model.limits import MESSAGE_BYTES_MAX
from beffroi.ports.store import SeriesKey

UP = {**CHIRPSTACK, "object": {"level_m": 2.5}, "time": None}


class Few:
    """The services that webhooks use."""

    def __init__(self, hub: Hub) -> None:
        self.store, self.bus, self.clock = hub.stack.store, hub.bus, hub.stack.clock


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with Stack(tmp_path) as stack:
        stack.store.assets.put_assets(
            [Asset(id="t1", domain="tower", kind="tower", name="T", lon=2.0, lat=48.0)]
        )
        made = await start_hub(stack, {"tower": TOWER})
        yield made
        await made.stop()


def services(hub: Hub) -> Services:
    return cast("Services", Few(hub))


def child(dev_eui: str) -> Device:
    return Device(id="bay", asset="t1", gateway="lns", dev_eui=dev_eui)


async def post(
    hub: Hub, secret: str, body: Any, event: str | None = "up", source: str = "town"
) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (await accept(services(hub), "chirpstack", source, secret, data, event)).status


async def test_an_uplink_is_durable_when_it_is_accepted(hub: Hub) -> None:
    secret = create_source(services(hub), "town", "chirpstack", "lns")
    hub.stack.store.assets.put_devices([child("0101010101010101")])
    assert await post(hub, secret, UP) == 202
    await hub.idle()
    number = hub.stack.store.readings.series_of(["t1"])[SeriesKey("t1", "bay", "level_m")]
    assert hub.stack.store.readings.points(number, 0, 2**62).value.tolist() == [2.5]


async def test_the_things_stack(hub: Hub) -> None:
    secret = create_source(services(hub), "ttn", "tts", "lns")
    hub.stack.store.assets.put_devices([child("0004A30B001C0530")])
    uplink = {**TTS["uplink_message"], "decoded_payload": {"level_m": 1.5}}
    body = json.dumps({**TTS, "uplink_message": uplink}).encode()
    assert (await accept(services(hub), "tts", "ttn", secret, body, None)).status == 202
    join = json.dumps({"join_accept": {}, "end_device_ids": {}}).encode()
    assert (await accept(services(hub), "tts", "ttn", secret, join, None)).status == 200
    await hub.until(lambda: hub.loop.stats.stored == 2)


async def test_secrets(hub: Hub) -> None:
    secret = create_source(services(hub), "town", "chirpstack", "lns")
    other = create_source(services(hub), "other", "tts", "lns2")
    assert await post(hub, "", UP) == 401
    assert await post(hub, other, UP) == 401
    assert await post(hub, secret + "x", UP) == 401
    assert await post(hub, secret, UP, source="nobody") == 401
    assert await post(hub, "\ud800", UP) == 401
    assert (await accept(services(hub), "tts", "town", secret, b"{}", None)).status == 401
    assert (await accept(services(hub), "nothing", "town", secret, b"{}", None)).status == 401
    delete_source(services(hub), "town")
    assert await post(hub, secret, UP) == 401
    assert secret not in (hub.stack.store.people.setting(webhooks.SETTING) or "")


async def test_answers(hub: Hub) -> None:
    secret = create_source(services(hub), "town", "chirpstack", "lns")
    assert await post(hub, secret, UP, "join") == 200
    assert await post(hub, secret, UP, None) == 400
    assert await post(hub, secret, b" " * (MESSAGE_BYTES_MAX + 1)) == 413
    assert await post(hub, secret, b"\x0aprotobuf") == 202  # the stream's reader judges it
    await hub.until(lambda: hub.loop.stats.quarantined["unreadable"] == 1)
    await hub.stack.broker.stop()
    assert await post(hub, secret, UP) == 503


async def test_a_source_speaks_for_its_own_children_only(hub: Hub) -> None:
    secret = create_source(services(hub), "town", "chirpstack", "lns2")
    hub.stack.store.assets.put_devices([child("0101010101010101")])
    assert await post(hub, secret, UP) == 202
    await hub.until(lambda: hub.loop.stats.quarantined["not_your_child"] == 1)
    assert hub.loop.stats.stored == 0


async def test_sources(hub: Hub) -> None:
    made = services(hub)
    create_source(made, "town", "chirpstack", "lns")
    for name, link, device in [
        ("town", "chirpstack", "lns"),
        ("Town", "chirpstack", "lns"),
        ("a", "telepathy", "lns"),
        ("a", "tts", "../x"),
        ("a", "tts", "bay"),
    ]:
        hub.stack.store.assets.put_devices([child("0101010101010101")])
        with pytest.raises(SourceError):
            create_source(made, name, link, device)
    assert set(webhooks.sources(made.store.people)) == {"town"}
    with pytest.raises(SourceError):
        delete_source(made, "nobody")
