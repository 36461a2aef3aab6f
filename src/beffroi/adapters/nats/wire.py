"""The NATS client protocol, as little of it as the hub's hot path needs, on asyncio.

One connection: nkey authentication, subscriptions with plain callbacks, requests, publishes. About
a tenth of the CPU per message of a general client, because nothing is made for a message except
what the callback makes. Never reconnects: `bus` does. Refuses to know streams and devices.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import Callable
from typing import cast

from beffroi.adapters.nats.keys import KeyPair

# (subject, reply, headers, payload), all bytes
Handler = Callable[[bytes, bytes, bytes, bytes], None]

CONNECT_S_MAX = 10.0
REQUEST_S_MAX = 10.0
PING_S = 10.0
CONTROL_BYTES_MAX = 1_048_576  # an INFO line of a large cluster fits


class WireError(Exception):
    """No connection, a refused one, or no answer in time."""


class Wire(asyncio.Protocol):
    """Use `Wire.connect`. `lost` is set when the connection has ended."""

    def __init__(self, key: KeyPair, name: str) -> None:
        self.lost = asyncio.Event()
        self.last_error = ""
        self._key = key
        self._name = name
        self._tail = b""
        self._handlers: dict[bytes, Handler] = {}
        self._sid = 0
        self._inbox = f"_INBOX.{secrets.token_hex(8)}"
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._number = 0
        self._pongs: list[asyncio.Future[None]] = []
        self._transport: asyncio.Transport | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._silent = False

    @classmethod
    async def connect(cls, host: str, port: int, key: KeyPair, name: str) -> Wire:
        """Connected and authenticated, or WireError."""
        loop = asyncio.get_running_loop()
        wire = cls(key, name)
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await loop.create_connection(lambda: wire, host, port)
                await wire._ready
        except (OSError, TimeoutError) as error:
            wire.close()
            raise WireError(f"no broker at {host}:{port}: {error!r}") from error
        except WireError:
            wire.close()
            raise
        wire.subscribe(f"{wire._inbox}.*", wire._answered)
        wire._timer = loop.call_later(PING_S, wire._ping)
        return wire

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def subscribe(self, subject: str, handler: Handler) -> None:
        self._sid += 1
        sid = b"%d" % self._sid
        self._handlers[sid] = handler
        self.write(b"SUB %s %s\r\n" % (subject.encode(), sid))

    def publish(self, subject: bytes, payload: bytes, reply: bytes = b"") -> None:
        self.write(b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(payload), payload))

    async def request(self, subject: str, payload: bytes) -> bytes:
        """The first answer, or WireError."""
        self._number += 1
        reply = f"{self._inbox}.{self._number}".encode()
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[reply] = future
        try:
            self.publish(subject.encode(), payload, reply)
            return await asyncio.wait_for(future, REQUEST_S_MAX)
        except TimeoutError as error:
            raise WireError(f"no answer to {subject} in {REQUEST_S_MAX} s") from error
        finally:
            self._waiting.pop(reply, None)

    async def flush(self) -> None:
        """Until the broker has read everything written so far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs.append(future)
        self.write(b"PING\r\n")
        try:
            await asyncio.wait_for(future, REQUEST_S_MAX)
        except TimeoutError as error:
            raise WireError("the broker does not answer") from error

    def write(self, data: bytes) -> None:
        """Raw protocol: many acknowledgements in one write."""
        if self._transport is None or self.lost.is_set():
            raise WireError("not connected to the broker")
        self._transport.write(data)

    # asyncio.Protocol -----------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        if self._timer is not None:
            self._timer.cancel()
        error = WireError(self.last_error or f"connection to the broker lost: {exc or 'closed'}")
        waiting: list[asyncio.Future[None] | asyncio.Future[bytes]] = [self._ready, *self._pongs]
        waiting.extend(self._waiting.values())
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        self._silent = False
        buffer = self._tail + data if self._tail else data
        at, end = 0, len(buffer)
        while at < end:
            stop = buffer.find(b"\r\n", at)
            if stop < 0:
                break
            first = buffer[at]
            if first == 0x4D or first == 0x48:  # MSG, HMSG
                args = buffer[at:stop].split(b" ")
                size = int(args[-1])
                if stop + 4 + size > end:
                    break
                self._message(args, buffer[stop + 2 : stop + 2 + size])
                at = stop + 4 + size
            else:
                self._control(buffer[at:stop])
                at = stop + 2
        self._tail = buffer[at:]
        if len(self._tail) > CONTROL_BYTES_MAX:
            self.last_error = "the broker sent an endless line"
            self.close()

    # ----------------------------------------------------------------------------------------
    def _message(self, args: list[bytes], body: bytes) -> None:
        # MSG <subject> <sid> [reply] <size>   HMSG <subject> <sid> [reply] <headers> <size>
        head, headers = 0, b""
        if args[0] == b"HMSG":
            head = int(args[-2])
            headers = body[:head]
            reply = args[3] if len(args) == 6 else b""
        else:
            reply = args[3] if len(args) == 5 else b""
        handler = self._handlers.get(args[2])
        if handler is not None:
            handler(args[1], reply, headers, body[head:] if head else body)

    def _control(self, line: bytes) -> None:
        if line.startswith(b"PING"):
            self.write(b"PONG\r\n")
        elif line.startswith(b"PONG"):
            if not self._ready.done():
                self._ready.set_result(None)
            elif self._pongs:
                future = self._pongs.pop(0)
                if not future.done():
                    future.set_result(None)
        elif line.startswith(b"-ERR"):
            self.last_error = f"the broker says {line[5:].decode(errors='replace')}"
        elif line.startswith(b"INFO") and not self._ready.done():
            self._hello(json.loads(line[5:]).get("nonce", ""))

    def _hello(self, nonce: str) -> None:
        signature = base64.urlsafe_b64encode(self._key.sign(nonce.encode())).rstrip(b"=")
        options = {
            "nkey": self._key.public_key.decode(),
            "sig": signature.decode(),
            "name": self._name,
            "lang": "beffroi",
            "version": "1",
            "protocol": 1,
            "verbose": False,
            "pedantic": False,
            "headers": True,
            "no_responders": True,
        }
        self.write(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")

    def _answered(self, subject: bytes, _reply: bytes, headers: bytes, payload: bytes) -> None:
        future = self._waiting.get(subject)
        if future is None or future.done():
            return
        if headers.startswith(b"NATS/1.0 503"):
            future.set_exception(WireError("nobody answers there: JetStream is off"))
        else:
            future.set_result(payload)

    def _ping(self) -> None:
        if self._silent:  # nothing at all came for a whole period, not even the PONG
            self.last_error = "the broker is silent"
            if self._transport is not None:
                self._transport.abort()
            return
        self._silent = True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs.append(future)
        with contextlib.suppress(WireError):
            self.write(b"PING\r\n")
        self._timer = asyncio.get_running_loop().call_later(PING_S, self._ping)
