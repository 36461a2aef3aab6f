"""One device of the street as an asyncio task: measures are put in, MQTT messages come out.

It speaks for itself (`tele`) or, as a gateway, also for its children (`batch`), numbers its own
readings, keeps what the broker has not acknowledged and sends it again after a lost connection.
Like a real device its memory is finite: beyond OUTBOX_MAX the oldest waiting message is dropped
and counted. Knows neither worlds nor domains: values come in under their final names.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from beffroi.lab.publisher import Publisher
from beffroi.model.asset import Device
from beffroi.model.limits import READINGS_PER_MESSAGE_MAX

OUTBOX_MAX = 500  # messages; about two hours of a lamp cabinet
WINDOW = 4
JITTER_S = 1.0


class Measure(NamedTuple):
    """What one device says of one instant. Values are numbers or booleans, before any codec."""

    device: str
    ts_ms: int
    values: Mapping[str, Any]


class StreetDevice:
    """A device with a connection of its own. Use `start`, then `report` as often as you like."""

    def __init__(
        self,
        device: Device,
        host: str,
        port: int,
        context: ssl.SSLContext,
        rng: random.Random,
        *,
        ledger: bool = True,
    ) -> None:
        self.device = device
        self.reported = 0  # readings handed over
        self.dropped = 0  # readings lost because the outbox was full
        self._radio = Publisher(host, port, device.id, context, window=WINDOW, jitter_s=JITTER_S)
        self._rng = rng
        self._ledger = ledger
        self._counted = 0  # acknowledged readings that the ledger no longer lists
        self._seq: dict[str, int] = {}
        self._outbox: deque[tuple[str, bytes, tuple[tuple[str, int], ...]]] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self, jitter_s: float) -> None:
        """Connect within `jitter_s` (devices of a town never wake up in the same instant)."""
        self._task = asyncio.create_task(self._run(self._rng.uniform(0, jitter_s)))

    def report(self, measures: Sequence[Measure]) -> None:
        """Queue readings of this device and, for a gateway, of its children."""
        own = [m for m in measures if m.device == self.device.id]
        others = [m for m in measures if m.device != self.device.id]
        self.reported += len(measures)
        for start in range(0, len(own), READINGS_PER_MESSAGE_MAX):
            part = own[start : start + READINGS_PER_MESSAGE_MAX]
            self._put("tele", [self._reading(m) for m in part], part)
        for start in range(0, len(others), READINGS_PER_MESSAGE_MAX):
            part = others[start : start + READINGS_PER_MESSAGE_MAX]
            body = [{"device": m.device, **self._reading(m)} for m in part]
            self._put("batch", {"readings": body}, part)

    @property
    def acked_count(self) -> int:
        """Readings acknowledged so far. Without a ledger this also forgets which they were."""
        listed = len(self.acked)
        if self._ledger:
            return listed
        self._radio.acked.clear()
        self._counted += listed
        return self._counted

    @property
    def acked(self) -> list[tuple[str, int]]:
        """(device, device time) of every reading whose message the broker acknowledged.

        Grows for ever: a device that runs for weeks is made without a ledger."""
        keys = (key for key in self._radio.acked if isinstance(key, tuple))
        return [reading for key in keys for reading in key]

    @property
    def connected(self) -> bool:
        return self._radio.connected

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._outbox) + self._radio.unacked

    async def drain(self) -> None:
        """Until everything reported is acknowledged."""
        await self._idle.wait()
        await self._radio.drain()

    async def stop(self) -> None:
        """Disconnect; what is not acknowledged is lost, as with a real power cut."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._radio.stop()

    def _reading(self, measure: Measure) -> dict[str, Any]:
        seq = self._seq.get(measure.device, 0) + 1
        self._seq[measure.device] = seq
        return {"ts": measure.ts_ms, "seq": seq, "values": dict(measure.values)}

    def _put(self, kind: str, body: object, measures: Sequence[Measure]) -> None:
        if len(self._outbox) >= OUTBOX_MAX:
            self.dropped += len(self._outbox.popleft()[2])
        key = tuple((m.device, m.ts_ms) for m in measures)
        self._outbox.append((f"d/{self.device.id}/{kind}", msgspec.json.encode(body), key))
        self._idle.clear()
        self._more.set()

    async def _run(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self._radio.start()
        while True:
            await self._more.wait()
            while self._outbox:
                topic, payload, key = self._outbox[0]
                await self._radio.send(topic, payload, key)
                # the oldest may have been dropped meanwhile: take out what was sent, if there
                if self._outbox and self._outbox[0][1] is payload:
                    self._outbox.popleft()
            self._more.clear()
            self._idle.set()
