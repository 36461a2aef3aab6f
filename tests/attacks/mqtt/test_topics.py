"""Attacks with a valid certificate: others' topics, internals, retained, wills, sizes, packets."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from beffroi.lab import mqtt
from beffroi.lab.mqtt import MqttError, MqttLostError, MqttRefusedError, packet, publish_packet
from beffroi.model.limits import MESSAGE_BYTES_MAX

FILTERS = [
    "#", "+/#", "+/+/+", "d/#", "d/+/tele", "d/+/cmd", "d/victim/#", "d/victim/cmd",
    "$share/g/d/victim/cmd", "$SYS/#", "$JS/#", "$JS/API/#", "$MQTT/#", "$MQTT/sub/#",
    "$MQTT/msgs/#", "_INBOX/#", "_PULL/#", "link/#", "d.victim.>", "d/mallory/tele", "GATE/#",
]  # fmt: skip
TOPICS = [
    "d/victim/tele", "d/victim/cmd", "d/mallory/cmd", "d/mallory/batch", "d/mallory", "link/csv/x",
    "$JS/API/STREAM/DELETE/$MQTT_msgs", "$JS/API/STREAM/PURGE/$MQTT_msgs", "$SYS/REQ/USER/AUTH",
    "$SYS/REQ/SERVER/PING/CONNZ", "$MQTT/msgs/d/victim/tele", "_INBOX/x/1", "d/mallory/tele/x",
    "d/victim.tele", "$JS/ACK/$MQTT_msgs/hub/1/1/1/1/0",
]  # fmt: skip


@pytest.fixture
async def scene(harbour, bus):
    """A victim that listens to what it may, and mallory with a good certificate."""
    harbour.enrol("victim")
    harbour.enrol("mallory")
    heard = []
    victim = await harbour.connect("victim", on_message=lambda t, p: heard.append((t, p)))
    await victim.subscribe("d/victim/#")
    mallory = await harbour.connect("mallory")
    yield harbour, bus, victim, mallory, heard
    await victim.close()
    await mallory.close()


async def test_subscriptions_to_what_is_not_ones_own(scene):
    harbour, _, victim, mallory, _ = scene
    granted = []
    for topic in FILTERS:
        for qos in (0, 1):
            try:
                await mallory.subscribe(topic, qos)
                granted.append((topic, qos))
            except MqttRefusedError:
                pass
            except MqttLostError:  # closing the door altogether is a refusal too
                mallory = await harbour.connect("mallory")
    assert granted == []
    await victim.publish("d/victim/tele", b"private")
    await mallory.close()


async def test_publishing_on_what_is_not_ones_own(scene):
    harbour, bus, victim, mallory, heard = scene
    for topic in TOPICS:
        for qos, retain in ((0, False), (1, False), (1, True)):
            try:
                mallory.write(publish_packet(topic, b"evil", 7, qos=qos, retain=retain))
                await mallory.publish("d/mallory/tele", b"mine")
            except MqttError:
                mallory = await harbour.connect("mallory")
    await victim.publish("d/victim/tele", b"last")
    got = []
    while not any(m.payload == b"last" for m in got):
        got += await harbour.read(bus, 1)
    assert {(m.sender, m.payload) for m in got} == {("mallory", b"mine"), ("victim", b"last")}
    assert heard == []
    late = await harbour.connect("victim", on_message=lambda t, p: heard.append((t, p)))
    await late.subscribe("d/victim/#")  # would deliver a retained message
    await asyncio.sleep(0.3)
    assert heard == []
    await late.close()
    await mallory.close()


@pytest.mark.parametrize("topic", ["d/victim/cmd", "d/victim/tele", "$SYS/x"])
async def test_a_will_for_somebody_else_is_not_sent(scene, topic):
    harbour, bus, victim, mallory, heard = scene
    await mallory.close()
    try:
        dying = await harbour.connect("mallory", will=(topic, b"evil"))
        dying.abort()
    except AssertionError:
        pass  # refused altogether
    await asyncio.sleep(0.5)
    assert heard == []
    assert await bus.fetch(10, 0.3) == []
    assert not victim.lost


async def test_too_large_a_payload_closes_only_its_sender(scene):
    harbour, bus, victim, mallory, _ = scene
    with pytest.raises(MqttError):
        await asyncio.wait_for(mallory.publish("d/mallory/tele", b"x" * 300_000), 10)
    mallory = await harbour.connect("mallory")
    await mallory.publish("d/mallory/tele", b"x" * MESSAGE_BYTES_MAX)
    got = await harbour.read(bus, 1)
    assert [len(m.payload) for m in got] == [MESSAGE_BYTES_MAX]
    assert not victim.lost
    await mallory.close()


MALFORMED = {
    "remaining length of five bytes": b"\x30\xff\xff\xff\xff\x7f",
    "declares 256 MB": b"\x30\xff\xff\xff\x7f\x00\x0e",
    "qos 3": packet(0x36, b"\x00\x0ed/mallory/tele\x00\x01x"),
    "second connect": mqtt.connect_packet("mallory"),
    "packet id 0": packet(0x32, b"\x00\x0ed/mallory/tele\x00\x00x"),
    "topic with wildcard": packet(0x30, b"\x00\x09d/+/telexx"),
    "topic with U+0000": packet(0x30, b"\x00\x0ed/mallory/te\x00ex"),
    "topic of bad utf-8": packet(0x30, b"\x00\x0ed/mallory/te\xffex"),
    "topic longer than packet": packet(0x30, b"\xff\xffd"),
    "empty topic": packet(0x30, b"\x00\x00x"),
    "subscribe without filter": packet(0x82, b"\x00\x01"),
    "subscribe with bad flags": packet(0x80, b"\x00\x01\x00\x01#\x00"),
    "subscribe qos 3": packet(0x82, b"\x00\x01\x00\x01a\x03"),
    "reserved packet 0": packet(0x00, b""),
    "reserved packet 15": packet(0xF0, b""),
    "server's packet": packet(0x20, b"\x00\x00"),
    "pubrel of nothing": packet(0x62, b"\x00\x09"),
    "noise": bytes(range(256)) * 4,
}


async def test_malformed_packets_hurt_nobody_else(scene):
    harbour, bus, victim, mallory, heard = scene
    await mallory.close()
    for name, data in MALFORMED.items():
        client = await harbour.connect("mallory")
        client.write(data)
        await asyncio.sleep(0.03)
        client.abort()
        assert not victim.lost, name
    assert harbour.stack.broker.restarts == 0
    await victim.publish("d/victim/tele", b"last")
    got = []
    while not any(m.payload == b"last" for m in got):
        got += await harbour.read(bus, 1)
    assert {m.sender for m in got} <= {"victim", "mallory"}
    assert [m.payload for m in got if m.sender == "victim"] == [b"last"]
    assert heard == []


async def test_garbage_before_connect_hurts_nobody(scene):
    harbour, _, victim, _, _ = scene
    here = harbour.stack.endpoint
    for data in (
        b"",
        b"\x00" * 64,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff\xff\x7f",
        b"\x16\x03",
    ):
        for context in (None, harbour.contexts["mallory"]):
            _, writer = await asyncio.open_connection(here.mqtt_host, here.mqtt_port, ssl=context)
            writer.write(data)
            await asyncio.sleep(0.02)
            writer.transport.abort()
    await victim.publish("d/victim/tele", b"alive")
    assert not victim.lost


async def test_m5_what_is_declared_is_not_made_room_for(scene):
    """Twenty connections that announce 256 MB each, and twenty that send 10 MB."""
    harbour, _, victim, mallory, _ = scene
    await mallory.close()
    broker = psutil.Process(harbour.stack.broker.pid)
    before = broker.memory_info().rss
    for name, data in (("declared", b"\x30\xff\xff\xff\x7f\x00\x0ed/mallory/tele"), ("sent", b"")):
        for _ in range(20):
            client = await harbour.connect("mallory")
            if name == "declared":
                client.write(data + b"x" * 60_000)
            else:
                client.write(publish_packet("d/mallory/tele", b"x" * 10_000_000, 7))
            await asyncio.sleep(0.02)
            client.abort()
    assert broker.memory_info().rss - before < 100 * 1024**2
    assert harbour.stack.broker.restarts == 0
    await victim.publish("d/victim/tele", b"alive")
    assert not victim.lost
