"""The `Bus` port on NATS JetStream: pulls the durable messages, acknowledges what was committed.

Survives restarts of the broker: `fetch` then gives nothing for a while, `publish` raises, and what
was not acknowledged comes again. Refuses to know what the messages mean. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import structlog

from beffroi.adapters.nats import keys, streams
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.reader import Reader, ended
from beffroi.adapters.nats.refusals import SESSION, LogReader, Refusal
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.limits import MESSAGE_BYTES_MAX
from beffroi.ports.bus import Message

QOS0_WAITING_MAX = 5_000
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
        self.qos0_dropped = 0
        key = keys.load(folder, "hub")
        self._reader = Reader(endpoint, key, "hub", streams.SOURCES, self._met)

    async def start(self) -> None:
        """Connects in the background, for ever."""
        await self._reader.start()
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Hand back what was not asked for yet, so that the next reader has it at once."""
        await ended(self._listener)
        await self._reader.stop()

    @property
    def connected(self) -> bool:
        return self._reader.connected

    @property
    def connects(self) -> int:
        """How often a connection was made."""
        return self._reader.connects

    async def fetch(self, count_max: int, wait_s: float) -> list[Message]:
        """See the port."""
        return await self._reader.fetch(count_max, wait_s)

    async def ack(self, messages: Sequence[Message]) -> None:
        """See the port. Without connection they wait for the next one (or come again)."""
        self._reader.ack(message.token for message in messages)

    async def publish(self, link: str, sender: str, payload: bytes) -> None:
        """See the port. Raises BusError when it is not durable."""
        if len(payload) > MESSAGE_BYTES_MAX:
            raise BusError(f"{len(payload)} bytes; a message has at most {MESSAGE_BYTES_MAX}")
        wire = self._reader.wire
        if wire is None:
            raise BusError("not connected to the broker")
        subject = f"link.{_token(link)}.{_token(sender)}"
        try:
            answer = json.loads(await wire.request(subject, payload))
        except (WireError, ValueError) as error:
            raise BusError(f"not stored: {error}") from error
        if "error" in answer:
            raise BusError(f"not stored: {answer['error'].get('description')}")

    async def backlog(self) -> int:
        """See the port. Raises BusError without connection."""
        wire = self._reader.wire
        if wire is None:
            raise BusError("not connected to the broker")
        total = 0
        try:
            for source in streams.SOURCES:
                state = await streams.info(wire.request, source)
                total += state["num_pending"] + state["num_ack_pending"]
        except (WireError, streams.StreamError) as error:
            raise BusError(str(error)) from error
        return total

    # ----------------------------------------------------------------------------------------
    def _met(self, wire: Wire) -> None:
        for kind in ("tele", "batch"):
            wire.subscribe(f"d.*.{kind}", self._heard)

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

    def _heard(self, subject: bytes, _reply: bytes, headers: bytes, payload: bytes) -> None:
        """A device's message as it passes: QoS 1 comes again from the stream, QoS 0 does not."""
        if b"Nmqtt-Pub:0" not in headers.replace(b" ", b""):
            return
        if self._reader.waiting >= QOS0_WAITING_MAX:
            self.qos0_dropped += 1
            return
        _, device, kind = subject.decode().split(".")
        self._reader.arrived(
            Message(device, "mqtt", kind, payload, time.time_ns() // 1_000_000, None)
        )


def _token(name: str) -> str:
    """A subject token from any text; `pull` turns it back."""
    return quote(name, safe="").replace(".", "%2E") or "-"
