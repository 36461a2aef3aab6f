"""A plain broker for the kit: MQTT over mutual TLS, anyone with a certificate may do anything.

That is the point: a guard may not rely on its broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import nats

from beffroi.adapters import durable
from beffroi.adapters.nats.binary import find
from beffroi.adapters.nats.process import end, spawn
from beffroi.adapters.pki.ca import CertificateAuthority, key_pem, new_key

_CONFIG = """\
host: 127.0.0.1
port: {client}
server_name: kit
max_payload: 1MB
jetstream {{ store_dir: "{folder}/jetstream", max_mem: 64MB, max_file: 256MB }}
mqtt {{
  host: 127.0.0.1
  port: {port}
  tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", verify: true }}
}}
"""
_START_S_MAX = 15.0
_SENT = "$MQTT_msgs"  # the stream of what is published by MQTT with QoS 1


class KitBrokerError(Exception):
    """The broker of the kit did not start; its log says why."""


class KitBroker:
    def __init__(self, folder: Path, now_ms: int) -> None:
        self._folder = folder
        self._authority = CertificateAuthority(folder / "ca", now_ms, "Kit")
        self._now_ms = now_ms
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0
        self._client_port = 0

    @property
    def ca(self) -> Path:
        return self._authority.folder / "ca.crt"

    def certificate(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) of a client."""
        key = new_key()
        issued = self._authority.issue_device(name, key.public_key(), self._now_ms)
        cert_path, key_path = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        durable.replace(key_path, key_pem(key))
        cert_path.write_bytes(issued.cert_pem)
        return cert_path, key_path

    def context(self, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(*map(str, self.certificate(name)))
        return context

    async def start(self) -> None:
        cert, key = self._authority.server_files(("localhost", "127.0.0.1"), self._now_ms)
        for _ in range(3):  # a free port may be taken by somebody else in between
            self.port = self.port or _free_port()  # after an outage it is where it was
            client = self._client_port = _free_port()
            config = self._folder / "nats.conf"
            config.write_text(
                _CONFIG.format(
                    client=client,
                    port=self.port,
                    folder=self._folder,
                    cert=cert,
                    key=key,
                    ca=self.ca,
                )
            )
            log = self._folder / "nats.log"
            self._process = await spawn([find(), "-c", config], log, {}, 1_024)
            if await self._open():
                return
            await self.stop()
            self.port = 0
        raise KitBrokerError(f"the broker does not answer; see {self._folder / 'nats.log'}")

    async def _open(self) -> bool:
        end_s = asyncio.get_running_loop().time() + _START_S_MAX
        while asyncio.get_running_loop().time() < end_s:
            if self._process is None or self._process.returncode is not None:
                return False
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return True
            await asyncio.sleep(0.05)
        return False

    async def settled(self, name: str) -> frozenset[str]:
        """The subscriptions of this device, if it has acknowledged everything that was published
        to any of them; empty while something is under way. A new link has other names."""
        client = await nats.connect(f"nats://127.0.0.1:{self._client_port}")
        try:
            found = [
                one
                for one in await client.jsm().consumers_info(_SENT)
                if (one.config.filter_subject or "").startswith(f"$MQTT.msgs.d.{name}.")
            ]
        finally:
            await client.close()
        under_way = any(one.num_pending or one.num_ack_pending for one in found)
        return frozenset() if under_way else frozenset(one.name for one in found)

    async def stop(self) -> None:
        await end(self._process, 2.0)
        self._process = None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
