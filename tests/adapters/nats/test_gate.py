"""The gate on a real broker: who comes in, who is cut, what happens when parts are down."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from beffroi.adapters.nats import binary, config
from beffroi.adapters.nats.server import Broker, BrokerError
from beffroi.lab.mqtt import MqttClient, MqttError, MqttRefusedError
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.asset import Device


async def test_revocation_cuts_the_live_connection_and_refuses_the_next(harbour):
    harbour.enrol("dev-1")
    harbour.enrol("dev-2")
    client, other = await harbour.connect("dev-1"), await harbour.connect("dev-2")
    harbour.stack.enrolment().revoke("dev-1", "maire")
    await asyncio.wait_for(client.wait_lost(), 5)
    with pytest.raises(MqttRefusedError):
        await harbour.client("dev-1").connect()
    assert not other.lost
    await other.close()


async def test_a_device_revoked_while_no_gate_ran_is_cut_when_one_starts(harbour):
    harbour.enrol("dev-1")
    client = await harbour.connect("dev-1")
    await harbour.stack.stop_gate()
    harbour.stack.enrolment().revoke("dev-1", "maire")
    await asyncio.sleep(0.5)
    assert not client.lost
    await harbour.stack.start_gate()
    await asyncio.wait_for(client.wait_lost(), 5)


async def test_renewal_keeps_the_old_certificate_and_new_enrolment_kills_it(harbour):
    harbour.enrol("dev-1")
    old = await harbour.connect("dev-1")
    renewed = harbour.stack.enrolment().renew("dev-1", "maire")
    await asyncio.sleep(0.6)
    assert not old.lost
    await old.close()
    again = await harbour.connect("dev-1")  # with the old certificate
    await again.close()
    harbour.contexts["new"] = tls_context(renewed)
    both = harbour.client("new", as_id="dev-1")
    await both.connect()
    enrolment = harbour.stack.enrolment()
    third = enrolment.redeem(enrolment.invite("dev-1"))
    await asyncio.wait_for(both.wait_lost(), 5)
    for stale in ("dev-1", "new"):
        with pytest.raises(MqttRefusedError):
            await harbour.client(stale, as_id="dev-1").connect()
    harbour.contexts["third"] = tls_context(third)
    last = harbour.client("third", as_id="dev-1")
    await last.connect()
    await last.close()


async def test_a_device_enrolled_a_moment_ago_comes_in_at_once(harbour):
    harbour.enrol("dev-1")
    await (await harbour.connect("dev-1")).close()
    for i in range(2, 6):
        harbour.enrol(f"dev-{i}")
        client = harbour.client(f"dev-{i}")
        await client.connect()  # no second try
        await client.close()


async def test_only_a_gateway_may_send_batches(harbour, bus):
    harbour.enrol("dev-1")
    client = await harbour.connect("dev-1")
    await client.publish("d/dev-1/batch", b"not a gateway")
    device = harbour.stack.store.assets.device("dev-1")
    harbour.stack.store.assets.put_devices([replace(device, is_gateway=True)])
    await asyncio.wait_for(client.wait_lost(), 5)  # it must come in again for its new permissions
    client = await harbour.connect("dev-1")
    await client.publish("d/dev-1/batch", b"gateway")
    assert [m.payload for m in await harbour.read(bus, 1)] == [b"gateway"]
    await client.close()


async def test_hub_down_devices_reconnect_and_their_messages_come_later_once(tmp_path):
    """The gate is a process of its own; nobody reads; the broker restarts meanwhile."""
    async with Stack(tmp_path, gate_process=True) as stack:
        context = tls_context(stack.enrol(Device("dev-1", "a", status="pending")))
        client = await _connect(stack, "dev-1", context)
        await client.publish("d/dev-1/tele", b"before")
        os.kill(stack.broker.pid, signal.SIGKILL)
        await asyncio.wait_for(client.wait_lost(), 5)
        client = await _connect(stack, "dev-1", context)
        await client.publish("d/dev-1/tele", b"after")
        bus = stack.bus()
        await bus.start()
        got = []
        for _ in range(50):
            got += await bus.fetch(10, 0.2)
            if len(got) >= 2:
                break
        await bus.ack(got)
        assert sorted(m.payload for m in got) == [b"after", b"before"]
        assert await bus.fetch(10, 0.5) == []
        await bus.stop()
        await client.close()


async def test_without_a_gate_nobody_comes_in(harbour):
    harbour.enrol("dev-1")
    await harbour.stack.stop_gate()
    with pytest.raises(MqttError):
        await harbour.client("dev-1").connect()


async def _connect(stack, name, context):
    for _ in range(100):
        here = stack.endpoint
        client = MqttClient(here.mqtt_host, here.mqtt_port, name, context)
        try:
            await client.connect()
        except MqttError:
            await asyncio.sleep(0.1)
        else:
            return client
    raise AssertionError("never connected")


# --- the broker's process ------------------------------------------------------------------------
async def test_the_broker_dies_with_its_parent(tmp_path):
    code = (
        "import asyncio, sys, pathlib\n"
        "from beffroi.lab.stack import Stack\n"
        "async def main():\n"
        "    async with Stack(pathlib.Path(sys.argv[1]), own_gate=False) as stack:\n"
        "        print(stack.broker.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nats-server outlived its parent")


async def test_files_are_private_and_the_configuration_holds_no_secret(harbour):
    folder = harbour.stack.home / "nats"
    seeds = [path.read_bytes() for path in folder.glob("*.nk")]
    text = (folder / "nats-server.conf").read_bytes()
    assert len(seeds) == 4
    assert not any(seed in text for seed in seeds)
    for path in [*folder.glob("*.nk"), folder / "nats-server.conf"]:
        assert path.stat().st_mode & 0o077 == 0


async def test_a_start_that_fails_says_why(tmp_path):
    stack = Stack(tmp_path)
    port = config.free_port("127.0.0.1")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    broker = Broker(tmp_path / "nats", stack._tls, mqtt_port=port, client_port=0)
    with pytest.raises(BrokerError, match="address already in use"):
        await broker.start()
    server.close()
    stack.store.close()


def test_another_binary_needs_its_hash(tmp_path):
    other = tmp_path / "nats-server"
    other.write_bytes(binary.find().read_bytes() + b"x")
    with pytest.raises(binary.BinaryError, match="sha256"):
        binary.find(str(other), "00")
    assert binary.find(str(other), binary.sha256(other)) == other


def test_the_packaged_binary_must_be_pinned(tmp_path, monkeypatch):
    fake = tmp_path / "nats-server"
    fake.write_bytes(b"#!/bin/sh\necho nats-server: v2.15.1\n")
    monkeypatch.setattr(binary, "_packaged", lambda: fake)
    with pytest.raises(binary.BinaryError, match="not a pinned"):
        binary.find()
