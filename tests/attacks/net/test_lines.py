"""F19-F21 between a device and the real broker: what was acknowledged is there, once in the end."""

from __future__ import annotations

import asyncio

import pytest
from tests.attacks.net.proxy import Proxy

from beffroi.lab.mqtt import MqttClient, MqttError, publish_packet

COUNT = 40


@pytest.fixture
async def line(harbour):
    harbour.enrol("far")
    here = harbour.stack.endpoint
    async with Proxy(here.mqtt_host, here.mqtt_port) as proxy:
        yield proxy


def far(harbour, proxy, **options):
    return MqttClient("127.0.0.1", proxy.port, "far", harbour.contexts["far"], **options)


async def told(harbour, proxy, count, wait_s=5.0):
    """As a device does: each value until it is acknowledged, over as many connections as needed."""
    client, n = None, 0
    while n < count:
        try:
            if client is None or client.lost:
                client = far(harbour, proxy)
                await client.connect()
            await asyncio.wait_for(client.publish("d/far/tele", b"%d" % n), wait_s)
            n += 1
        except (MqttError, TimeoutError):
            if client is not None:
                client.abort()
            client = None
            await asyncio.sleep(0.1)
    return client


def distinct(messages):
    return {int(one.payload) for one in messages}


async def everything(harbour, bus, count):
    got = []
    while distinct(got) != set(range(count)):
        more = await harbour.read(bus, 1)
        assert more, f"missing: {set(range(count)) - distinct(got)}"
        got += more
    return got


@pytest.mark.parametrize(
    ("delay_s", "loss", "bytes_per_s"),
    [(0.05, 0.5, 0.0), (0.25, 0.1, 0.0), (0.0, 0.0, 6_000.0)],
    ids=["half is lost", "slow", "thin"],
)
async def test_f20_a_bad_line_delays_and_loses_nothing(
    harbour, bus, line, delay_s, loss, bytes_per_s
):
    line.line.delay_s, line.line.loss, line.line.bytes_per_s = delay_s, loss, bytes_per_s
    count = 4
    client = await told(harbour, line, count, wait_s=10.0)
    await everything(harbour, bus, count)
    await client.close()


async def test_f20_one_byte_a_second_holds_up_nobody_else(harbour, bus, line):
    """A client that trickles its handshake is cut by the broker's own limit; others go on."""
    harbour.enrol("near")
    line.line.bytes_per_s = 1.0
    slow = asyncio.create_task(far(harbour, line).connect())
    near = await harbour.connect("near")
    for n in range(COUNT):
        await near.publish("d/near/tele", b"%d" % n)
    await everything(harbour, bus, COUNT)
    assert not slow.done() or slow.exception() is not None
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    await near.close()


async def test_f21_a_reset_in_mid_publish_is_sent_again_as_duplicate(harbour, bus, line):
    client = await told(harbour, line, 1)
    for n in range(1, COUNT):
        line.line.cut_after = 7 * n % 60  # within a TLS record that holds the packet
        if client.lost:
            client = far(harbour, line)
            line.line.cut_after = -1
            await client.connect()
            line.line.cut_after = 7 * n % 60
        try:
            await asyncio.wait_for(client.publish("d/far/tele", b"%d" % n), 5.0)
        except (MqttError, TimeoutError):
            line.line.cut_after = -1
            client.abort()
            client = far(harbour, line)
            await client.connect()
            client.write(publish_packet("d/far/tele", b"%d" % n, 1, dup=True))
            await client.publish("d/far/tele", b"%d" % n)
    assert line.cuts > COUNT // 2
    got = await everything(harbour, bus, COUNT)
    assert {one.sender for one in got} == {"far"}
    await client.close()


async def test_f21_a_half_open_connection_is_replaced_by_the_same_device(harbour, bus, line):
    """The device's network dies without a word; it comes back by another way at once."""
    old = await told(harbour, line, 1)
    line.line.silent = True
    new = await harbour.connect("far")
    await new.publish("d/far/tele", b"1")
    await everything(harbour, bus, 2)
    line.line.silent = False
    await asyncio.wait_for(old.wait_lost(), 10)
    assert not new.lost
    await new.close()


@pytest.mark.parametrize("up", [True, False], ids=["its words do not arrive", "ours do not"])
async def test_f19_a_one_way_line_ends_in_a_fresh_connection(harbour, bus, line, up):
    client = await told(harbour, line, 1)
    setattr(line.line, "up" if up else "down", False)
    waiting = client.publish_nowait("d/far/tele", b"1")
    await asyncio.sleep(0.5)
    assert not waiting.done(), "nothing is acknowledged that nobody has"
    client.abort()  # its own timeout
    line.line.up = line.line.down = True
    client = await told(harbour, line, 2)
    got = await everything(harbour, bus, 2)
    assert len(got) >= 2
    await client.close()
