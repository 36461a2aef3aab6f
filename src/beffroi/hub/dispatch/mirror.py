"""What the hub knows of its guards: the newest status of each target, and a `Situation` from it.

A copy: the guard judges by what it measures itself. A fact is therefore taken as fresh as long as
the guard is heard; how old a fact may be is for the guard to say, which stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from beffroi.hub.dispatch.trust import Trusted
from beffroi.kernel.lease import Status
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.model.limits import GUARD_SILENT_MS, LEASE_TTL_MS
from beffroi.ports.commands import CommandRow
from beffroi.ports.commands import State as Life

# Commands of these states may have moved something, or may do so at any moment.
MOVED = frozenset({Life.SENT, Life.DONE, Life.FAILED, Life.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Seen:
    """A status and when the hub heard it."""

    status: Status
    recv_ms: int


class Mirror:
    """By guard and target."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Seen]] = {}
        self._leased: dict[str, tuple[bytes, int]] = {}  # guard -> (start, when)

    def put(self, status: Status, recv_ms: int) -> bool:
        """File it unless a newer one is there (of the same start). True if it was filed."""
        targets = self._seen.setdefault(status.guard, {})
        old = targets.get(status.target)
        if old and old.status.nonce == status.nonce and old.status.at_ms > status.at_ms:
            return False
        targets[status.target] = Seen(status, recv_ms)
        return True

    def of(self, guard: str) -> Mapping[str, Seen]:
        """Its targets, of its newest start only: what an older start said is history."""
        targets = self._seen.get(guard, {})
        if not targets:
            return {}
        newest = max(targets.values(), key=lambda seen: (seen.recv_ms, seen.status.at_ms))
        nonce = newest.status.nonce
        return {name: seen for name, seen in targets.items() if seen.status.nonce == nonce}

    def target(self, guard: str, target: str) -> Seen | None:
        return self.of(guard).get(target)

    def nonce(self, guard: str) -> bytes:
        """Of the guard's newest start; empty when it was never heard."""
        return next((seen.status.nonce for seen in self.of(guard).values()), b"")

    def heard_ms(self, guard: str) -> int:
        return max((seen.recv_ms for seen in self.of(guard).values()), default=0)

    def connected(self, guard: str, now_ms: int) -> bool:
        return now_ms - self.heard_ms(guard) < GUARD_SILENT_MS

    def lease(self, guard: str, now_ms: int) -> None:
        """A lease was made for the guard's newest start."""
        self._leased[guard] = (self.nonce(guard), now_ms)

    def lease_until_ms(self, guard: str) -> int:
        """As the guard may see it; 0 when this start of it was given none."""
        nonce, when = self._leased.get(guard, (b"", 0))
        return when + LEASE_TTL_MS if nonce and nonce == self.nonce(guard) else 0

    def ruled(self, guard: str) -> bool:
        """It holds a roster: before that it can believe nothing."""
        return any(seen.status.roster_version for seen in self.of(guard).values())

    def guards(self) -> list[str]:
        return sorted(self._seen)

    def situation(
        self, trusted: Trusted, guard: str, moved: Iterable[CommandRow], now_ms: int
    ) -> Situation:
        """As the guard would see it. `moved`: commands sent within a day, oldest first."""
        seen, alive = self.of(guard), self.connected(guard, now_ms)
        nonce = self.nonce(guard)
        return Situation(
            commune=trusted.commune,
            guard=guard,
            origin=trusted.origin,
            nonce=nonce,
            roster=trusted.roster,
            envelopes=trusted.held_by(guard),
            state=_state(seen, [row for row in moved if row.guard == guard], nonce, now_ms),
            now_ms=now_ms,
            lease_until_ms=self.lease_until_ms(guard) if alive else 0,
            facts={name: _facts(one.status, now_ms) for name, one in seen.items()} if alive else {},
        )


def _facts(status: Status, now_ms: int) -> dict[str, Fact]:
    return {
        name: Fact(value, now_ms) for name, value in status.facts.items() if isinstance(value, int)
    }


def _state(
    seen: Mapping[str, Seen], moved: Iterable[CommandRow], nonce: bytes, now_ms: int
) -> State:
    """The guard's own memory as its last status and our book tell it."""
    targets = {
        name: TargetState(one.status.epoch, one.status.counter) for name, one in seen.items()
    }
    for row in moved:
        if row.state not in MOVED or row.sent_ms <= now_ms - DAY_MS:
            continue
        old = targets.get(row.target, TargetState())
        place = (old.epoch, old.counter)
        if row.nonce == nonce.hex():
            place = max(place, (row.epoch, row.counter))
        effect = Effect(row.sent_ms, row.action, row.safe, dict(row.travel))
        targets[row.target] = old.after(*place, effect)
    return State(targets)
