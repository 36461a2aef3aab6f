"""A publisher that survives its broker: window, reconnection, resend, and a ledger of what was
acknowledged. The load of tests and fault campaigns, and the radio of a lab device.

`acked` holds the keys whose PUBACK came: exactly what must be found in the store afterwards.
Resending means that the receiver sees duplicates; it must drop them by device and time or seq.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import Hashable

from beffroi.lab.mqtt import MqttClient, MqttError, OnMessage

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 5.0


class Publisher:
    """Keeps one device connected and at most `window` publishes unacknowledged.

        pub = Publisher(host, port, "dev-1", ssl_context, window=10)
        pub.start()
        await pub.send("d/dev-1/tele", payload, key=17)  # returns when there is room
        await pub.drain()  # returns when everything is acknowledged
        await pub.stop()

    `retry_refused` False ends it (`refused` is set) when the broker refuses the device; True keeps
    trying, as a real device would.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        ssl_context: ssl.SSLContext | None,
        *,
        window: int = 10,
        keepalive_s: int = 60,
        on_message: OnMessage | None = None,
        subscribe: str = "",
        retry_refused: bool = True,
        jitter_s: float = 0.0,
    ) -> None:
        self.acked: list[Hashable] = []
        self.connects = 0
        self.resent = 0
        self.refused: MqttError | None = None
        self._args = (host, port, client_id, ssl_context)
        self._window = window
        self._keepalive_s = keepalive_s
        self._on_message = on_message
        self._subscribe = subscribe
        self._retry_refused = retry_refused
        self._jitter_s = jitter_s
        self._client: MqttClient | None = None
        self._sent: dict[int, tuple[str, bytes, Hashable]] = {}
        self._number = 0
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._task = asyncio.create_task(self._stay_connected())

    async def send(self, topic: str, payload: bytes, key: Hashable = None) -> None:
        """Wait for room in the window, then send (now, or as soon as the broker is back)."""
        while len(self._sent) >= self._window:
            self._room.clear()
            await self._room.wait()
        self._number += 1
        self._sent[self._number] = (topic, payload, key)
        self._empty.clear()
        if self._client is not None and not self._client.lost:
            self._put(self._client, self._number)

    async def drain(self) -> None:
        """Until every publish is acknowledged."""
        await self._empty.wait()

    async def stop(self) -> None:
        """Disconnect. What is unacknowledged stays unacknowledged."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._client is not None:
            await self._client.close()

    @property
    def connected(self) -> bool:
        return self._client is not None and not self._client.lost

    @property
    def unacked(self) -> int:
        return len(self._sent)

    async def _stay_connected(self) -> None:
        wait_s = BACKOFF_S_MIN
        while True:
            client = MqttClient(
                *self._args, keepalive_s=self._keepalive_s, on_message=self._on_message
            )
            try:
                await client.connect()
                if self._subscribe:
                    await client.subscribe(self._subscribe)
            except asyncio.CancelledError:
                client.abort()
                raise
            except MqttError as error:
                self.refused = error
                if not self._retry_refused:
                    return
                await asyncio.sleep(wait_s + random.uniform(0, self._jitter_s))
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
                continue
            wait_s, self.refused = BACKOFF_S_MIN, None
            self.connects += 1
            self._resend(client)
            await client.wait_lost()
            # a town's devices lose the broker together and must not all come back in one instant
            await asyncio.sleep(random.uniform(0, self._jitter_s))

    def _resend(self, client: MqttClient) -> None:
        waiting = deque(self._sent)
        self._client = client
        self.resent += len(waiting)
        for number in waiting:
            self._put(client, number)

    def _put(self, client: MqttClient, number: int) -> None:
        topic, payload, _ = self._sent[number]
        with contextlib.suppress(MqttError):  # lost meanwhile: the next connection resends it
            future = client.publish_nowait(topic, payload)
            future.add_done_callback(lambda done: self._acked(number, done))

    def _acked(self, number: int, done: asyncio.Future[int]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        entry = self._sent.pop(number, None)
        if entry is None:
            return
        self.acked.append(entry[2])
        self._room.set()
        if not self._sent:
            self._empty.set()
