"""Personal data: in a database of their own, each person under a key of its own.

Everything else in Beffroi knows a person by a pseudonym, which is worth nothing once the
key is erased. Nothing that comes from here may enter a log, an entry of evidence or open data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class PersonalError(Exception):
    """The text says what to do; it never holds the personal datum."""


class Purged(NamedTuple):
    """Proof of purge: how many fields of a purpose ended, and when. No pseudonym in it."""

    purpose: str
    fields: int
    at_ms: int


class PersonalStore(Protocol):
    """Durable when a call returns. Times are UTC milliseconds."""

    def subject(self, purpose: str, now_ms: int) -> str:
        """A new pseudonym with a new key."""

    def put(
        self, subject: str, purpose: str, name: str, value: bytes, now_ms: int, until_ms: int
    ) -> None:
        """Keep a field (encrypted) until `until_ms`, at most the purpose's retention. Replaces."""

    def get(self, subject: str, name: str, actor: str, now_ms: int) -> bytes | None:
        """A field, None when there is none (any more). Each reading is noted in the access log."""

    def export(self, subject: str, actor: str, now_ms: int) -> Mapping[str, bytes]:
        """Everything about one person, for that person."""

    def erase(self, subject: str, actor: str, now_ms: int) -> int:
        """The key is destroyed, then the fields: how many there were."""

    def purge(self, now_ms: int) -> Sequence[Purged]:
        """Fields whose time has come, and keys that keep nothing any more."""

    def close(self) -> None: ...
