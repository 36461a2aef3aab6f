"""The durable stream of messages from devices and links to the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One raw message. `sender` is the certificate's identity, checked by the broker.

    `link` names the format: "mqtt" (device topic), "chirpstack", "tts", "csv", ...
    `token` is opaque: what `ack` needs.
    """

    sender: str
    link: str
    kind: str  # last level of the topic: "tele", "batch", "up"
    payload: bytes
    recv_ms: int  # when the broker stored it
    token: object


class Bus(Protocol):
    """At-least-once delivery: what is not acknowledged comes again."""

    async def fetch(self, count_max: int, wait_s: float) -> list[Message]:
        """Up to `count_max` messages, as soon as there is one, else [] after `wait_s`."""

    async def ack(self, messages: Sequence[Message]) -> None:
        """Only after the commit that made them durable."""

    async def publish(self, link: str, sender: str, payload: bytes) -> None:
        """Put a link's message (webhook, import) on the same stream; returns once it is durable."""

    async def backlog(self) -> int:
        """Messages stored by the broker and not yet acknowledged."""
