"""Commands for the town of the interface's tests: a root, a roster, rules of real services, and a
real guard process with simulated equipment. What is commanded here is read back and signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from beffroi.adapters.nats.process import end, spawn
from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.signers.pem import locked
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.shelf import Shelf
from beffroi.domains.base import Terms
from beffroi.domains.registry import domains
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.keys import ED25519
from beffroi.kernel.roster import Member
from beffroi.lab.cabinet import HOLDERS, Cabinet, sign_rules
from beffroi.lab.stack import Stack
from beffroi.model.asset import Device

COMMUNE, GUARD, FAR = "commune", "armoire-mairie", "armoire-nord"
SYNDICATE = "syndicat-des-eaux"
MAYOR, HEAD, WATER = (bytes([n]) * 32 for n in (71, 72, 73))
PHRASE = "une longue phrase"
LAMPS, VALVE, BOARD = "cabinet-0001", "valve-1", "board-001"
FAR_TARGETS = ("junction-001", "board-002")
_LIGHT = """\
[wiring]
shows = { level_pct = 100, minutes = 0 }
safe = { level_pct = 100, minutes = 0 }
actions = { dim = { level_pct = "$level_pct", minutes = "$minutes" }, on = { level_pct = 100 } }
"""
_VALVE = """\
[wiring]
shows = { pressure_mbar = 2900 }
safe = { pressure_mbar = 2900 }
actions = { set = { pressure_mbar = "$pressure_mbar" }, local = { pressure_mbar = 2900 } }
"""
_BOARD = """\
[wiring]
shows = { template = "" }
safe = { template = "" }
actions = { show = { template = "$template" }, alert = { template = "$template" }, blank = { template = "" } }
"""  # noqa: E501
WIRING = {LAMPS: _LIGHT, VALVE: _VALVE, BOARD: _BOARD}


def member(seed: bytes, person: str, org: str, name: str, *, independent: bool = True) -> Member:
    public = SeedSigner(seed).public
    return Member(
        ED25519, public, person, org, "operator", independent=independent, name=name
    )  # fmt: skip


@dataclass
class Cabinets:
    """What tests need of them: `root` for a signer's pin, `keys` for `beffroi sign`."""

    home: Path
    root: bytes = b""
    keys: dict[str, Path] = field(default_factory=dict)

    def add(self, *members: Member) -> None:
        """The holders put somebody into the roster and publish it."""
        from beffroi.adapters.clock import SystemClock

        now = SystemClock().now_ms()
        made = Ceremony(Shelf(self.home / "stick"), [HOLDERS["h0"], HOLDERS["h1"]], now)
        for one in members:
            made.change(ceremony.add_member(one))
        online.publish(self.home / "stick", self.home, now)


def rules(stack: Stack, targets: Sequence[str], guard: str) -> list[Envelope]:
    """What the services propose for these assets, unchanged."""
    found = []
    for target in targets:
        asset = stack.store.assets.asset(target)
        assert asset is not None, target
        made = domains()[asset.domain].envelope(asset, Terms(COMMUNE, guard, 1, 0, 0))
        assert made is not None, target
        found.append(made)
    return found


async def install(stack: Stack, origin: str) -> tuple[Cabinets, Cabinet]:
    """Everything but the running processes."""
    bundle = stack.enrol(Device(GUARD, "", status="pending", is_guard=True))
    here = stack.endpoint
    cabinet = Cabinet(stack.home / "guard", COMMUNE, GUARD)
    cabinet.write(bundle.files, here.mqtt_host, here.mqtt_port, WIRING)
    settings = cabinet.folder / "guard.toml"
    board = f"[targets.{BOARD}]\n"
    settings.write_text(settings.read_text().replace(board, board + 'code_param = "code"\n'))
    members = (
        member(MAYOR, "maire", COMMUNE, "Maire", independent=False),
        member(HEAD, "dgs", COMMUNE, "Directrice générale"),
        member(WATER, "astreinte", SYNDICATE, "Astreinte des eaux"),
        await asyncio.to_thread(cabinet.member),
        Member(ED25519, SeedSigner(bytes([74]) * 32).public, FAR, COMMUNE, "guard"),
        Member(ED25519, SeedSigner(bytes([75]) * 32).public, "temoin.oye", "oye", "witness"),
    )
    allowed = [*rules(stack, tuple(WIRING), GUARD), *rules(stack, FAR_TARGETS, FAR)]
    now = stack.clock.now_ms()
    made = Cabinets(stack.home)
    made.root = sign_rules(
        stack.home, COMMUNE, members, allowed, now, rp_id="localhost", origins=(origin,)
    )
    cabinet.trust(made.root)
    for name, seed in (("maire", MAYOR), ("dgs", HEAD), ("astreinte", WATER)):
        path = made.keys[name] = stack.home / f"{name}.pem"
        path.write_bytes(locked(seed, PHRASE))
    return made, cabinet


@asynccontextmanager
async def guarding(cabinet: Cabinet) -> AsyncIterator[None]:
    """The guard's process."""
    process = await spawn(cabinet.command, cabinet.folder / "guard.log", {}, 1_024)
    try:
        yield
    finally:
        await end(process, 10)
