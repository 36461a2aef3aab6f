"""The commune of the kit: keys, documents signed by a root, and bytes that a hub would send.

Every key is known here, so that a rule can play any attacker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import online
from beffroi.adapters.trust.ceremony import Ceremony, put_envelopes, revoke
from beffroi.adapters.trust.shelf import ROOT, Shelf
from beffroi.guard.trust_bundle import pack_bundle
from beffroi.kernel import document
from beffroi.kernel.command import Command
from beffroi.kernel.dsse import COMMAND, LEASE, Signed, pack
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope, Slew
from beffroi.kernel.keys import ED25519, public_of
from beffroi.kernel.lease import Lease
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.roster import Member, Roster

NAME = "kit"
GUARD = "guard-under-test"
ORG = "commune"
CLERK, DEPUTY, PREFECT, WITNESS, STRANGER = (bytes([n]) * 32 for n in range(1, 6))
ROOTS = {f"holder-{n}": bytes([n]) * 32 for n in (11, 12, 13)}

LAMPS = ("lamp-1", "lamp-2")
PUMP = "pump-1"
SHOWS: Mapping[str, Mapping[str, int]] = {
    "lamp-1": {"level_pct": 100},
    "lamp-2": {"level_pct": 100},
    "pump-1": {"pressure_mbar": 3_000, "tank_pct": 60},
}
WIRING: Mapping[str, Mapping[str, Any]] = {
    **{
        lamp: {
            "safe": {"level_pct": 100},
            "actions": {
                "dim": {"level_pct": "$level_pct"},
                "on": {"level_pct": 100},
                "show": {"level_pct": 60},
            },
        }
        for lamp in LAMPS
    },
    PUMP: {
        "safe": {"pressure_mbar": 3_000},
        "actions": {"press": {"pressure_mbar": "$pressure_mbar"}},
    },
}


def _whole(*ranges: tuple[int, int]) -> Allowed:
    return Allowed(ranges)


def _action(*cases: Case, **limits: Any) -> Action:
    return Action(cases, "Essai", "Test", **limits)


def _envelope(target: str, actions: Mapping[str, Action], **fields: Any) -> Envelope:
    return Envelope(
        commune=NAME,
        guard=GUARD,
        target=target,
        name=target,
        service="lighting" if target in LAMPS else "water",
        authority=ORG,
        version=1,
        epoch=0,
        expires_ms=1,
        actions=actions,
        **fields,
    )


def envelopes() -> list[Envelope]:
    """Two lamps that are neighbours, one pump."""
    alone = (Condition("adjacent_dark", ((0, 0),), 30_000),)
    full = (Condition("tank_pct", ((20, 100),), 30_000),)
    lamp = {
        "dim": _action(
            Case("B", {"level_pct": _whole((30, 100))}),
            Case("C", {"level_pct": _whole((0, 29))}, alone),
            per_hour_max=500,
        ),
        "on": _action(Case("A", safe=True), per_hour_max=2),
        "show": _action(Case("B"), per_hour_max=2, witnesses_min=1),
    }
    press = _action(
        Case("B", {"pressure_mbar": _whole((2_000, 4_000))}, full),
        slew=(Slew("pressure_mbar", "pressure_mbar", 200, 500, 30_000),),
        lifetime_ms_max=600_000,
        per_hour_max=100,
    )
    return [*(_envelope(one, lamp) for one in LAMPS), _envelope(PUMP, {"press": press})]


class Commune:
    """One root of three holders, one hub, one guard. `home` is the hub's, `stick` the clerk's."""

    def __init__(self, folder: Path, guard_public: bytes, now_ms: int) -> None:
        self.home, self._stick = folder / "hub", Shelf(folder / "stick")
        self.hub_key, self.log_key = (online.seed(self.home, n) for n in ("hub", "log"))
        holders = {name: (ED25519, public_of(seed)) for name, seed in ROOTS.items()}
        self._ceremony(now_ms).begin(
            self._roster(guard_public), holders, 2, online.public(self.home, online.ONLINE)
        )
        self._ceremony(now_ms).change(put_envelopes(envelopes()))
        self.publish(now_ms)

    def _ceremony(self, now_ms: int) -> Ceremony:
        return Ceremony(self._stick, [SeedSigner(seed) for seed in ROOTS.values()], now_ms)

    def _roster(self, guard_public: bytes) -> Roster:
        def one(seed: bytes, person: str, role: str, org: str = ORG, **more: Any) -> Member:
            return Member(ED25519, public_of(seed), person, org, role, **more)

        people = (
            one(CLERK, "clerk", "operator"),
            one(DEPUTY, "deputy", "operator", independent=True),
            one(PREFECT, "prefect", "operator", "prefecture", independent=True),
            one(WITNESS, "neighbour", "witness", "neighbour"),
            Member(ED25519, guard_public, GUARD, ORG, "guard"),
        )
        return Roster(NAME, 1, 1, (*online.hub_members(self.home, NAME), *people))

    def publish(self, now_ms: int) -> None:
        online.publish(self._stick.folder, self.home, now_ms)
        self.roster, self.envelopes = online.current(self.home)

    def revoke(self, person: str, now_ms: int) -> None:
        self._ceremony(now_ms).change(revoke(person))
        self.publish(now_ms)

    @property
    def root(self) -> bytes:
        """What a technician carries to the cabinet."""
        return self._stick.read(f"metadata/1.{ROOT}.json")

    def bundle(self) -> bytes:
        return pack_bundle(online.bundle(self.home, GUARD))

    # --- what a hub sends -------------------------------------------------------------------
    def command(self, nonce: bytes, counter: int, now_ms: int, **fields: Any) -> Command:
        """Class B, the clerk's: dim lamp-1 to 50 %. `fields` say otherwise."""
        target = fields.get("target", LAMPS[0])
        known = self.envelopes.get(target)
        command = Command(
            id=f"c-{counter}",
            commune=NAME,
            guard=GUARD,
            target=target,
            klass="B",
            action="dim",
            nonce=nonce,
            epoch=0,
            counter=counter,
            not_before_ms=now_ms - 1_000,
            expires_ms=now_ms + 60_000,
            envelope=bytes(32) if known is None else known.digest,
            params={"level_pct": 50},
        )
        return replace(command, **fields)

    def wire(self, command: Command, *keys: bytes, kind: str = COMMAND) -> bytes:
        """Signed by the hub and the clerk, or by `keys`."""
        signed = Signed(kind, command.encoded())
        for key in keys or (self.hub_key, CLERK):
            signed = signed.by(key)
        return pack(signed)

    def lease(self, nonce: bytes, number: int, now_ms: int, ttl_ms: int, **fields: Any) -> bytes:
        """`key` in `fields` signs instead of the hub's."""
        key = fields.pop("key", self.hub_key)
        lease = Lease(NAME, fields.pop("guard", GUARD), nonce, number, now_ms, ttl_ms)
        return pack(Signed(LEASE, document.write(replace(lease, **fields))).by(key))


def forged(commune: Commune, folder: Path, now_ms: int) -> bytes:
    """A bundle of another root, with the same names: what a hub's thief can make."""
    stick, home = Shelf(folder / "stick"), folder / "hub"
    seeds = [bytes([n]) * 32 for n in (21, 22, 23)]
    holders = {f"thief-{n}": (ED25519, public_of(seed)) for n, seed in enumerate(seeds)}
    ceremony = Ceremony(stick, [SeedSigner(seed) for seed in seeds], now_ms)
    stranger = Member(ED25519, public_of(STRANGER), "clerk", ORG, "operator")
    members = tuple(m for m in commune.roster.members if m.person != "clerk")
    ceremony.begin(
        Roster(NAME, 99, now_ms + DAY_MS, (*members, stranger)),
        holders,
        2,
        online.public(home, online.ONLINE),
    )
    Ceremony(stick, [SeedSigner(seed) for seed in seeds], now_ms).change(
        put_envelopes(commune.envelopes.values())
    )
    online.publish(stick.folder, home, now_ms)
    return pack_bundle(online.bundle(home, GUARD))


def persons(commune: Commune, *seeds: bytes) -> Sequence[bytes]:
    """The hub and these persons, as keys for `wire`."""
    return (commune.hub_key, *seeds)
