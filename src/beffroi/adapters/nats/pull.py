"""Asks one durable consumer for messages and turns what comes into the port's `Message`.

One request at a time, bounded in count and bytes; a new one as soon as the reader wants more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from urllib.parse import unquote

from beffroi.adapters.nats import streams
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.limits import BATCH_MESSAGES_MAX
from beffroi.ports.bus import Message

REQUEST_S = 30
BYTES_MAX = 16 * 1024**2  # of messages on their way to us, so that memory stays bounded

_ASK = json.dumps(
    {"batch": BATCH_MESSAGES_MAX, "expires": REQUEST_S * 1_000_000_000, "max_bytes": BYTES_MAX}
).encode()


class Pull:
    """`deliver` gets each message, on the event loop."""

    def __init__(
        self, wire: Wire, source: streams.Source, deliver: Callable[[Message], None]
    ) -> None:
        self._wire = wire
        self._deliver = deliver
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{source.stream}.{source.consumer}".encode()
        self._inbox = f"_PULL.{source.stream.strip('$')}.{source.consumer}.{id(self)}"
        self._read = _link if source is streams.LINKS else _mqtt
        self._number = 0
        self._left = 0  # messages that the running request may still bring
        self._until = 0.0
        wire.subscribe(f"{self._inbox}.*", self._received)

    def ask(self) -> None:
        """Start a request unless one is running."""
        now = asyncio.get_running_loop().time()
        if self._wire.lost.is_set() or (self._left > 0 and now < self._until):
            return
        self._number += 1
        self._left, self._until = BATCH_MESSAGES_MAX, now + REQUEST_S + 1
        self._wire.publish(self._subject, _ASK, f"{self._inbox}.{self._number}".encode())

    def _received(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        if reply:
            self._left -= 1
            self._deliver(self._read(subject, reply, payload))
        elif subject.endswith(b".%d" % self._number):
            self._left = 0
            if headers.startswith(b"NATS/1.0 408"):  # nothing came for REQUEST_S: wait on
                self.ask()


def _mqtt(subject: bytes, reply: bytes, payload: bytes) -> Message:
    """`$MQTT.msgs.d.<device>.<kind>`: the gate lets a device publish under its own name only."""
    parts = subject.decode().split(".")
    return Message(parts[3], "mqtt", parts[4], payload, stored_ms(reply), reply)


def _link(subject: bytes, reply: bytes, payload: bytes) -> Message:
    """`link.<link>.<sender>`, each a quoted token."""
    _, link, sender = subject.decode().split(".")
    return Message(unquote(sender), unquote(link), "up", payload, stored_ms(reply), reply)


def stored_ms(reply: bytes) -> int:
    """When the broker stored the message, from its acknowledgement subject.

    `$JS.ACK.<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<ns>.<pending>`, or the longer form
    with domain and account after `ACK`.
    """
    parts = reply.split(b".")
    try:
        return int(parts[7] if len(parts) == 9 else parts[9]) // 1_000_000
    except (IndexError, ValueError) as error:
        raise WireError(f"unknown acknowledgement subject {reply!r}") from error
