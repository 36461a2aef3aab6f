"""A real broker, gate, store and authority for each test."""

from __future__ import annotations

import asyncio

import pytest

from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.asset import Device


class Harbour:
    """A `Stack` with shortcuts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.bundles = {}
        self.contexts = {}

    def enrol(self, name, **fields):
        self.bundles[name] = self.stack.enrol(Device(name, "a", status="pending", **fields))
        self.contexts[name] = tls_context(self.bundles[name])
        return self.bundles[name]

    def client(self, name, *, as_id=None, **options):
        here = self.stack.endpoint
        context = self.contexts[name]
        return MqttClient(
            here.mqtt_host, here.mqtt_port, name if as_id is None else as_id, context, **options
        )

    async def connect(self, name, **options):
        """As a device does: again until the gate is there, for at most 10 s."""
        for _ in range(100):
            client = self.client(name, **options)
            try:
                await client.connect()
            except MqttError:
                await asyncio.sleep(0.1)
            else:
                return client
        raise AssertionError(f"{name} could not connect")

    async def read(self, bus, count, wait_s=10.0):
        """`count` messages, acknowledged."""
        got = []
        end = asyncio.get_running_loop().time() + wait_s
        while len(got) < count and asyncio.get_running_loop().time() < end:
            got += await bus.fetch(500, 0.2)
        await bus.ack(got)
        return got


@pytest.fixture
async def harbour(tmp_path):
    async with Stack(tmp_path) as stack:
        yield Harbour(stack)


@pytest.fixture
async def bus(harbour):
    reader = harbour.stack.bus()
    await reader.start()
    while not reader.connected:
        await asyncio.sleep(0.02)
    yield reader
    await reader.stop()
