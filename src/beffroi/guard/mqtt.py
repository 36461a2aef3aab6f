"""The link to the hub: MQTT 3.1.1 over mutual TLS, one guard one certificate.

A message is acknowledged to the broker after its receipt is durable. Nothing here reads a payload:
the worker judges. What comes faster than it can be judged is dropped, for the hub repeats a
command until it has a receipt; of leases and documents only the newest matters.
"""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from beffroi.guard.clock import instant
from beffroi.guard.effects import Instant
from beffroi.guard.limits import (
    DEAF_MS_MAX,
    DEAF_MS_MIN,
    IN_FLIGHT_MAX,
    MESSAGE_BYTES_MAX,
    QUEUE_MAX,
)
from beffroi.guard.memory import Kept
from beffroi.guard.outbox import Queue

log = logging.getLogger("beffroi.guard")

COMMAND, LEASE, TRUST = "cmd", "lease", "trust"
_TOPICS = (COMMAND, LEASE, TRUST)
_KEEPALIVE_S = 10
_BACKOFF_S_MIN, _BACKOFF_S_MAX = 1, 10
_OVERHEAD_BYTES = 1_024


class LinkError(Exception):
    """The link cannot even be tried: certificate, key or address are wrong; the text says which."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub's broker is, and the files that prove who we are."""

    host: str
    port: int
    ca: Path
    cert: Path
    key: Path


class Message(NamedTuple):
    kind: str
    payload: bytes
    ticket: tuple[int, int]  # for `Link.done`
    came: Instant


class _Client(paho.Client):
    """paho would make room for whatever length the other end announces, up to 256 MB."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > MESSAGE_BYTES_MAX + _OVERHEAD_BYTES:
            raise ConnectionError(f"a message of {bufsize} bytes was announced")
        return super()._sock_recv(bufsize)


class Link:
    """`start`, then `get` messages and answer each with `done`. An Outbox for the worker."""

    def __init__(self, guard: str, hub: Hub, outbox: Queue) -> None:
        self._guard, self._hub, self._queue = guard, hub, outbox
        self._commands: queue.Queue[Message] = queue.Queue(QUEUE_MAX)
        self._newest: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self.connected = False
        self.connects = 0
        self._heard_mono_ms = instant().mono_ms
        self._deaf_ms = DEAF_MS_MIN
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=guard,
            clean_session=True,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        client.tls_set_context(_context(hub))
        client.reconnect_delay_set(_BACKOFF_S_MIN, _BACKOFF_S_MAX)
        client.max_inflight_messages_set(IN_FLIGHT_MAX + 20)
        client.max_queued_messages_set(IN_FLIGHT_MAX * 50)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        self._client = client

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._client.connect_async(self._hub.host, self._hub.port, _KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def get(self, wait_s: float) -> list[Message]:
        """What came, leases and documents first; [] after `wait_s`."""
        if self._wake.wait(wait_s):
            self._wake.clear()
        with self._lock:
            got = [self._newest.pop(kind) for kind in (TRUST, LEASE) if kind in self._newest]
        while True:
            try:
                got.append(self._commands.get_nowait())
            except queue.Empty:
                return got

    def done(self, message: Message) -> None:
        """Its effects are durable: the broker may forget it."""
        mid, qos = message.ticket
        if qos:
            self._client.ack(mid, qos)

    # --- an outbox ---------------------------------------------------------------------------
    def receipt(self, kept: Kept) -> None:
        self._queue.put(kept)
        self.pump()

    def status(self, wire: bytes) -> None:
        if self.connected:
            self._client.publish(f"d/{self._guard}/status", wire, qos=1)

    @property
    def sent(self) -> int:
        return self._queue.sent

    def pump(self) -> None:
        """Send what may be sent; make a link anew that is up and brings nothing: a broker under
        load, or one that lost our subscription, looks just like a quiet hub."""
        if self.connected:
            self._queue.pump(self._offer)
            if instant().mono_ms - self._heard_mono_ms > self._deaf_ms:
                log.warning("nothing heard for %d s: connecting anew", self._deaf_ms // 1000)
                self._deaf_ms = min(DEAF_MS_MAX, 2 * self._deaf_ms)
                self.stop()
                self.connected = False
                self.start()

    def _offer(self, kept: Kept) -> int | None:
        info = self._client.publish(f"d/{self._guard}/receipt", kept.wire, qos=1)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    # --- called by paho's thread -------------------------------------------------------------
    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            log.warning("the broker refuses guard %s: %s", self._guard, code)
            return
        client.subscribe([(f"d/{self._guard}/{kind}", 1) for kind in _TOPICS])
        self._heard_mono_ms = instant().mono_ms
        self.connected = True
        self.connects += 1
        log.info("connected to %s:%s", self._hub.host, self._hub.port)
        self._wake.set()

    def _on_disconnect(self, _c: paho.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.connected = False
        self._queue.lost()
        log.warning("no connection to the hub: %s", code)

    def _on_subscribe(self, _c: paho.Client, _u: Any, _m: int, codes: Any, _p: Any) -> None:
        if any(code.is_failure for code in codes):
            log.warning("the broker refuses the topics of guard %s: %s", self._guard, codes)

    def _on_publish(self, _c: paho.Client, _u: Any, mid: int, _r: Any, _p: Any) -> None:
        self._queue.landed(mid)
        self._wake.set()

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        self._heard_mono_ms, self._deaf_ms = instant().mono_ms, DEAF_MS_MIN
        kind = message.topic.rpartition("/")[2]
        ticket = (message.mid, message.qos)
        came = Message(kind, bytes(message.payload), ticket, instant())
        if kind == COMMAND:
            try:
                self._commands.put_nowait(came)
            except queue.Full:
                self.done(came)
        elif kind in _TOPICS:
            with self._lock:
                before = self._newest.get(kind)
                self._newest[kind] = came
            if before is not None:
                self.done(before)
        else:
            self.done(came)
        self._wake.set()


def _context(hub: Hub) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(hub.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(hub.cert), str(hub.key))
    except (OSError, ssl.SSLError) as error:
        raise LinkError(
            f"cannot use {hub.ca}, {hub.cert}, {hub.key}: {error}. They come with the enrolment "
            "of this guard"
        ) from error
    return context
