"""The downlink on a real broker: down to the guard, up from it, and from nobody else."""

from __future__ import annotations

import asyncio

import pytest

from beffroi.adapters.nats import admit, streams
from beffroi.adapters.nats.guards import GuardLink
from beffroi.ports.downlink import DownlinkError


@pytest.fixture
async def link(harbour):
    made = GuardLink(harbour.stack.endpoint, harbour.stack.home / "nats")
    await made.start()
    while not made.connected:
        await asyncio.sleep(0.02)
    yield made
    await made.stop()


async def read(link, count, wait_s=5.0):
    got, end = [], asyncio.get_running_loop().time() + wait_s
    while len(got) < count and asyncio.get_running_loop().time() < end:
        got += await link.fetch(100, 0.2)
    return got


async def test_a_command_goes_down_and_a_receipt_comes_up(harbour, link):
    harbour.enrol("g-1", is_guard=True)
    heard = asyncio.Queue()
    client = await harbour.connect("g-1", on_message=lambda *what: heard.put_nowait(what))
    await client.subscribe("d/g-1/cmd")
    await link.send("g-1", "cmd", b"\x00do it")
    assert await asyncio.wait_for(heard.get(), 5) == ("d/g-1/cmd", b"\x00do it")
    await client.publish("d/g-1/receipt", b"\x01did")
    await client.publish("d/g-1/status", b"\x02is")
    got = await read(link, 2)
    assert [(h.guard, h.topic, h.payload) for h in got] == [
        ("g-1", "receipt", b"\x01did"),
        ("g-1", "status", b"\x02is"),
    ]
    await link.ack(got)
    await client.close()


async def test_what_is_not_acknowledged_comes_again_to_the_next_hub(harbour, link):
    harbour.enrol("g-1", is_guard=True)
    client = await harbour.connect("g-1")
    await client.publish("d/g-1/receipt", b"1")
    await client.publish("d/g-1/receipt", b"2")
    got = await read(link, 2)
    await link.ack(got[:1])
    await link.stop()
    second = GuardLink(harbour.stack.endpoint, harbour.stack.home / "nats")
    await second.start()
    assert [h.payload for h in await read(second, 1)] == [b"2"]
    await second.stop()
    await client.close()


async def test_the_ingest_neither_sees_nor_swallows_receipts(harbour, link, bus):
    harbour.enrol("g-1", is_guard=True)
    client = await harbour.connect("g-1")
    await client.publish("d/g-1/tele", b"t")
    await client.publish("d/g-1/receipt", b"r")
    assert [m.payload for m in await harbour.read(bus, 1)] == [b"t"]
    assert [h.payload for h in await read(link, 1)] == [b"r"]
    await client.close()


@pytest.mark.parametrize("kind", ["receipt", "status", "cmd", "lease", "trust"])
async def test_an_ordinary_device_speaks_on_no_guards_topic(harbour, link, kind):
    harbour.enrol("dev-1")
    harbour.enrol("g-1", is_guard=True)
    for name, topic in (("dev-1", f"d/dev-1/{kind}"), ("dev-1", f"d/g-1/{kind}")):
        client = await harbour.connect(name)
        with_answer = client.publish(topic, b"forged")
        await asyncio.wait({asyncio.ensure_future(with_answer)}, timeout=0.5)
        await client.close()
    assert await link.fetch(10, 0.5) == []


async def test_a_guard_cannot_command_itself_or_another(harbour, link):
    for name in ("g-1", "g-2"):
        harbour.enrol(name, is_guard=True)
    heard = []
    one = await harbour.connect("g-1")
    two = await harbour.connect("g-2", on_message=lambda topic, _: heard.append(topic))
    await two.subscribe("d/g-2/cmd")
    for topic in ("d/g-2/cmd", "d/g-2/receipt", "d/g-1/cmd"):
        await asyncio.wait({asyncio.ensure_future(one.publish(topic, b"x"))}, timeout=0.3)
    await link.send("g-2", "cmd", b"real")
    for _ in range(50):
        if heard:
            break
        await asyncio.sleep(0.05)
    assert heard == ["d/g-2/cmd"]
    assert await link.fetch(10, 0.3) == []
    await one.close()
    await two.close()


@pytest.mark.parametrize(
    ("guard", "topic"),
    [("g.1", "cmd"), ("*", "cmd"), ("g-1", "tele"), ("g-1", "cmd x"), ("", "cmd")],
)
async def test_nothing_else_can_be_sent_to(link, guard, topic):
    with pytest.raises(DownlinkError):
        await link.send(guard, topic, b"")


def test_permissions_of_a_guard():
    granted = admit.permissions("g-1", False, True)
    assert set(granted.publish) == {"d.g-1.tele", "d.g-1.receipt", "d.g-1.status"}
    assert set(granted.subscribe_not) >= {"d.g-1.receipt", "d.g-1.status"}
    assert streams.GUARDS.consumer != streams.MQTT.consumer
