"""F19 with a real guard behind a relay: the hub's words do not arrive, then the guard's do not.

Silence is safe (T4): the guard goes to its local state and says so when it is heard again; what
was asked meanwhile has at most one effect and a truthful end.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.attacks.net.proxy import Proxy
from tests.hub.dispatch.street import GUARD, Street, hub, street

from beffroi.hub.dispatch import leases, mirror
from beffroi.hub.dispatch.request import Wish
from beffroi.ports.commands import State

pytestmark = pytest.mark.timeout(120)
LEASE_MS, PERIOD_S = 4_000, 1.0  # as the hub may choose them; 30 s and 10 s in the street


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each lease carries its own life, and the guard keeps to that."""
    for module in (leases, mirror):
        monkeypatch.setattr(module, "LEASE_TTL_MS", LEASE_MS)
    monkeypatch.setattr(leases, "LEASE_PERIOD_S", PERIOD_S)


async def behind(town: Street, proxy: Proxy) -> None:
    """The guard's files name the relay instead of the broker."""
    path = town.cabinet.folder / "guard.toml"
    real = f"port = {town.stack.endpoint.mqtt_port}"
    assert real in path.read_text()
    path.write_text(path.read_text().replace(real, f"port = {proxy.port}"))


@pytest.mark.parametrize("up", [False, True], ids=["deaf", "mute"])
async def test_f19_a_guard_on_a_one_way_line_falls_back_and_comes_back(
    tmp_path: Path, up: bool
) -> None:
    async with street(tmp_path, ("lamp-1",)) as town:
        here = town.stack.endpoint
        async with Proxy(here.mqtt_host, here.mqtt_port) as proxy:
            await behind(town, proxy)
            await town.start_guard()
            async with hub(town) as dispatch:
                await town.ready()
                ask = dispatch.office.request
                dim = await asyncio.to_thread(ask, Wish("lamp-1", "dim", {"level_pct": 60}), "u1")
                assert (await town.ended(dim)).state is State.DONE
                setattr(proxy.line, "up" if up else "down", False)
                lost = await asyncio.to_thread(ask, Wish("lamp-1", "dim", {"level_pct": 70}), "u1")
                await asyncio.sleep(2 * LEASE_MS / 1_000)
                proxy.line.up = proxy.line.down = True
                await town.until(lambda: "fallback" in town.rules(), 60)
                ended = await town.ended(lost, 60)
                assert ended.state in (State.DONE, State.REFUSED, State.EXPIRED, State.UNKNOWN)
                await town.ready()
                receipts = dispatch.book.store.receipts(GUARD, 100)
                done = [one for one in receipts if one.outcome == "done"]
                assert len(done) <= 2
