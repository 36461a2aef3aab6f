"""A guard on a bench: real core, real store, simulated equipment, a clock that the test moves."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from beffroi.guard.core import Core, Me
from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.effects import Instant
from beffroi.guard.facts import Neighbours, Place
from beffroi.guard.memory import Kept
from beffroi.guard.outbox import Queue
from beffroi.guard.post import Wired
from beffroi.guard.store import Store
from beffroi.guard.trust import Trusted, TrustError
from beffroi.guard.worker import Worker
from beffroi.kernel import document
from beffroi.kernel.command import Command
from beffroi.kernel.dsse import COMMAND, LEASE, Signed, pack, unpack
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope
from beffroi.kernel.keys import ED25519, public_of
from beffroi.kernel.lease import Lease, Status, read_status
from beffroi.kernel.receipt import Receipt, verified
from beffroi.kernel.roster import Member, Roster

COMMUNE, GUARD = "lourmarin", "cabinet-1"
NOW_MS = 1_795_000_000_000  # an evening of November 2026
HUB_KEY, P1_KEY, P2_KEY, GUARD_KEY = (bytes([n]) * 32 for n in (1, 2, 3, 4))
PLACE = Place(43.76, 5.36, ZoneInfo("Europe/Paris"))
WIRING = {
    "shows": {"level_pct": 100, "power_w": 90},
    "safe": {"level_pct": 100},
    "actions": {"dim": {"level_pct": "$level_pct"}, "on": {"level_pct": 100}},
}


def member(seed: bytes, person: str, role: str, **fields) -> Member:
    return Member(ED25519, public_of(seed), person, "commune", role, **fields)


ROSTER = Roster(
    COMMUNE,
    7,
    NOW_MS + 86_400_000,
    (
        member(HUB_KEY, "hub", "hub"),
        member(P1_KEY, "p1", "operator"),
        member(P2_KEY, "p2", "operator", independent=True),
        member(GUARD_KEY, GUARD, "guard"),
    ),
)


def envelope(target: str = "lamp-1", **fields) -> Envelope:
    level = {"level_pct": Allowed(((30, 100),))}
    dark = {"level_pct": Allowed(((0, 29),))}
    alone = (Condition("adjacent_dark", ((0, 0),), 10_000),)
    actions = {
        "dim": Action((Case("B", level), Case("C", dark, alone)), "Régler", "Set to {level_pct} %"),
        "on": Action((Case("A", safe=True),), "Allumer", "On"),
    }
    return Envelope(
        **{
            "commune": COMMUNE,
            "guard": GUARD,
            "target": target,
            "name": target,
            "service": "lighting",
            "authority": "commune",
            "version": 3,
            "epoch": 0,
            "expires_ms": NOW_MS + 86_400_000,
            "actions": actions,
            **fields,
        }
    )


@dataclass
class Clock:
    wall_ms: int = NOW_MS
    mono_ms: int = 50_000

    def __call__(self) -> Instant:
        return Instant(self.wall_ms, self.mono_ms)

    def sleep(self, ms: int) -> None:
        self.wall_ms += ms
        self.mono_ms += ms


class FixedTrust:
    """Documents that need no root."""

    def __init__(self, last: Trusted | None) -> None:
        self.last = last

    def current(self) -> Trusted | None:
        return self.last

    def take(self, files: Mapping[str, bytes], now_ms: int) -> Trusted:
        raise TrustError("not signed by the root")


@dataclass
class Hub:
    """What arrived, in order; `take` empties it."""

    queue: Queue
    receipts: list[Receipt] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    wires: list[bytes] = field(default_factory=list)
    all: list[Receipt] = field(default_factory=list)

    def receipt(self, kept: Kept) -> None:
        self.queue.put(kept)
        self.queue.pump(self._offer)
        for ticket in range(1, len(self.wires) + 1):
            self.queue.landed(ticket)

    def _offer(self, kept: Kept) -> int:
        got = verified(unpack(kept.wire), ROSTER)
        self.receipts.append(got)
        self.all.append(got)
        self.wires.append(kept.wire)
        return len(self.wires)

    def status(self, wire: bytes) -> None:
        self.statuses.append(read_status(unpack(wire), ROSTER))

    @property
    def sent(self) -> int:
        return self.queue.sent

    def take(self) -> list[tuple[str, str, str]]:
        """(outcome, target, reason) of what came since."""
        got = [(one.outcome, one.target, one.reason) for one in self.receipts]
        self.receipts.clear()
        return got


class Rig:
    """A guard with two lamps, each the other's neighbour."""

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        drivers: Mapping[str, Simulated] | None = None,
        trusted: Trusted | None = None,
        nonce: bytes = b"",
        hub: Hub | None = None,
        begin: bool = True,
        wire_only: Sequence[str] = ("lamp-1", "lamp-2"),
    ) -> None:
        self.folder, self.clock = folder, clock or Clock()
        self.nonce = nonce or os.urandom(16)
        self.drivers = drivers or {"lamp-1": Simulated(WIRING), "lamp-2": Simulated(WIRING)}
        self.envelopes = {name: envelope(name) for name in self.drivers}
        self.store = Store(folder)
        self.memory = self.store.load()
        kept = [one for one in self.memory.kept if one.number > self.memory.sent]
        self.hub = hub or Hub(Queue(kept, self.memory.sent))
        wired = {
            "lamp-1": Wired(Neighbours(("lamp-2",))),
            "lamp-2": Wired(Neighbours(("lamp-1",))),
        }
        wired = {name: wired[name] for name in wire_only}
        me = Me(COMMUNE, GUARD, PLACE, GUARD_KEY)
        self.core = Core(me, self.memory, self.nonce, wired, self.clock())
        self.trust = FixedTrust(trusted or Trusted(ROSTER, self.envelopes))
        self.worker = Worker(self.core, self.store, self.drivers, self.trust, self.hub, self.clock)
        self.counter = 0
        self.leases = 0
        if begin:
            self.worker.begin()

    def again(self, **changes) -> Rig:
        """The process ended; another one starts on the same disk and the same equipment."""
        self.store.note_sent(self.hub.sent)
        self.store.close()
        return Rig(self.folder, self.clock, self.drivers, self.trust.last, **changes)

    def lease(self, **fields) -> None:
        self.leases += 1
        self.worker.lease(self.lease_wire(**fields))

    def lease_wire(self, **fields) -> bytes:
        lease = Lease(
            **{
                "commune": COMMUNE,
                "guard": GUARD,
                "nonce": self.nonce,
                "number": self.leases,
                "at_ms": self.clock.wall_ms,
                "ttl_ms": 30_000,
                **fields,
            }
        )
        return pack(Signed(LEASE, document.write(lease)).by(HUB_KEY))

    def command(self, target: str = "lamp-1", **fields) -> Command:
        self.counter += 1
        now_ms = fields.pop("now_ms", self.clock.wall_ms)
        return Command(
            **{
                "id": f"c-{self.counter}",
                "commune": COMMUNE,
                "guard": GUARD,
                "target": target,
                "klass": "B",
                "action": "dim",
                "nonce": self.nonce,
                "epoch": 0,
                "counter": self.counter,
                "not_before_ms": now_ms,
                "expires_ms": now_ms + 60_000,
                "envelope": self.envelopes[target].digest
                if target in self.envelopes
                else bytes(32),
                "params": {"level_pct": 50},
                **fields,
            }
        )

    def wire(self, command: Command | None = None, keys=(HUB_KEY, P1_KEY), **fields) -> bytes:
        signed = Signed(COMMAND, (command or self.command(**fields)).encoded())
        for key in keys:
            signed = signed.by(key)
        return pack(signed)

    def send(self, *args, **fields) -> bytes:
        wire = self.wire(*args, **fields)
        self.worker.command(wire)
        return wire

    def wait(self, ms: int, step_ms: int = 100, lease: bool = False) -> None:
        """Time passes, with ticks; with leases if asked."""
        end_ms = self.clock.mono_ms + ms
        while self.clock.mono_ms < end_ms:
            self.clock.sleep(min(step_ms, end_ms - self.clock.mono_ms))
            if lease and self.clock.mono_ms % 10_000 < step_ms:
                self.lease()
            self.worker.tick()

    def level(self, target: str = "lamp-1") -> int | str:
        return self.drivers[target].read()["level_pct"]

    def acts(self, target: str = "lamp-1") -> list[str]:
        return [action for action, _ in self.drivers[target].effects]


def revoked(person: str) -> Roster:
    return replace(
        ROSTER, version=8, members=tuple(m for m in ROSTER.members if m.person != person)
    )
