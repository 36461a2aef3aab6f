"""Webhooks over HTTP: a secret instead of a session. Store, broker and ingest are the real ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.hub.ingest.town import TOWER
from tests.hub.links.test_lorawan import CHIRPSTACK
from tests.worlds.running import Hub, start_hub
from tests.worlds.services import client_of, services_of

from beffroi.api.app import create_app
from beffroi.hub.links.webhooks import create_source, delete_source
from beffroi.lab.stack import Stack
from beffroi.model.asset import Asset, Device
from beffroi.model.limits import MESSAGE_BYTES_MAX
from beffroi.ports.store import SeriesKey

UP: dict[str, Any] = {**CHIRPSTACK, "object": {"level_m": 2.5}, "time": None}
PATH = "/links/chirpstack/town"


class Town:
    """The application on a running hub, and what is posted to it without cookie and origin."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.services = services_of(hub, {"tower": TOWER})
        self.client = client_of(create_app(self.services))
        self.secret = create_source(self.services, "town", "chirpstack", "lns")

    async def post(
        self, secret: str | None, body: Any = UP, event: str = "up", path: str = PATH
    ) -> httpx.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        return await self.client.post(path, params={"event": event}, content=data, headers=headers)

    def stored(self) -> list[float]:
        key = SeriesKey("t1", "bay", "level_m")
        known = self.services.store.readings.series_of(["t1"])
        if key not in known:
            return []
        values: list[float] = self.services.store.readings.points(
            known[key], 0, 2**62
        ).value.tolist()
        return values


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with Stack(tmp_path) as stack:
        stack.store.assets.put_assets(
            [Asset(id="t1", domain="tower", kind="tower", name="T", lon=2.0, lat=48.0)]
        )
        hub = await start_hub(stack, {"tower": TOWER})
        made = Town(hub)
        child = Device(id="bay", asset="t1", gateway="lns", dev_eui="0101010101010101")
        stack.store.assets.put_devices([child])
        async with made.client:
            yield made
        await hub.stop()


async def test_with_its_secret_a_reading_arrives(town: Town) -> None:
    answer = await town.post(town.secret)
    assert (answer.status_code, answer.json()["code"]) == (202, "accepted")
    await town.hub.idle()
    assert town.stored() == [2.5]


async def test_the_secret_may_come_in_a_header_of_ours(town: Town) -> None:
    headers = {"x-beffroi-secret": town.secret}
    answer = await town.client.post(PATH, params={"event": "up"}, json=UP, headers=headers)
    assert answer.status_code == 202


async def test_without_it_nothing_reaches_the_broker(town: Town) -> None:
    for wrong in (None, "", "x", town.secret[:-1], town.secret + "x"):
        answer = await town.post(wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_secret"), wrong
    for path in ("/links/tts/town", "/links/chirpstack/nobody", "/links/nothing/town"):
        assert (await town.post(town.secret, path=path)).status_code == 401, path
    delete_source(town.services, "town")
    assert (await town.post(town.secret)).status_code == 401
    await town.hub.idle()
    assert town.stored() == []
    assert town.services.store.readings.counts().quarantined == 0


async def test_a_secret_in_the_address_does_not_count(town: Town) -> None:
    """It would stay in logs."""
    answer = await town.client.post(
        PATH, params={"event": "up", "secret": town.secret, "token": town.secret}, json=UP
    )
    assert answer.status_code == 401


async def test_what_cannot_be_read_is_said_and_kept(town: Town) -> None:
    assert (await town.post(town.secret, event="join")).status_code == 200
    assert (await town.post(town.secret, b"\x0aprotobuf")).status_code == 202
    await town.hub.until(lambda: town.hub.loop.stats.quarantined["unreadable"] == 1)
    assert (await town.post(town.secret, b" " * (MESSAGE_BYTES_MAX + 1))).status_code == 413


async def test_a_broker_that_is_down_is_told_to_the_sender(town: Town) -> None:
    await town.hub.stack.broker.stop()
    answer = await town.post(town.secret)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_durable")
