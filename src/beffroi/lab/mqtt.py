"""A small fast MQTT 3.1.1 client over TLS on asyncio, for lab devices, tests and benchmarks.

`MqttClient` is one connection: raw packets, QoS 0/1, any number of unacknowledged publishes (the
caller bounds them; `lab.publisher` does, and also reconnects and resends). It never reconnects by
itself and never acknowledges for anybody. Refuses to know what the payloads mean.

    client = MqttClient("127.0.0.1", 8883, "dev-1", ssl_context)
    await client.connect()
    await client.publish("d/dev-1/tele", b'{"values":{"level_m":2.1}}')   # returns at PUBACK
    futures = [client.publish_nowait(topic, p) for p in payloads]         # a window of publishes
    await client.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

OnMessage = Callable[[str, bytes], None]

CONNACK_TEXT = {
    1: "protocol version not accepted",
    2: "client id not accepted",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorised: certificate, client id and device status must agree",
}
CONNECT_S_MAX = 30.0
PACKET_IDS = 65_535


class MqttError(Exception):
    """Root of this module's errors."""


class MqttRefusedError(MqttError):
    """The broker said no (CONNACK code, SUBACK 128) or the TLS handshake failed."""


class MqttLostError(MqttError):
    """The connection is gone; what was not acknowledged may or may not have arrived: resend."""


# --- packets -------------------------------------------------------------------------------------
def _length(n: int) -> bytes:
    out = bytearray()
    while True:
        n, low = divmod(n, 128)
        out.append(low | 0x80 if n else low)
        if not n:
            return bytes(out)


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    """Any MQTT packet from its first byte and its body."""
    return bytes((first,)) + _length(len(body)) + body


def connect_packet(
    client_id: str,
    keepalive_s: int = 60,
    clean: bool = True,
    will: tuple[str, bytes] | None = None,
) -> bytes:
    """CONNECT 3.1.1. The identity is in the certificate: no user name, no password."""
    flags = 0x02 if clean else 0
    payload = _text(client_id)
    if will is not None:
        flags |= 0x04
        payload += _text(will[0]) + len(will[1]).to_bytes(2, "big") + will[1]
    head = b"\x00\x04MQTT\x04" + bytes((flags,)) + keepalive_s.to_bytes(2, "big")
    return packet(0x10, head + payload)


def publish_packet(
    topic: str,
    payload: bytes,
    packet_id: int = 0,
    *,
    qos: int = 1,
    retain: bool = False,
    dup: bool = False,
) -> bytes:
    """PUBLISH; QoS 0 has no packet id."""
    ident = packet_id.to_bytes(2, "big") if qos else b""
    return packet(0x30 | dup << 3 | qos << 1 | retain, _text(topic) + ident + payload)


def subscribe_packet(packet_id: int, topic: str, qos: int = 1) -> bytes:
    """SUBSCRIBE to one filter."""
    return packet(0x82, packet_id.to_bytes(2, "big") + _text(topic) + bytes((qos,)))


def split(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the complete packets out of `buffer`: (first byte, body) each."""
    packets, start, end = [], 0, len(buffer)
    while start + 2 <= end:
        length, shift, at = 0, 0, start + 1
        while at < end:
            byte = buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            shift += 7
        else:
            break
        if at + length > end:
            break
        packets.append((buffer[start], bytes(buffer[at : at + length])))
        start = at + length
    del buffer[:start]
    return packets


# --- one connection ------------------------------------------------------------------------------
class MqttClient(asyncio.Protocol):
    """One device's connection. `on_message(topic, payload)` runs before the PUBACK is sent.

    `ssl_context` None speaks plain TCP (only for tests of refusals). `clean` False keeps the
    session at the broker. After `connect`, `session_present` tells whether it had one, and `lost`
    becomes true when the connection ends, for whatever reason.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        ssl_context: ssl.SSLContext | None,
        *,
        keepalive_s: int = 60,
        on_message: OnMessage | None = None,
        clean: bool = True,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.session_present = False
        self.lost = False
        self._ssl = ssl_context
        self._keepalive_s = keepalive_s
        self._on_message = on_message
        self._hello = connect_packet(client_id, keepalive_s, clean, will)
        self._buffer = bytearray()
        self._pending: dict[int, asyncio.Future[int]] = {}
        self._next_id = 0
        self._connack: asyncio.Future[bool] | None = None
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ping_unanswered = False

    async def connect(self) -> None:
        """Until CONNACK. Raises MqttRefusedError (said no) or MqttLostError (no answer)."""
        loop = asyncio.get_running_loop()
        self._connack = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                name = self.host if self._ssl is not None else None
                await loop.create_connection(
                    lambda: self, self.host, self.port, ssl=self._ssl, server_hostname=name
                )
                self.write(self._hello)
                self.session_present = await self._connack
        except ssl.SSLError as error:
            raise MqttRefusedError(f"TLS handshake with {self.host} failed: {error}") from error
        except (OSError, TimeoutError) as error:
            self.abort()
            raise MqttLostError(f"cannot reach {self.host}:{self.port}: {error!r}") from error
        except MqttError:
            self.abort()
            raise
        self._timer = loop.call_later(self._keepalive_s / 2, self._ping)

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Returns at PUBACK (QoS 1) or when handed to the socket (QoS 0)."""
        await self._writable.wait()
        future = self.publish_nowait(topic, payload, qos)
        if qos:
            await future

    def publish_nowait(self, topic: str, payload: bytes, qos: int = 1) -> asyncio.Future[int]:
        """The future ends at PUBACK, or with MqttLostError. With QoS 0 it has already ended."""
        if not qos:
            self.write(publish_packet(topic, payload, qos=0))
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            done.set_result(0)
            return done
        ident, future = self._new_id()
        self.write(publish_packet(topic, payload, ident, qos=qos))
        return future

    async def subscribe(self, topic: str, qos: int = 1) -> None:
        """Until SUBACK; MqttRefusedError when the broker answers 128."""
        ident, future = self._new_id()
        self.write(subscribe_packet(ident, topic, qos))
        if await future == 0x80:
            raise MqttRefusedError(f"subscription to {topic!r} refused: not this device's topic")

    async def close(self) -> None:
        """DISCONNECT and wait for the end."""
        if self._transport is not None and not self.lost:
            self.write(b"\xe0\x00")
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), 2.0)
        self.abort()

    async def wait_lost(self) -> None:
        """Returns when the connection has ended."""
        await self._gone.wait()

    def abort(self) -> None:
        """Drop the connection as a power cut would."""
        if self._transport is not None:
            self._transport.abort()

    def write(self, data: bytes) -> None:
        """Raw bytes: the attacks use it too."""
        if self._transport is None or self.lost:
            raise MqttLostError(f"{self.client_id} is not connected")
        self._transport.write(data)

    # asyncio.Protocol -----------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for first, body in split(self._buffer):
            self._handle(first, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._timer is not None:
            self._timer.cancel()
        error = MqttLostError(f"connection of {self.client_id} lost: {exc or 'closed by peer'}")
        waiting: list[asyncio.Future[int] | asyncio.Future[bool]] = list(self._pending.values())
        if self._connack is not None:
            waiting.append(self._connack)
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # a caller that dropped it must not cause a log line
        self._pending.clear()
        self._writable.set()
        self._gone.set()

    # ----------------------------------------------------------------------------------------
    def _handle(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == 4:  # PUBACK
            self._settle(body, 0)
        elif kind == 3:
            self._receive(first, body)
        elif kind == 9:  # SUBACK
            self._settle(body, body[2])
        elif kind == 2:
            self._connacked(body)
        elif kind == 13:
            self._ping_unanswered = False

    def _settle(self, body: bytes, result: int) -> None:
        future = self._pending.pop(body[0] << 8 | body[1], None)
        if future is not None and not future.done():
            future.set_result(result)

    def _receive(self, first: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, qos = body[2:end].decode(), first >> 1 & 3
        payload = body[end + 2 :] if qos else body[end:]
        if self._on_message is not None:
            self._on_message(topic, payload)
        if qos:
            self.write(b"\x40\x02" + body[end : end + 2])

    def _connacked(self, body: bytes) -> None:
        if self._connack is None or self._connack.done():
            return
        if body[1]:
            text = CONNACK_TEXT.get(body[1], f"code {body[1]}")
            self._connack.set_exception(MqttRefusedError(f"{self.client_id} refused: {text}"))
        else:
            self._connack.set_result(bool(body[0] & 1))

    def _ping(self) -> None:
        if self._ping_unanswered:
            self.abort()
            return
        self._ping_unanswered = True
        self.write(b"\xc0\x00")
        self._timer = asyncio.get_running_loop().call_later(self._keepalive_s / 2, self._ping)

    def _new_id(self) -> tuple[int, asyncio.Future[int]]:
        if len(self._pending) >= PACKET_IDS:
            raise MqttError("65,535 publishes are unacknowledged: wait for some of them")
        ident = self._next_id % PACKET_IDS + 1
        while ident in self._pending:
            ident = ident % PACKET_IDS + 1
        self._next_id = ident
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending[ident] = future
        return ident, future
