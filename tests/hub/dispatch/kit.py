"""A commune's dispatcher on a bench: real store, real evidence log, real judge on both sides.

Only the wire and the clock are the test's own: `Wire` may lose, repeat and keep what passes, and a
`Crash` may fall between any two steps. `Cabinet` is a guard reduced to its promise: judge, remember
and act once, sign.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from beffroi.adapters.log.log import Log
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.request import Wish
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dispatch.trust import Trusted
from beffroi.kernel import document
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.decide import decide
from beffroi.kernel.dsse import COMMAND, RECEIPT, STATUS, Signature, Signed, pack, unpack
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope
from beffroi.kernel.keys import ED25519, key_id, public_of, sha256, sign
from beffroi.kernel.lease import Status
from beffroi.kernel.receipt import DONE, FAILED, REFUSED, STARTED, Receipt
from beffroi.kernel.roster import Member, Roster
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import State as Memory
from beffroi.kernel.verdict import Accepted
from beffroi.model.finding import Finding
from beffroi.ports.commands import CommandRow
from beffroi.ports.downlink import Heard

COMMUNE, GUARD, LIFE = "lourmarin", "g-1", 86_400_000
NOW_MS = 1_795_000_000_000
HUB, LOG, CAB, P1, P1B, P2, P3, READER, GLASS = (bytes([n]) * 32 for n in range(1, 10))


def member(seed: bytes, person: str, role: str, org: str = "commune", **more: Any) -> Member:
    return Member(ED25519, public_of(seed), person, org, role, **more)


ROSTER = Roster(
    COMMUNE,
    7,
    NOW_MS + 30 * LIFE,
    (
        member(HUB, "hub", "hub"),
        member(LOG, "log", "log"),
        member(CAB, GUARD, "guard"),
        member(P1, "p1", "operator"),
        member(P1B, "p1", "operator", independent=True),  # the same person's second key
        member(P2, "p2", "operator", independent=True),
        member(P3, "p3", "operator", org="epci"),
        member(READER, "p4", "operator", services=("elsewhere",)),
        member(GLASS, "glass", "break-glass"),
    ),
)


def envelope(target: str, **fields: Any) -> Envelope:
    level = {"level_pct": Allowed(((50, 100),))}
    low = {"level_pct": Allowed(((20, 49),))}
    dark = {"level_pct": Allowed(((0, 19),))}
    dry = (Condition("flooded", ((0, 0),), 60_000),)
    actions = {
        "dim": Action((Case("A", level), Case("B", low), Case("C", dark, dry)), "À {level_pct} %",
                      "To {level_pct} %"),
        "on": Action((Case("A", safe=True),), "Allumer", "On"),
        "alert": Action((Case("C", {"text": Allowed(choices=("a", "b"))}),), "Alerte", "Alert",
                        orgs_min=2),
        "seen": Action((Case("B", level),), "Vu", "Seen", witnesses_min=1),
    }  # fmt: skip
    made: dict[str, Any] = {
        "commune": COMMUNE,
        "guard": GUARD,
        "target": target,
        "name": target,
        "service": "lamps",
        "authority": "commune",
        "version": 3,
        "epoch": 1,
        "expires_ms": NOW_MS + 30 * LIFE,
        "actions": actions,
    }
    return Envelope(**{**made, **fields})


TARGETS = ("t-1", "t-2", "t-3", "t-4", "t-5")
TRUSTED = Trusted(ROSTER, {name: envelope(name) for name in TARGETS})


@dataclass
class Clock:
    """Moved by the test."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Trust:
    """Documents that need no root."""

    trusted: Trusted = TRUSTED

    def current(self) -> Trusted:
        return self.trusted

    def refresh(self, now_ms: int) -> bool:
        return False

    def bundle(self, guard: str) -> bytes:
        return b"files of " + guard.encode()


class Killed(BaseException):
    """The hub process ended here."""


@dataclass
class Crash:
    """Ends the hub at the `at`-th step, before it or (`after`) once it is done."""

    at: int = 0
    after: bool = False
    steps: int = 0
    names: list[str] = field(default_factory=list)

    def step(self, name: str, do: Callable[[], Any]) -> Any:
        self.steps += 1
        self.names.append(name)
        mine = self.steps == self.at
        if mine and not self.after:
            raise Killed(name)
        done = do()
        if mine:
            raise Killed(name)
        return done


class Brittle:
    """A port with a crash at each call of these methods."""

    def __init__(self, inner: Any, crash: Crash, methods: Iterable[str]) -> None:
        self._inner, self._crash, self._methods = inner, crash, frozenset(methods)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        if name not in self._methods:
            return real
        return lambda *args, **more: self._crash.step(name, lambda: real(*args, **more))


class Cabinet:
    """A guard: `hear` bytes, `say` what waits to be sent. `moved` is what the equipment did."""

    def __init__(self, clock: Clock, guard: str = GUARD, key: bytes = CAB) -> None:
        self.clock, self.guard, self.key = clock, guard, key
        self.memory = Memory()
        self.nonce = os.urandom(16)
        self.number, self.previous = 0, bytes(32)
        self.answers: dict[bytes, bytes] = {}
        self.facts: dict[str, int] = {"flooded": 0}
        self.leased = True
        self.broken = False
        self.moved: list[tuple[str, str, dict[str, int | str]]] = []
        self.trusted = TRUSTED
        self.out: list[tuple[str, bytes]] = []

    def start_again(self) -> None:
        """As after a power cut: what was durable is still there."""
        self.nonce = os.urandom(16)
        self._receipt(STARTED)
        self.tell()

    def tell(self) -> None:
        """A status of each target."""
        for name, one in self.trusted.held_by(self.guard).items():
            last = self.memory.of(name)
            status = Status(
                COMMUNE,
                self.guard,
                name,
                self.nonce,
                self.clock.ms,
                self.number,
                self.trusted.roster.version,
                one.digest,
                last.epoch,
                last.counter,
                int(self.leased),
                dict(self.facts),
            )
            signed = Signed(STATUS, document.write(status)).by(self.key)
            self.out.append(("status", pack(signed)))

    def hear(self, wire: bytes) -> None:
        try:
            digest = read_command(unpack(wire).payload).digest
        except ValueError:
            self._receipt(REFUSED, reason="unreadable")
            return
        # By the whole message: who spoils a signature must not spoil the command.
        asked = sha256(wire)
        known = self.answers.get(digest) or self.answers.get(asked)
        if known is not None:
            self.out.append(("receipt", known))
            return
        verdict = decide(wire, self.situation())
        if isinstance(verdict, Accepted):
            self.memory = verdict.state
            command = verdict.command
            self.moved.append((command.target, command.action, dict(command.params)))
            outcome = FAILED if self.broken else DONE
            shown = dict(command.params)
            self.answers[digest] = self._receipt(outcome, command.target, digest, readback=shown)
        else:
            target = verdict.command.target if verdict.command else ""
            self.answers[asked] = self._receipt(REFUSED, target, digest, reason=str(verdict.reason))
        self.tell()

    def situation(self) -> Situation:
        now = self.clock.ms
        facts = {name: Fact(value, now) for name, value in self.facts.items()}
        held = self.trusted.held_by(self.guard)
        return Situation(
            COMMUNE,
            self.guard,
            f"beffroi/{COMMUNE}",
            self.nonce,
            self.trusted.roster,
            held,
            self.memory,
            now,
            now + 30_000 if self.leased else 0,
            dict.fromkeys(held, facts),
        )

    def _receipt(
        self, outcome: str, target: str = "", digest: bytes = b"", *, reason: str = "", **more: Any
    ) -> bytes:
        self.number += 1
        receipt = Receipt(
            self.guard, self.number, self.previous, self.clock.ms, outcome, target, digest, reason,
            **more,
        )  # fmt: skip
        self.previous = receipt.hash
        wire = pack(Signed(RECEIPT, receipt.encoded()).by(self.key))
        self.out.append(("receipt", wire))
        return wire


class Wire:
    """The downlink. `lose(topic)` decides about each message on its way down."""

    def __init__(self, cabinet: Cabinet) -> None:
        self.cabinet = cabinet
        self.lose: Callable[[str], bool] = lambda topic: False
        self.down: list[tuple[str, str, bytes]] = []
        self._unacked: dict[int, Heard] = {}
        self._numbers = itertools.count()

    async def send(self, guard: str, topic: str, payload: bytes) -> None:
        self.send_now(guard, topic, payload)

    def send_now(self, guard: str, topic: str, payload: bytes) -> None:
        self.down.append((guard, topic, payload))
        if not self.lose(topic) and topic == "cmd" and guard == self.cabinet.guard:
            self.cabinet.hear(payload)

    def waiting(self) -> list[Heard]:
        """Everything that the broker holds: what is not acknowledged comes again."""
        for topic, payload in self.cabinet.out:
            number = next(self._numbers)
            self._unacked[number] = Heard(self.cabinet.guard, topic, payload, number)
        self.cabinet.out.clear()
        return list(self._unacked.values())

    async def fetch(self, count_max: int, wait_s: float) -> list[Heard]:
        got = self.waiting()[:count_max]
        if not got:
            await asyncio.sleep(min(wait_s, 0.01))
        return got

    async def ack(self, heard: Sequence[Heard]) -> None:
        for one in heard:
            self._unacked.pop(one.token, None)  # type: ignore[call-overload]

    def commands(self) -> list[bytes]:
        return [payload for _, topic, payload in self.down if topic == "cmd"]


class Town:
    """The hub's side with everything that survives it in `home`; `restart` as often as wanted."""

    def __init__(self, home: Path, crash: Crash | None = None) -> None:
        self.home = home
        self.clock = Clock()
        self.cabinet = Cabinet(self.clock)
        self.wire = Wire(self.cabinet)
        self.trust = Trust()
        self.found: list[Finding] = []
        self.log: Log | None = None
        self.store: SqlStore
        self.dispatch: Dispatch
        self.start(crash)
        self.cabinet.tell()
        self.hear()

    def start(self, crash: Crash | None = None) -> None:
        crash = crash or Crash()
        self.crash = crash
        self.store = open_store(f"sqlite:///{self.home}/town.sqlite")
        self.log = Log(self.home / "evidence", COMMUNE, seed=LOG)
        book = Book(
            store=Brittle(self.store.commands, crash, ("apply",)),
            log=Brittle(self.log, crash, ("append",)),
            trust=self.trust,
            clock=self.clock,
            seed=HUB,
            alarms=self.found.extend,
        )
        self.dispatch = Dispatch(
            book, self.wire, zone=ZoneInfo("Europe/Paris"), sun=lambda day: None
        )

    def stop(self) -> None:
        if self.log is not None:
            self.log.close()
            self.log = None
        self.store.close()

    def restart(self, crash: Crash | None = None) -> None:
        self.stop()
        self.start(crash)

    # --- what happens ------------------------------------------------------------------------
    def ask(self, target: str = "t-1", level: int = 80, **more: Any) -> CommandRow:
        return self.dispatch.office.request(Wish(target, "dim", {"level_pct": level}, **more), "u1")

    def sign(self, row: CommandRow, seed: bytes, account: str = "") -> CommandRow:
        return self.dispatch.office.approve(row.id, signature(row, seed), "signer", account, None)

    def turn(self) -> None:
        """Leases, then the sender's loop once; a crash may fall before or after each message."""
        self.dispatch._leases.due()
        self.dispatch.plans.turn()
        for part in (self.dispatch.sender.turn, self.dispatch.sender.witnessed):
            for out in part():
                self.crash.step("send", partial(self.wire.send_now, out.guard, "cmd", out.wire))

    def hear(self) -> None:
        """The receipts' loop once."""
        heard = self.wire.waiting()
        if heard:
            changes = self.dispatch.receipts.take(heard)
            self.crash.step("ack", lambda: [self.wire._unacked.pop(h.token) for h in heard])
            self.dispatch.sender.forget(changes)

    def settle(self, turns: int = 6, step_ms: int = 1_000) -> None:
        for _ in range(turns):
            self.turn()
            self.hear()
            self.clock.ms += step_ms

    def row(self, row: CommandRow) -> CommandRow:
        found = self.store.commands.command(row.id)
        assert found is not None
        return found

    def rules(self) -> set[str]:
        return {one.rule.partition(".")[2] for one in self.found if one.active}

    def entries(self) -> list[dict[str, Any]]:
        assert self.log is not None
        from beffroi.kernel.canonical import decode

        size = self.log.checkpoint().size
        return [decode(self.log.prove(n).entry, 4_096) for n in range(size)]  # type: ignore[misc]


def signature(row: CommandRow, seed: bytes) -> Signature:
    pae = Signed(COMMAND, row.payload).pae
    return Signature(key_id(ED25519, public_of(seed)), sign(seed, pae))


def forged(town: Town, command: Command, *seeds: bytes) -> bytes:
    """A command with these signatures, packed."""
    del town
    signed = Signed(COMMAND, command.encoded())
    for seed in seeds:
        signed = signed.by(seed)
    return pack(signed)


def command_of(town: Town, target: str = "t-1", **fields: Any) -> Command:
    """What an attacker with everything the hub knows would write."""
    cabinet = town.cabinet
    made = Command(
        id="evil",
        commune=COMMUNE,
        guard=GUARD,
        target=target,
        klass="C",
        action="dim",
        nonce=cabinet.nonce,
        epoch=1,
        counter=cabinet.memory.of(target).counter + 1,
        not_before_ms=town.clock.ms - 1,
        expires_ms=town.clock.ms + 60_000,
        envelope=TRUSTED.envelopes[target].digest,
        params={"level_pct": 0},
    )
    return replace(made, **fields)
