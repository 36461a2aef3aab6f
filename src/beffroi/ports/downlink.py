"""The one door to the street. Imported by `hub.dispatch` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class DownlinkError(Exception):
    """The broker did not take the message; it may be tried again."""


class Heard(NamedTuple):
    """What a guard published, with the identity that the broker checked."""

    guard: str
    topic: str  # "receipt" or "status"
    payload: bytes
    token: object  # opaque: what `ack` needs


class Downlink(Protocol):
    """Down at most once: the sender repeats. Up at least once: what is not acknowledged comes
    again."""

    async def send(self, guard: str, topic: str, payload: bytes) -> None:
        """On `d/<guard>/<topic>`. DownlinkError without connection to the broker."""

    async def fetch(self, count_max: int, wait_s: float) -> list[Heard]:
        """Up to `count_max`, as soon as there is one, else [] after `wait_s`."""

    async def ack(self, heard: Sequence[Heard]) -> None:
        """Only after the commit that made them durable."""
