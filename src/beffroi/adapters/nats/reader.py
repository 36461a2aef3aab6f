"""Keeps a connection to the broker and reads durable streams through it, for bus and guards alike.

Survives restarts of the broker: `fetch` then gives nothing for a while, and what was not
acknowledged comes again. Refuses to know what the messages mean. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog

from beffroi.adapters.nats import streams
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.keys import KeyPair
from beffroi.adapters.nats.pull import Pull
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.limits import ACK_PENDING_MAX, BATCH_MESSAGES_MAX
from beffroi.ports.bus import Message

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0
PURGE_S = 2.0


async def ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task until it is done: `wait_for` of Python 3.11 forgets a cancellation that comes
    as its answer comes."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


class Reader:
    """`start`, `fetch` and `ack`, then `stop`. `wire` is the connection, None before the first.

    `met(wire)` is called with each new connection before anything is read from it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: KeyPair,
        name: str,
        sources: Sequence[streams.Source],
        met: Callable[[Wire], None] = lambda _: None,
    ) -> None:
        self._endpoint, self._key, self._name = endpoint, key, name
        self._sources, self._met = sources, met
        self._log = structlog.get_logger(name)
        self.wire: Wire | None = None
        self.connects = 0
        self._pulls: list[Pull] = []
        self._ready: deque[Message] = deque()
        self._news = asyncio.Event()
        self._acks: deque[bytes] = deque(maxlen=2 * ACK_PENDING_MAX)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects in the background, for ever."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Hand back what was not asked for yet, so that the next reader has it at once."""
        await ended(self._task)
        if self.wire is not None and not self.wire.lost.is_set():
            with contextlib.suppress(WireError):
                back = [m.token for m in self._ready if isinstance(m.token, bytes)]
                self.wire.write(b"".join(b"PUB %s 4\r\n-NAK\r\n" % token for token in back))
                await self.wire.flush()
            self.wire.close()
        self._ready.clear()

    @property
    def connected(self) -> bool:
        return self.wire is not None and not self.wire.lost.is_set()

    @property
    def waiting(self) -> int:
        """Messages that are here and were not fetched yet."""
        return len(self._ready)

    async def fetch(self, count_max: int, wait_s: float) -> list[Message]:
        """Up to `count_max`, as soon as there is one. Asks for more while the caller works."""
        if not self._ready:
            self._news.clear()
            self._pull()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        count = min(count_max, len(self._ready))
        taken = [self._ready.popleft() for _ in range(count)]
        self._pull()
        return taken

    def ack(self, tokens: Iterable[object]) -> None:
        """One write for all. Without connection they wait for the next one (or come again)."""
        self._acks.extend(token for token in tokens if isinstance(token, bytes))
        self._send_acks()

    def arrived(self, message: Message) -> None:
        """One more; also for what comes outside the streams (without a token)."""
        self._ready.append(message)
        self._news.set()

    async def _stay_connected(self) -> None:
        wait_s = BACKOFF_S_MIN
        while True:
            try:
                wire = await self._connect()
            except (WireError, streams.StreamError) as error:
                self._log.warning(f"{self._name}_connect_failed", error=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
                continue
            wait_s = BACKOFF_S_MIN
            self.connects += 1
            await self._tidy(wire)
            self._log.warning(f"{self._name}_lost", error=wire.last_error)

    async def _connect(self) -> Wire:
        wire = await Wire.connect("127.0.0.1", self._endpoint.client_port, self._key, self._name)
        try:
            await streams.ensure(wire.request)
            for source in self._sources:
                await streams.redeliver(wire.request, source)
            self._met(wire)
            # What waits here was taken over an older connection and is coming again.
            self._ready = deque(m for m in self._ready if m.token is None)
            self._pulls = [Pull(wire, source, self.arrived) for source in self._sources]
        except (WireError, streams.StreamError):
            wire.close()
            raise
        self.wire = wire
        self._send_acks()
        self._pull()
        return wire

    async def _tidy(self, wire: Wire) -> None:
        """Until the connection ends, have the broker delete what was acknowledged."""
        done = dict.fromkeys(self._sources, 0)
        while not wire.lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wire.lost.wait(), PURGE_S)
            try:
                for source in self._sources:
                    done[source] = await streams.purge(wire.request, source, done[source])
            except (WireError, streams.StreamError) as error:
                self._log.warning(f"{self._name}_purge_failed", error=str(error))

    def _pull(self) -> None:
        if len(self._ready) < BATCH_MESSAGES_MAX:
            for pull in self._pulls:
                pull.ask()

    def _send_acks(self) -> None:
        if self.wire is None or self.wire.lost.is_set() or not self._acks:
            return
        self.wire.write(b"".join([b"PUB %s 4\r\n+ACK\r\n" % token for token in self._acks]))
        self._acks.clear()
