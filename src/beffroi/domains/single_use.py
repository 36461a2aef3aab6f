"""What has been used once: single-use words at a verifier that may be cut off from everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Claim(NamedTuple):
    """A word was shown `where` (a bay, or a vehicle's hash) for the first time at this verifier."""

    nonce: bytes
    where: bytes
    until_s: int


class UsedSet(Protocol):
    """Durable: a claim that was answered is still there after a power cut."""

    def claim(self, nonce: bytes, where: bytes, until_s: int) -> bytes:
        """Where this word was first shown: `where` itself when nobody had shown it before."""

    def claims(self) -> Iterable[Claim]:
        """All that are kept, to be compared with other verifiers'."""
