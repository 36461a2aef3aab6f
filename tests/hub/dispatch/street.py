"""Everything real: broker, gate, trust repository, evidence log, dispatcher, and a guard process.

Used by the end-to-end tests and by `bench/command_latency.py`. The equipment is simulated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from beffroi.adapters.nats.process import end, spawn
from beffroi.adapters.signers.file import SeedSigner
from beffroi.cli.dispatch import dispatching
from beffroi.cli.settings import Settings
from beffroi.hub.dispatch.office import OPEN
from beffroi.hub.dispatch.service import Dispatch
from beffroi.kernel.envelope import Action, Allowed, Case, Envelope
from beffroi.kernel.keys import ED25519
from beffroi.kernel.roster import Member
from beffroi.lab.cabinet import Cabinet, sign_rules
from beffroi.lab.stack import Stack
from beffroi.model.asset import Device
from beffroi.model.finding import Finding
from beffroi.ports.commands import CommandRow

COMMUNE, GUARD = "lourmarin", "cabinet-1"
P1, P2, P3 = (bytes([n]) * 32 for n in (11, 12, 13))
WAIT_S_MAX = 30.0

WIRING = """\
[wiring]
shows = { level_pct = 100 }
safe = { level_pct = 100 }
actions = { dim = { level_pct = "$level_pct" }, on = { level_pct = 100 } }
"""


def envelope(target: str, guard: str = GUARD) -> Envelope:
    dim = Action(
        (
            Case("A", {"level_pct": Allowed(((50, 100),))}),
            Case("B", {"level_pct": Allowed(((20, 49),))}),
            Case("C", {"level_pct": Allowed(((0, 19),))}),
        ),
        "Éclairer à {level_pct} %",
        "Light at {level_pct} %",
        per_hour_max=500,
    )
    on = Action((Case("A", safe=True),), "Allumer", "Switch on")
    return Envelope(
        COMMUNE, guard, target, f"Lampe {target}", "lamps", COMMUNE, 1, 0, 0, {"dim": dim, "on": on}
    )


def member(seed: bytes, person: str, role: str = "operator", **more: Any) -> Member:
    public = SeedSigner(seed).public
    return Member(ED25519, public, person, more.pop("org", COMMUNE), role, **more)


class Street:
    """`dispatch` is running. Ask with `office`, wait with `ended`."""

    def __init__(self, stack: Stack, targets: Sequence[str]) -> None:
        self.stack, self.targets = stack, targets
        self.settings = Settings(stack.home)
        self.found: list[Finding] = []
        self.changed = asyncio.Event()
        self.guard: asyncio.subprocess.Process | None = None
        self.dispatch: Dispatch
        self.cabinet = Cabinet(stack.home / "guard", COMMUNE, GUARD)
        self._loop = asyncio.get_running_loop()

    async def install(self) -> None:
        """The guard's files and key, and the rules that name it."""
        bundle = self.stack.enrol(Device(GUARD, "", status="pending", is_guard=True))
        here = self.stack.endpoint
        wiring = dict.fromkeys(self.targets, WIRING)
        self.cabinet.write(bundle.files, here.mqtt_host, here.mqtt_port, wiring)
        people = (
            member(P1, "p1"),
            member(P2, "p2", independent=True),
            member(P3, "p3", org="epci"),
            await asyncio.to_thread(self.cabinet.member),
        )
        rules = [envelope(name) for name in self.targets]
        now = self.stack.clock.now_ms()
        self.cabinet.trust(sign_rules(self.stack.home, COMMUNE, people, rules, now))

    async def start_guard(self) -> None:
        log = self.cabinet.folder / "guard.log"
        self.guard = await spawn(self.cabinet.command, log, {}, 1_024)

    async def stop_guard(self, *, kill: bool = False) -> None:
        if self.guard is not None and kill:
            self.guard.kill()
        await end(self.guard, 10)
        self.guard = None

    # --- waiting -----------------------------------------------------------------------------
    def told(self, row: CommandRow) -> None:
        del row
        self._loop.call_soon_threadsafe(self.changed.set)

    async def until(self, what: Callable[[], bool], wait_s: float = WAIT_S_MAX) -> None:
        loop = asyncio.get_running_loop()
        limit = loop.time() + wait_s
        while not what():
            assert loop.time() < limit, "it did not happen in time"
            await asyncio.sleep(0.02)

    async def ready(self) -> None:
        """The guard is heard, has taken the rules over and was given a lease."""
        await self.until(lambda: all(self._leased(name) for name in self.targets))

    def _leased(self, target: str) -> bool:
        seen = self.dispatch.book.mirror.target(GUARD, target)
        held = self.dispatch.book.trusted.envelopes[target].digest
        leased = self.dispatch.book.mirror.lease_until_ms(GUARD) > 0
        return bool(seen and leased and seen.status.envelope == held)

    async def ended(self, row: CommandRow, wait_s: float = WAIT_S_MAX) -> CommandRow:
        store = self.dispatch.book.store

        def over() -> bool:
            found = store.command(row.id)
            return found is not None and found.state not in OPEN

        await self.until(over, wait_s)
        found = store.command(row.id)
        assert found is not None
        return found

    def rules(self) -> set[str]:
        return {one.rule.partition(".")[2] for one in self.found if one.active}


@asynccontextmanager
async def hub(street: Street) -> AsyncIterator[Dispatch]:
    """The hub's side as `beffroi serve` composes it, until the block ends."""
    stack = street.stack
    composed = dispatching(
        street.settings, stack.store, stack.clock, street.found.extend, street.told
    )
    async with composed as dispatch:
        assert dispatch is not None
        street.dispatch = dispatch
        work = asyncio.create_task(dispatch.run())
        try:
            yield dispatch
        finally:
            while not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=0.2)


@asynccontextmanager
async def street(
    home: Path, targets: Sequence[str] = ("lamp-1", "lamp-2")
) -> AsyncIterator[Street]:
    """Installed and signed, nothing running but the broker and the gate."""
    async with Stack(home, gate_process=True) as stack:
        made = Street(stack, targets)
        await made.install()
        try:
            yield made
        finally:
            await made.stop_guard()
