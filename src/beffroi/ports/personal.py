"""Personal data: in a database of their own, each person under a key of its own.

Everything else in Beffroi knows a person by a pseudonym, which is worth nothing once the
key is erased. Nothing that comes from here may enter a log, an entry of evidence or open data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class PersonalError(Exception):
    """The text says what to do; it never holds the personal datum."""


class EgressError(PersonalError):
    """More persons were read than one may in a day. Nothing was handed out; an alarm is raised."""


class Purged(NamedTuple):
    """Proof of purge: how many fields of a purpose ended, and when. No pseudonym in it."""

    purpose: str
    fields: int
    at_ms: int


class Access(NamedTuple):
    """One line of the access log. `actor` is an account's id or a part of the hub; `action` is
    "read", "export", "erase", "purge" or "list"; `fields` fields or lines were concerned."""

    id: int
    at_ms: int
    actor: str
    action: str
    subject: str
    name: str
    fields: int


class Held(NamedTuple):
    """How much of a purpose is kept now."""

    purpose: str
    subjects: int
    fields: int


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


class PersonalVault(PersonalStore, Protocol):
    """What only the keeping of privacy uses: figures, the access log, canaries."""

    def held(self) -> Sequence[Held]:
        """By purpose, canaries left out."""

    def subjects(self, purpose: str, limit: int, actor: str, now_ms: int) -> Sequence[str]:
        """Pseudonyms of a purpose, canaries included: whoever lists and reads on is found out."""

    def accesses(self, limit: int, before_id: int = 0, subject: str = "") -> Sequence[Access]:
        """Newest first; `before_id` pages (0 starts); of one person when `subject` is given."""

    def erased(self) -> Sequence[str]:
        """Pseudonyms that were erased, as the access log remembers them."""

    def readers(self, since_ms: int, actor: str = "") -> int:
        """How many different (actor, person) pairs were read since then, by everybody or one."""

    def read_by(self, actor: str, subject: str, since_ms: int) -> bool:
        """Whether this one has read this person since then."""

    def plant(self, purpose: str, fields: Mapping[str, bytes], now_ms: int) -> str:
        """A person who does not exist. Never purged."""

    def canaries(self) -> frozenset[str]:
        """Their pseudonyms."""

    def chain(self) -> tuple[int, bytes]:
        """Lines ever written to the access log, and the digest that covers them all."""

    def check(self) -> list[str]:
        """Problems in words; [] is sound."""
