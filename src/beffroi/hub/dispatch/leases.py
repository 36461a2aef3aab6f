"""Tells guards that the hub is there, and brings them what the root has signed.

A guard without a lease goes to its safe local state: so silence is safe, and nothing here needs to
succeed for that. Decides which guard is due; `service` sends.
"""

from __future__ import annotations

from typing import NamedTuple

from beffroi.hub.dispatch import evidence
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.trust import TrustError
from beffroi.kernel import document
from beffroi.kernel.dsse import LEASE, Signed, pack
from beffroi.kernel.keys import sha256
from beffroi.kernel.lease import Lease
from beffroi.model.limits import LEASE_PERIOD_S, LEASE_TTL_MS, TRUST_PUSH_MS_MIN


class Down(NamedTuple):
    """A message to a guard that needs no answer."""

    guard: str
    topic: str
    payload: bytes


class Leases:
    """`due` each turn."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._given: dict[str, tuple[bytes, int]] = {}  # guard -> (nonce, when)
        self._number = 0

    def due(self) -> list[Down]:
        """A lease for each guard that is heard: every LEASE_PERIOD_S, at once after a start."""
        book, now = self._book, self._book.clock.now_ms()
        out = []
        for guard in book.mirror.guards():
            nonce = book.mirror.nonce(guard)
            last_nonce, last_ms = self._given.get(guard, (b"", 0))
            old = now - last_ms >= LEASE_PERIOD_S * 1000 or now < last_ms
            due = old or nonce != last_nonce
            if due and book.mirror.ruled(guard) and book.mirror.connected(guard, now):
                self._given[guard] = (nonce, now)
                book.mirror.lease(guard, now)
                out.append(Down(guard, "lease", self._lease(guard, nonce, now)))
        return out

    def _lease(self, guard: str, nonce: bytes, now: int) -> bytes:
        # The time is the number: it grows over restarts of the hub without anything to remember.
        self._number = max(self._number + 1, now)
        lease = Lease(self._book.trusted.commune, guard, nonce, self._number, now, LEASE_TTL_MS)
        return pack(Signed(LEASE, document.write(lease)).by(self._book.seed))


class TrustPush:
    """`due` each turn; `all_due` after the repository has changed."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._pushed: dict[str, tuple[bytes, int]] = {}  # guard -> (its start, when)
        self._all: set[str] = set()
        self._told: dict[str, bytes] = {}  # guard -> digest of what the log says it was given

    def all_due(self) -> None:
        self._all = set(self._book.trusted.guards)

    def due(self) -> list[Down]:
        """Files for guards that are behind, at most every TRUST_PUSH_MS_MIN for each."""
        now = self._book.clock.now_ms()
        out = []
        for guard in sorted(self._all | self._behind()):
            nonce, last = self._pushed.get(guard, (b"", 0))
            again = nonce != self._book.mirror.nonce(guard)  # it was not there for the last one
            if guard in self._all or again or not 0 <= now - last < TRUST_PUSH_MS_MIN:
                out += self._push(guard, now)
        self._all.clear()
        return out

    def _behind(self) -> set[str]:
        trusted, mirror = self._book.trusted, self._book.mirror
        behind = set()
        now = self._book.clock.now_ms()
        for guard in mirror.guards():
            if not mirror.connected(guard, now):
                continue
            for target, seen in mirror.of(guard).items():
                envelope = trusted.envelopes.get(target)
                old = seen.status.roster_version < trusted.roster.version
                if old or envelope is None or envelope.digest != seen.status.envelope:
                    behind.add(guard)
            if trusted.held_by(guard).keys() - mirror.of(guard).keys():
                behind.add(guard)
        return behind & set(trusted.guards)

    def _push(self, guard: str, now: int) -> list[Down]:
        trusted = self._book.trusted
        roster, held = trusted.roster.encoded(), trusted.held_by(guard)
        what = sha256(roster + b"".join(held[name].digest for name in sorted(held)))
        try:
            payload = self._book.bundle(guard)
            if self._told.get(guard) != what:
                version = trusted.roster.version
                self._book.record([evidence.trust(roster, version, guard, now)])
                self._told[guard] = what
        except (TrustError, DeniedError):
            return []
        self._pushed[guard] = (self._book.mirror.nonce(guard), now)
        return [Down(guard, "trust", payload)]
