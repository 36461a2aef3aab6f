"""The messaging of a commune in one object: authority, store, broker, gate and bus on a folder.

For tests, benchmarks and the demo, which all need the same real parts. The broker is a real child
process; the gate runs as a task here or, like in `beffroi serve`, as a process of its own.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
from pathlib import Path

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats.bus import NatsBus
from beffroi.adapters.nats.config import Endpoint, Tls
from beffroi.adapters.nats.gate import Gate
from beffroi.adapters.nats.process import spawn
from beffroi.adapters.nats.roster import Roster
from beffroi.adapters.nats.server import Broker
from beffroi.adapters.pki.ca import CertificateAuthority
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.asset import Device
from beffroi.ports.identity import Bundle

NAMES = ("localhost", "127.0.0.1")


class Stack:
    """async with Stack(home) as stack: ... Ports are free ones.

    `gate_process` True starts the gate as its own process; its store is then the one in `home`.
    """

    def __init__(
        self, home: Path, *, gate_process: bool = False, sync: str = "always", own_gate: bool = True
    ) -> None:
        self.home = home
        self.clock = SystemClock()
        self.gate: Gate | None = None
        self._gate_process = gate_process
        self._own_gate = own_gate
        self._child: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.authority = CertificateAuthority(home / "ca", self.clock.now_ms())
        self.store: SqlStore = open_store(f"sqlite:///{home / 'beffroi.sqlite'}")
        self.broker = Broker(
            home / "nats", self._tls, mqtt_port=0, client_port=0, sync=sync, backoff_s_max=0.5
        )

    async def __aenter__(self) -> Stack:
        await self.broker.start()
        if self._own_gate:
            await self.start_gate()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.broker.stop()  # before the gate, or it waits for answers to late comers
        await self.stop_gate()
        self.store.close()

    @property
    def endpoint(self) -> Endpoint:
        return self.broker.endpoint

    @property
    def gate_pid(self) -> int:
        """Of the gate's process, 0 when it is a task."""
        return 0 if self._child is None else self._child.pid

    def enrolment(self) -> Enrolment:
        """The identity port of this commune."""
        here = self.endpoint
        return Enrolment(self.authority, self.store, self.clock, here.mqtt_host, here.mqtt_port)

    def enrol(self, device: Device) -> Bundle:
        """Put a device into the inventory and give it a certificate."""
        self.store.assets.put_devices([device])
        enrolment = self.enrolment()
        return enrolment.redeem(enrolment.invite(device.id))

    def bus(self) -> NatsBus:
        """A new reader of the hub's streams."""
        return NatsBus(self.endpoint, self.home / "nats")

    async def start_gate(self) -> None:
        """As a task: returns when it lets devices in. As a process: returns at once; devices that
        come too early wait some seconds, are refused and try again."""
        folder = self.home / "nats"
        if self._gate_process:
            command = [sys.executable, "-m", "beffroi", "gate-process", "--home", str(self.home)]
            self._child = await spawn(command, folder / "gate.log", {}, 1_024)
            return
        self.gate = Gate(self.endpoint, folder, Roster(self.store.assets, self.store.people))
        self._task = asyncio.create_task(self.gate.run())
        while not self.gate.open and not self._task.done():
            await asyncio.sleep(0.01)

    async def stop_gate(self) -> None:
        if self._task is not None:
            while not self._task.done():  # see NatsBus.stop
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=0.2)
            self._task = None
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()
            await self._child.wait()
        self._child = None

    def _tls(self) -> Tls:
        cert, key = self.authority.server_files(NAMES, self.clock.now_ms())
        return Tls(cert, key, self.authority.folder / "ca.crt")


def tls_context(bundle: Bundle) -> ssl.SSLContext:
    """What a device makes of its bundle."""
    with tempfile.TemporaryDirectory() as name:  # ssl reads keys from files only
        folder = Path(name)
        for file, content in bundle.files.items():
            (folder / file).write_bytes(content)
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / "device.crt", folder / "device.key")
    return context
