"""Alerts of authorities as they come to the hub, and the commune's own as they leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from beffroi.model.cap import Alert


class Refused(NamedTuple):
    """A file that is no alert of a listed authority; `why` is for people to read."""

    name: str
    why: str
    at_ms: int


class Bulletins(Protocol):
    """Holds what came and was found to be genuine; what was not is only told of."""

    def alerts(self, now_ms: int) -> Sequence[Alert]:
        """All verified alerts that are kept, updates and cancellations among them, in any order."""

    def refused(self) -> Sequence[Refused]:
        """The last that were turned away, newest first."""


class Outbox(Protocol):
    """The commune's own alerts: signed once, then never changed."""

    def has(self, identifier: str) -> bool: ...
    def sign(self, alert: Alert, now_ms: int) -> bytes:
        """The signed XML; nothing of it is public yet. CapError."""

    def put(self, identifier: str, signed: bytes) -> None:
        """Public and durable once this returns; the oldest beyond a limit are dropped, none that
        could still be announced."""

    def text(self, identifier: str) -> bytes | None:
        """What `put` was given."""

    def feed(self, base: str) -> bytes:
        """Atom, newest first; `base` is our address without a slash at its end."""

    def published(self) -> Sequence[Alert]:
        """Newest first."""

    def certificate(self, now_ms: int) -> bytes:
        """PEM, of the key that signs now."""
