"""The bus on a real broker: everything arrives, nothing is forgotten, nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal

import pytest

from beffroi.adapters.nats import pull, streams
from beffroi.adapters.nats.bus import BusError
from beffroi.adapters.nats.wire import WireError
from beffroi.lab.publisher import Publisher
from beffroi.model.limits import MESSAGE_BYTES_MAX


async def test_a_message_of_each_way_arrives_with_sender_kind_and_time(harbour, bus):
    harbour.enrol("gw-1", is_gateway=True)
    client = await harbour.connect("gw-1")
    before = harbour.stack.clock.now_ms()
    await client.publish("d/gw-1/tele", b"1")
    await client.publish("d/gw-1/batch", b"2")
    await client.publish("d/gw-1/tele", b"3", qos=0)
    await bus.publish("chirpstack", "mairie é.1>*", b"4")
    got = {m.payload: m for m in await harbour.read(bus, 4)}
    seen = {p: (m.sender, m.link, m.kind) for p, m in got.items()}
    assert seen == {
        b"1": ("gw-1", "mqtt", "tele"),
        b"2": ("gw-1", "mqtt", "batch"),
        b"3": ("gw-1", "mqtt", "tele"),
        b"4": ("mairie é.1>*", "chirpstack", "up"),
    }
    assert all(before <= m.recv_ms <= harbour.stack.clock.now_ms() for m in got.values())
    await client.close()


async def test_what_is_not_acknowledged_comes_again_to_the_next_reader_at_once(harbour, bus):
    for i in range(5):
        await bus.publish("csv", "import", b"%d" % i)
    taken = []
    while len(taken) < 5:
        taken += await bus.fetch(10, 1.0)
    await bus.ack(taken[:2])
    await bus.stop()
    second = harbour.stack.bus()
    await second.start()
    again = await harbour.read(second, 3, wait_s=5.0)
    assert sorted(m.payload for m in again) == sorted(m.payload for m in taken[2:])
    assert await second.fetch(10, 0.5) == []
    await second.stop()


async def test_backlog_counts_and_the_streams_are_emptied(harbour, bus):
    harbour.enrol("dev-1")
    client = await harbour.connect("dev-1")
    for i in range(20):
        await client.publish("d/dev-1/tele", b"%d" % i)
    for _ in range(50):  # a message on its way to us is for an instant in neither count
        if await bus.backlog() == 20:
            break
        await asyncio.sleep(0.02)
    assert await bus.backlog() == 20
    await harbour.read(bus, 20)
    for _ in range(60):
        await asyncio.sleep(0.1)
        info = await bus._reader.wire.request(f"$JS.API.STREAM.INFO.{streams.MQTT.stream}", b"")
        if json.loads(info)["state"]["messages"] == 0:
            break
    assert json.loads(info)["state"]["messages"] == 0
    assert await bus.backlog() == 0
    await client.close()


async def test_purging_touches_neither_unacknowledged_messages_nor_other_subjects(harbour, bus):
    wire = bus._reader.wire or await _connected(bus)
    for i in range(6):
        await wire.request("$MQTT.msgs.d.dev-1.tele", b"%d" % i)
    await wire.request("$MQTT.msgs.d.dev-1.cmd", b"a command that waits for its device")
    got = []
    while len(got) < 6:
        got += await bus.fetch(10, 1.0)
    await bus.ack([m for m in got if m.payload in (b"0", b"1", b"3", b"5")])
    await wire.flush()
    floor = await streams.purge(wire.request, streams.MQTT, 0)
    assert floor == 2  # 3 and 5 are acknowledged, but 2 before them is not
    state = json.loads(await wire.request("$JS.API.STREAM.INFO.$MQTT_msgs", b""))["state"]
    assert state["messages"] == 5


async def test_kill_9_of_the_broker_under_load_loses_nothing_acknowledged(harbour, bus):
    """The short form of bench/faults_broker: three kills, window 20, ten devices."""
    here = harbour.stack.endpoint
    publishers = []
    for i in range(10):
        harbour.enrol(f"dev-{i}")
        context = harbour.contexts[f"dev-{i}"]
        publishers.append(Publisher(here.mqtt_host, here.mqtt_port, f"dev-{i}", context, window=20))
    stop, stored = asyncio.Event(), set()
    for publisher in publishers:
        publisher.start()
    tasks = [asyncio.create_task(_send(i, p, stop)) for i, p in enumerate(publishers)]
    reader = asyncio.create_task(_store(bus, stored))
    for _ in range(3):
        await asyncio.sleep(1.0)
        os.kill(harbour.stack.broker.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    await _emptied(bus)
    reader.cancel()
    acked = {key for publisher in publishers for key in publisher.acked}
    assert harbour.stack.broker.restarts == 3
    assert len(acked) > 100
    assert acked - stored == set()
    for publisher in publishers:
        await publisher.stop()


async def test_fetch_publish_and_backlog_while_the_broker_is_down(harbour, bus):
    await _connected(bus)
    await harbour.stack.broker.stop()
    assert await bus.fetch(10, 0.1) == []
    with pytest.raises(BusError):
        await bus.publish("csv", "x", b"lost?")
    with pytest.raises(BusError):
        await bus.backlog()


async def test_a_message_beyond_the_limit_is_refused_before_the_broker(bus):
    await _connected(bus)
    with pytest.raises(BusError, match="at most"):
        await bus.publish("csv", "x", b"x" * (MESSAGE_BYTES_MAX + 1))
    await bus.publish("csv", "x", b"x" * MESSAGE_BYTES_MAX)


async def test_a_refused_publish_is_heard_of(harbour, bus):
    told = []
    bus._on_refused = lambda refusal, times: told.append((refusal, times))
    harbour.enrol("dev-1")
    client = await harbour.connect("dev-1")
    for _ in range(3):
        await client.publish("d/dev-2/tele", b"{}")  # the broker acknowledges it all the same
    for _ in range(50):
        if told:
            break
        await asyncio.sleep(0.1)
    assert sum(times for _, times in told) == 3
    assert (told[0][0].device, told[0][0].what) == ("dev-1", "publish")
    assert bus.refused["dev-1"] == 3
    assert await bus.fetch(10, 0.2) == []
    await client.close()


@pytest.mark.parametrize(
    "subject",
    [
        b"$JS.ACK.$MQTT_msgs.hub.1.2.3.1790000000123456789.0",
        b"$JS.ACK.domain.hash.$MQTT_msgs.hub.1.2.3.1790000000123456789.0.token",
    ],
)
def test_time_of_storage_is_read_from_both_forms(subject):
    assert pull.stored_ms(subject) == 1_790_000_000_123


def test_an_unknown_acknowledgement_subject_is_an_error():
    with pytest.raises(WireError):
        pull.stored_ms(b"$JS.ACK.x")


async def _send(number, publisher, stop):
    seq = 0
    while not stop.is_set():
        await publisher.send(f"d/dev-{number}/tele", b"%d" % seq, (number, seq))
        seq += 1
    await publisher.drain()


async def _store(bus, stored):
    while True:
        got = await bus.fetch(500, 0.2)
        stored.update((int(m.sender.removeprefix("dev-")), int(m.payload)) for m in got)
        await bus.ack(got)


async def _emptied(bus):
    for _ in range(300):
        with contextlib.suppress(BusError):
            if await bus.backlog() == 0:
                return
        await asyncio.sleep(0.1)


async def _connected(bus):
    for _ in range(100):
        if bus.connected:
            return bus._reader.wire
        await asyncio.sleep(0.05)
    raise AssertionError("bus never connected")
