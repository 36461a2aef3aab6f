"""The `Downlink` port: commands down to guards, receipts and statuses up from them.

A connection of its own, so that a full ingest delays no command. Down is at most once (the sender
repeats); up is the broker's durable stream with a consumer of its own. Refuses to know what the
messages mean. Runs on one event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beffroi.adapters.nats import keys, streams
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.reader import Reader
from beffroi.adapters.nats.wire import WireError
from beffroi.model.asset import is_device_id
from beffroi.ports.downlink import DownlinkError, Heard

TOPICS = ("cmd", "lease", "trust")


class GuardLink:
    """`start`, then the methods of the port, then `stop`. Reconnects for ever."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        """`folder` is `home/nats`, where the hub's key of the broker is."""
        key = keys.load(folder, "hub")
        self._reader = Reader(endpoint, key, "dispatch", [streams.GUARDS])

    async def start(self) -> None:
        """Connects in the background, for ever."""
        await self._reader.start()

    async def stop(self) -> None:
        await self._reader.stop()

    @property
    def connected(self) -> bool:
        return self._reader.connected

    async def send(self, guard: str, topic: str, payload: bytes) -> None:
        """See the port."""
        if topic not in TOPICS or not is_device_id(guard):  # they become part of a subject
            raise DownlinkError(f"{guard!r} or {topic!r} is not something that can be sent to")
        if self._reader.wire is None:
            raise DownlinkError("not connected to the broker")
        try:
            self._reader.wire.publish(f"d.{guard}.{topic}".encode(), payload)
        except WireError as error:
            raise DownlinkError(str(error)) from error

    async def fetch(self, count_max: int, wait_s: float) -> list[Heard]:
        """See the port."""
        taken = await self._reader.fetch(count_max, wait_s)
        return [Heard(one.sender, one.kind, one.payload, one.token) for one in taken]

    async def ack(self, heard: Sequence[Heard]) -> None:
        """See the port. Without connection they wait for the next one (or come again)."""
        self._reader.ack(one.token for one in heard)
