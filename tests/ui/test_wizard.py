"""From the empty form to the first reading on the page, with plain forms: real broker, real device.

No browser and no JavaScript: what these tests send is what the forms send.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.worlds.running import Hub, start_hub
from tests.worlds.services import client_of, services_of

from beffroi.api import accounts
from beffroi.api.app import create_app
from beffroi.domains.registry import domains
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.limits import GATE_POLL_S
from beffroi.ports.identity import Bundle
from beffroi.ui.app import mount_ui

PASSPHRASE = "quatre mots sans lien"
DOMAIN = next(iter(domains().values()))
KIND = next(kind for kind in DOMAIN.kinds.values() if DOMAIN.models)
MODEL = next(iter(DOMAIN.models))


class Visitor:
    """An administrator's browser without scripts."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.services = services_of(hub, domains())
        app = create_app(self.services)
        mount_ui(app)
        self.client = client_of(
            app,
            headers={"origin": "http://localhost", "accept": "text/html", "accept-language": "en"},
            follow_redirects=True,
        )

    async def join(self) -> None:
        path = accounts.first_link(self.services)
        assert path
        await self.send(path, path, name="Camille Martin", passphrase=PASSPHRASE)

    async def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Post a form of `page` with its token."""
        found = re.search(r'name="csrf" value="([^"]*)"', (await self.client.get(page)).text)
        return await self.client.post(action, data={**fields, "csrf": found[1] if found else ""})

    async def device(self) -> str:
        """Through the steps; the address of the waiting page."""
        path = f"/add/place?kind={DOMAIN.name}/{KIND.name}"
        placed = await self.send(
            path,
            "/add/place",
            kind=f"{DOMAIN.name}/{KIND.name}",
            name="Écluse",
            lat="48,1",
            lon="2",
        )
        assert placed.status_code == 200, placed.text
        asset = placed.url.params["asset"]
        step = str(placed.url)
        made = await self.send(
            step, "/add/device", asset=asset, id="dev-1", way="mqtt", model=MODEL
        )
        assert made.url.path == "/add/wait/dev-1", made.text
        return made.url.path


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with Stack(tmp_path) as stack:
        hub = await start_hub(stack)
        made = Visitor(hub)
        async with made.client:
            await made.join()
            yield made
        await hub.stop()


async def publish(visitor: Visitor, zipped: bytes, payload: Any) -> None:
    """As the device does, with the files of the ZIP and nothing else."""
    archive = zipfile.ZipFile(io.BytesIO(zipped))
    files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    context = tls_context(Bundle("dev-1", files, "", 0))
    here = visitor.hub.stack.endpoint
    client = MqttClient(here.mqtt_host, here.mqtt_port, "dev-1", context)
    await client.connect()
    await client.publish("d/dev-1/tele", json.dumps(payload).encode())
    await client.close()
    await visitor.hub.idle()


async def test_the_wizard_ends_at_the_first_reading(visitor: Visitor) -> None:
    wait = await visitor.device()
    before = await visitor.client.get(wait)
    assert "data-arrived" not in before.text
    assert '<noscript><meta http-equiv="refresh"' in before.text
    sample = re.search(r"-m &#39;|-m '(.*?)'", before.text)
    assert sample
    text = sample[0].removeprefix("-m '").removesuffix("'").replace("&#34;", '"')
    files = await visitor.send(wait, "/devices/dev-1/files")
    assert files.headers["content-type"] == "application/zip"
    await publish(visitor, files.content, json.loads(text))
    after = await visitor.client.get(wait)
    assert "data-arrived" in after.text
    assert "http-equiv" not in after.text
    assert re.search(r'href="/\?asset=[^"]+"', after.text)


async def test_what_is_refused_is_shown_with_a_hint(visitor: Visitor) -> None:
    wait = await visitor.device()
    files = await visitor.send(wait, "/devices/dev-1/files")
    await publish(visitor, files.content, {"values": {"nonsense_m": 1}})
    page = await visitor.client.get(wait)
    assert "data-arrived" not in page.text
    assert "nonsense_m" in page.text


async def test_a_revoked_device_is_refused(visitor: Visitor) -> None:
    wait = await visitor.device()
    files = await visitor.send(wait, "/devices/dev-1/files")
    unsure = await visitor.send("/devices/dev-1", "/devices/dev-1/revoke")
    assert unsure.status_code == 422
    await visitor.send("/devices/dev-1", "/devices/dev-1/revoke", sure="yes")
    device = visitor.services.store.assets.device("dev-1")
    assert device is not None
    assert device.status == "revoked"
    await asyncio.sleep(4 * GATE_POLL_S)  # the gate looks at the inventory that often
    with pytest.raises(MqttError):
        await publish(visitor, files.content, {"values": {}})


@pytest.mark.parametrize("lang", ["fr", "en"])
async def test_pages_in_both_languages(visitor: Visitor, lang: str) -> None:
    await visitor.device()
    visitor.client.headers["accept-language"] = lang
    for path in ("/devices", "/devices/dev-1", "/add", "/add/wait/dev-1", "/data", "/data/sources"):
        page = await visitor.client.get(path)
        assert page.status_code == 200, path
        assert f'<html lang="{lang}"' in page.text, path
