"""The `Bus` port on NATS JetStream: pulls the durable messages, acknowledges what was committed.

Survives restarts of the broker: `fetch` then gives nothing for a while, `publish` raises, and what
was not acknowledged comes again. Refuses to know what the messages mean. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import structlog

from beffroi.adapters.nats import keys, streams
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.pull import Pull
from beffroi.adapters.nats.refusals import SESSION, LogReader, Refusal
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.limits import ACK_PENDING_MAX, BATCH_MESSAGES_MAX, MESSAGE_BYTES_MAX
from beffroi.ports.bus import Message

QOS0_WAITING_MAX = 5_000
BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0
PURGE_S = 2.0
REFUSALS_S = 1.0

log = structlog.get_logger("bus")


class BusError(Exception):
    """The broker did not take the message: it is not durable, send it again later."""


class NatsBus:
    """`start`, then the methods of the port, then `stop`.

    `qos0_dropped` counts messages that devices sent without asking for an acknowledgement and that
    were dropped because the hub was too far behind; QoS 1 messages are never dropped.
    `refused` counts what the broker refused by device (and acknowledged all the same).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        folder: Path,
        on_refused: Callable[[Refusal, int], None] | None = None,
    ) -> None:
        """`folder` is `home/nats`, where the hub's key and the broker's log are. `on_refused` is
        called on the event loop with each new kind of refusal and how often it happened."""
        self.refused: Counter[str] = Counter()
        self._on_refused = on_refused
        self._refusals = LogReader(folder)
        self._listener: asyncio.Task[None] | None = None
        self.connects = 0
        self.qos0_dropped = 0
        self._endpoint = endpoint
        self._key = keys.load(folder, "hub")
        self._wire: Wire | None = None
        self._pulls: list[Pull] = []
        self._ready: deque[Message] = deque()
        self._news = asyncio.Event()
        self._acks: deque[bytes] = deque(maxlen=2 * ACK_PENDING_MAX)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects in the background, for ever."""
        self._task = asyncio.create_task(self._stay_connected())
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Hand back what was not asked for yet, so that the next reader has it at once."""
        for task in (self._task, self._listener):
            # `wait_for` of Python 3.11 forgets a cancellation that comes as its answer comes.
            while task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.2)
        if self._wire is not None and not self._wire.lost.is_set():
            with contextlib.suppress(WireError):
                back = [m.token for m in self._ready if isinstance(m.token, bytes)]
                self._wire.write(b"".join(b"PUB %s 4\r\n-NAK\r\n" % token for token in back))
                await self._wire.flush()
            self._wire.close()
        self._ready.clear()

    @property
    def connected(self) -> bool:
        return self._wire is not None and not self._wire.lost.is_set()

    async def fetch(self, count_max: int, wait_s: float) -> list[Message]:
        """See the port. Asks for more while the caller works on what it got."""
        if not self._ready:
            self._news.clear()
            self._pull()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        count = min(count_max, len(self._ready))
        taken = [self._ready.popleft() for _ in range(count)]
        self._pull()
        return taken

    async def ack(self, messages: Sequence[Message]) -> None:
        """One write for all. Without connection they wait for the next one (or come again)."""
        self._acks.extend(m.token for m in messages if isinstance(m.token, bytes))
        self._send_acks()

    async def publish(self, link: str, sender: str, payload: bytes) -> None:
        """See the port. Raises BusError when it is not durable."""
        if len(payload) > MESSAGE_BYTES_MAX:
            raise BusError(f"{len(payload)} bytes; a message has at most {MESSAGE_BYTES_MAX}")
        if self._wire is None:
            raise BusError("not connected to the broker")
        subject = f"link.{_token(link)}.{_token(sender)}"
        try:
            answer = json.loads(await self._wire.request(subject, payload))
        except (WireError, ValueError) as error:
            raise BusError(f"not stored: {error}") from error
        if "error" in answer:
            raise BusError(f"not stored: {answer['error'].get('description')}")

    async def backlog(self) -> int:
        """See the port. Raises BusError without connection."""
        if self._wire is None:
            raise BusError("not connected to the broker")
        total = 0
        try:
            for source in streams.SOURCES:
                state = await streams.info(self._wire.request, source)
                total += state["num_pending"] + state["num_ack_pending"]
        except (WireError, streams.StreamError) as error:
            raise BusError(str(error)) from error
        return total

    # ----------------------------------------------------------------------------------------
    async def _stay_connected(self) -> None:
        wait_s = BACKOFF_S_MIN
        while True:
            try:
                wire = await self._connect()
            except (WireError, streams.StreamError) as error:
                log.warning("bus_connect_failed", error=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
                continue
            wait_s = BACKOFF_S_MIN
            self.connects += 1
            await self._tidy(wire)
            log.warning("bus_lost", error=wire.last_error)

    async def _tidy(self, wire: Wire) -> None:
        """Until the connection ends, have the broker delete what was acknowledged."""
        done = dict.fromkeys(streams.SOURCES, 0)
        while not wire.lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wire.lost.wait(), PURGE_S)
            try:
                for source in streams.SOURCES:
                    done[source] = await streams.purge(wire.request, source, done[source])
            except (WireError, streams.StreamError) as error:
                log.warning("bus_purge_failed", error=str(error))

    async def _connect(self) -> Wire:
        wire = await Wire.connect("127.0.0.1", self._endpoint.client_port, self._key, "hub")
        try:
            await streams.ensure(wire.request)
            for source in streams.SOURCES:
                await streams.redeliver(wire.request, source)
            for kind in ("tele", "batch"):
                wire.subscribe(f"d.*.{kind}", self._heard)
            # What waits here was taken over an older connection and is coming again.
            self._ready = deque(m for m in self._ready if m.token is None)
            self._pulls = [Pull(wire, source, self._arrived) for source in streams.SOURCES]
        except (WireError, streams.StreamError):
            wire.close()
            raise
        self._wire = wire
        self._send_acks()
        self._pull()
        return wire

    async def _listen(self) -> None:
        while True:
            try:
                news = await asyncio.to_thread(self._refusals.news)
            except OSError as error:
                log.warning("broker_log_unreadable", error=str(error))
                news = Counter()
            for refusal, times in news.items():
                if refusal.what != SESSION:
                    self.refused[refusal.device] += times
                log.warning("broker_refused", times=times, **refusal._asdict())
                if self._on_refused is not None:
                    self._on_refused(refusal, times)
            await asyncio.sleep(REFUSALS_S)

    def _pull(self) -> None:
        if len(self._ready) < BATCH_MESSAGES_MAX:
            for pull in self._pulls:
                pull.ask()

    def _send_acks(self) -> None:
        if self._wire is None or self._wire.lost.is_set() or not self._acks:
            return
        self._wire.write(b"".join([b"PUB %s 4\r\n+ACK\r\n" % token for token in self._acks]))
        self._acks.clear()

    def _arrived(self, message: Message) -> None:
        self._ready.append(message)
        self._news.set()

    def _heard(self, subject: bytes, _reply: bytes, headers: bytes, payload: bytes) -> None:
        """A device's message as it passes: QoS 1 comes again from the stream, QoS 0 does not."""
        if b"Nmqtt-Pub:0" not in headers.replace(b" ", b""):
            return
        if len(self._ready) >= QOS0_WAITING_MAX:
            self.qos0_dropped += 1
            return
        _, device, kind = subject.decode().split(".")
        self._arrived(Message(device, "mqtt", kind, payload, time.time_ns() // 1_000_000, None))


def _token(name: str) -> str:
    """A subject token from any text; `pull` turns it back."""
    return quote(name, safe="").replace(".", "%2E") or "-"
