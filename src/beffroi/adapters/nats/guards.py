"""The `Downlink` port: commands down to guards, receipts and statuses up from them.

A connection of its own, so that a full ingest delays no command. Down is at most once (the sender
repeats); up is the broker's durable stream with a consumer of its own. Refuses to know what the
messages mean. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from beffroi.adapters.nats import keys, streams
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.pull import Pull
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.asset import is_device_id
from beffroi.model.limits import BATCH_MESSAGES_MAX
from beffroi.ports.bus import Message
from beffroi.ports.downlink import DownlinkError, Heard

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0
PURGE_S = 2.0
TOPICS = ("cmd", "lease", "trust")

log = structlog.get_logger("guards")


class GuardLink:
    """`start`, then the methods of the port, then `stop`. Reconnects for ever."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        """`folder` is `home/nats`, where the hub's key of the broker is."""
        self._endpoint = endpoint
        self._key = keys.load(folder, "hub")
        self._wire: Wire | None = None
        self._pull: Pull | None = None
        self._ready: deque[Message] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects in the background, for ever."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        task = self._task
        # `wait_for` of Python 3.11 forgets a cancellation that comes as its answer comes.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.2)
        if self._wire is not None:
            self._wire.close()

    @property
    def connected(self) -> bool:
        return self._wire is not None and not self._wire.lost.is_set()

    async def send(self, guard: str, topic: str, payload: bytes) -> None:
        """See the port."""
        if topic not in TOPICS or not is_device_id(guard):  # they become part of a subject
            raise DownlinkError(f"{guard!r} or {topic!r} is not something that can be sent to")
        if self._wire is None:
            raise DownlinkError("not connected to the broker")
        try:
            self._wire.publish(f"d.{guard}.{topic}".encode(), payload)
        except WireError as error:
            raise DownlinkError(str(error)) from error

    async def fetch(self, count_max: int, wait_s: float) -> list[Heard]:
        """See the port."""
        if not self._ready:
            self._news.clear()
            self._ask()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        count = min(count_max, len(self._ready))
        taken = [self._ready.popleft() for _ in range(count)]
        self._ask()
        return [Heard(one.sender, one.kind, one.payload, one.token) for one in taken]

    async def ack(self, heard: Sequence[Heard]) -> None:
        """See the port. Without connection they come again."""
        tokens = [one.token for one in heard if isinstance(one.token, bytes)]
        if tokens and self._wire is not None and self.connected:
            self._wire.write(b"".join(b"PUB %s 4\r\n+ACK\r\n" % token for token in tokens))

    # ----------------------------------------------------------------------------------------
    async def _stay_connected(self) -> None:
        wait_s = BACKOFF_S_MIN
        while True:
            try:
                wire = await self._connect()
            except (WireError, streams.StreamError) as error:
                log.warning("guards_connect_failed", error=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
                continue
            wait_s = BACKOFF_S_MIN
            await self._tidy(wire)
            log.warning("guards_lost", error=wire.last_error)

    async def _connect(self) -> Wire:
        port = self._endpoint.client_port
        wire = await Wire.connect("127.0.0.1", port, self._key, "dispatch")
        try:
            await streams.ensure(wire.request)
            await streams.redeliver(wire.request, streams.GUARDS)
            self._ready.clear()  # taken over an older connection, and coming again
            self._pull = Pull(wire, streams.GUARDS, self._arrived)
        except (WireError, streams.StreamError):
            wire.close()
            raise
        self._wire = wire
        self._ask()
        return wire

    async def _tidy(self, wire: Wire) -> None:
        """Until the connection ends, have the broker delete what was acknowledged."""
        done = 0
        while not wire.lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wire.lost.wait(), PURGE_S)
            try:
                done = await streams.purge(wire.request, streams.GUARDS, done)
            except (WireError, streams.StreamError) as error:
                log.warning("guards_purge_failed", error=str(error))

    def _ask(self) -> None:
        if self._pull is not None and self.connected and len(self._ready) < BATCH_MESSAGES_MAX:
            self._pull.ask()

    def _arrived(self, message: Message) -> None:
        self._ready.append(message)
        self._news.set()
