"""Keeps one nats-server running as our child: start, wait until ready, restart, stop.

Knows the process and its files. Refuses to know devices (the gate does), messages (the bus does)
and how certificates are made: it is given a function that provides their files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from beffroi.adapters.nats import binary, config, keys
from beffroi.adapters.nats.health import Health
from beffroi.adapters.nats.process import end, spawn
from beffroi.model.limits import BROKER_MEMORY_BYTES_SOFT, DEVICE_CONNECTIONS_MAX

READY_S_MAX = 30.0
STOP_S_MAX = 15.0
BACKOFF_S_MIN = 0.2
BACKOFF_S_MAX = 30.0
STEADY_S = 60.0  # having run this long, the next failure starts again with the short wait
TLS_CHECK_S = 6 * 3_600
HEALTH_S = 2.0

log = structlog.get_logger("broker")


class BrokerError(Exception):
    """The broker did not start; the text has the end of its own output."""


class Broker:
    """One nats-server with its folder `home/nats`.

        broker = Broker(home / "nats", tls=lambda: Tls(...), mqtt_port=8883)
        await broker.start()      # raises BrokerError or binary.BinaryError
        ...broker.endpoint, broker.restarts...
        await broker.stop()

    `tls()` is called before each start of the process and every few hours; when the files it
    returns change (a renewed certificate), the process is restarted: devices reconnect, and
    nothing acknowledged is lost. So it is when the broker has given up a stream after a write
    error, as soon as the disk has space. Ports given as 0 are chosen at `start` and then kept.
    """

    def __init__(
        self,
        folder: Path,
        tls: Callable[[], config.Tls],
        *,
        mqtt_host: str = "127.0.0.1",
        mqtt_port: int = 8883,
        client_port: int = 4222,
        own_binary: str = "",
        own_sha256: str = "",
        sync: str = "always",
        backoff_s_max: float = BACKOFF_S_MAX,
    ) -> None:
        self.folder = folder
        self.restarts = 0
        self._tls = tls
        self._ports = (mqtt_host, mqtt_port, client_port)
        self._own = (own_binary, own_sha256)
        self._sync = sync
        self._backoff_s_max = backoff_s_max
        self._endpoint: config.Endpoint | None = None
        self._binary: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tls_seen: tuple[float, ...] = ()
        self._health: Health | None = None

    @property
    def trouble(self) -> str:
        """Why devices get no acknowledgement now (a full or broken disk), "" when all is well."""
        return "" if self._health is None else self._health.trouble

    @property
    def endpoint(self) -> config.Endpoint:
        if self._endpoint is None:
            raise BrokerError("the broker has not been started")
        return self._endpoint

    @property
    def pid(self) -> int:
        """Of the running process; 0 when it is down."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def start(self) -> None:
        """Check the binary, write the configuration, start, wait until it listens."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._binary = await asyncio.to_thread(binary.find, *self._own)
        host, mqtt_port, client_port = self._ports
        self._endpoint = config.Endpoint(
            client_port or config.free_port("127.0.0.1"),
            host,
            mqtt_port or config.free_port(host),
        )
        self._endpoint.save(self.folder)
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process in an orderly way (it flushes), by force after STOP_S_MAX."""
        while self._keeper is not None and not self._keeper.done():
            # `wait_for` of Python 3.11 forgets a cancellation that comes as its answer comes.
            self._keeper.cancel()
            await asyncio.wait({self._keeper}, timeout=0.2)
        await end(self._process, STOP_S_MAX)

    # ----------------------------------------------------------------------------------------
    async def _launch(self) -> None:
        tls = self._tls()
        self._tls_seen = _stamp(tls)
        public = keys.ensure(self.folder)
        path = self.folder / "nats-server.conf"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(config.text(self.folder, self.endpoint, tls, public, sync=self._sync))
        self._health = Health(self.folder)
        self._process = await spawn(
            [self._binary or "", "-c", path],
            self.folder / "stderr.log",
            {"GOMEMLIMIT": str(BROKER_MEMORY_BYTES_SOFT)},
            DEVICE_CONNECTIONS_MAX + 1_024,
        )
        try:
            await self._ready()
        except BrokerError:
            await end(self._process, STOP_S_MAX)
            raise

    async def _ready(self) -> None:
        end = time.monotonic() + READY_S_MAX
        while time.monotonic() < end:
            if self._process is None or self._process.returncode is not None:
                raise BrokerError(f"nats-server ended at once: {self._last_words()}")
            if await self._listening():
                return
            await asyncio.sleep(0.02)
        raise BrokerError(f"nats-server not ready in {READY_S_MAX} s: {self._last_words()}")

    async def _listening(self) -> bool:
        # The MQTT listener comes up before this one, and would log a broken handshake.
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.endpoint.client_port)
        except OSError:
            return False
        writer.close()
        return True

    def _last_words(self) -> str:
        texts = []
        for name in ("stderr.log", "server.log"):
            with contextlib.suppress(OSError):
                texts += (self.folder / name).read_text(errors="replace").splitlines()[-5:]
        return " | ".join(texts)[-1_500:] or "no output"

    async def _keep(self) -> None:
        wait_s, started = BACKOFF_S_MIN, time.monotonic()
        while True:
            ended = await self._ended_or_due()
            if time.monotonic() - started > STEADY_S:
                wait_s = BACKOFF_S_MIN
            log.warning("broker_restart", why=ended, wait_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._backoff_s_max)
            self.restarts += 1
            started = time.monotonic()
            try:
                await self._launch()
            except (BrokerError, OSError, ValueError) as error:
                log.error("broker_start_failed", error=str(error))

    async def _ended_or_due(self) -> str:
        """Returns why the process must be started again."""
        tls_check = time.monotonic() + TLS_CHECK_S
        while True:
            if self._process is None:
                return "it did not start"
            with contextlib.suppress(TimeoutError):
                code = await asyncio.wait_for(self._process.wait(), HEALTH_S)
                return f"it ended with {code}"
            if await self._must_restart():
                await end(self._process, STOP_S_MAX)
                return f"it had given up: {self.trouble}"
            if time.monotonic() > tls_check:
                tls_check = time.monotonic() + TLS_CHECK_S
                if await asyncio.to_thread(self._renewed):
                    await end(self._process, STOP_S_MAX)
                    return "its certificate was renewed"

    def _renewed(self) -> bool:
        try:
            return _stamp(self._tls()) != self._tls_seen
        except (OSError, ValueError) as error:  # a full disk: the certificate has weeks left
            log.error("certificate_not_renewed", error=str(error))
            return False

    async def _must_restart(self) -> bool:
        try:
            return self._health is not None and await asyncio.to_thread(self._health.look)
        except OSError as error:
            log.error("broker_log_unreadable", error=str(error))
            return False


def _stamp(tls: config.Tls) -> tuple[float, ...]:
    return tuple(path.stat().st_mtime for path in (tls.cert, tls.key, tls.ca))
