"""A commune with three holders, a hub and one guard; and a forger who may hold some of the keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import Shelf
from beffroi.adapters.trust.tufkeys import key_of, sign
from beffroi.guard.trust import Trust, Trusted
from beffroi.guard.trust_bundle import ROSTER, envelope_path, metadata_name, role_of
from beffroi.kernel.envelope import Action, Allowed, Case, Envelope
from beffroi.kernel.keys import ED25519
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.roster import Member, Roster

COMMUNE, GUARD = "lourmarin", "cabinet-1"
NOW_MS = 1_795_000_000_000
TIMESTAMP = "metadata/timestamp.json"


def holder(number: int) -> SeedSigner:
    return SeedSigner(bytes([40 + number]) * 32)


def member(person: str, number: int, **other: Any) -> Member:
    public = SeedSigner(bytes([number]) * 32).public
    fields = {"org": COMMUNE, "role": "operator", "independent": True} | other
    return Member(ED25519, public, person, **fields)


def envelope(target: str, guard: str = GUARD, low: int = 20, **other: Any) -> Envelope:
    dim = Action(
        (Case("B", {"level_pct": Allowed(((low, 100),))}),),
        "Éclairer à {level_pct} %",
        "Light at {level_pct} %",
    )
    fields = {"name": f"Lampe {target}", "service": "lighting", "authority": COMMUNE}
    fields |= {"version": 1, "epoch": 0, "expires_ms": 0, "actions": {"dim": dim}} | other
    return Envelope(COMMUNE, guard, target, **fields)


class Town:
    """Time moves only when a test says so."""

    def __init__(self, folder: Path, guard: str = GUARD) -> None:
        self.stick, self.home = folder / "stick", folder / "home"
        self.now_ms = NOW_MS
        self.holders = {f"h{n}": holder(n) for n in range(3)}
        roster = Roster(COMMUNE, 1, 0, online.hub_members(self.home, COMMUNE))
        public = {name: (one.kind, one.public) for name, one in self.holders.items()}
        service = online.public(self.home, online.ONLINE)
        self.ceremony().begin(roster, public, 2, service)
        self.change(ceremony.add_member(member("p1", 11)))
        self.put(envelope("lamp-1"), envelope("lamp-2"), envelope("pump-1", "pumps"))
        self.publish()
        self.pinned = Shelf(self.stick).read(metadata_name("root", 1))
        self.file = folder / "guard" / "trust"
        self.guard = Trust(self.file, COMMUNE, guard, self.pinned)

    def ceremony(self, *names: str) -> Ceremony:
        present = [self.holders[name] for name in names or ("h0", "h1")]
        return Ceremony(Shelf(self.stick), present, self.now_ms)

    def change(self, what: ceremony.Change, *names: str) -> Chain:
        return self.ceremony(*names).change(what)

    def put(self, *envelopes: Envelope) -> Chain:
        return self.change(ceremony.put_envelopes(envelopes))

    def rotate(self, names: Sequence[str], present: Sequence[str], threshold: int = 2) -> Chain:
        public = {name: (ED25519, self.holders[name].public) for name in names}
        service = online.public(self.home, online.ONLINE)
        return self.ceremony(*present).rotate(public, threshold, service)

    def rotate_hub(self, *names: str, present: Sequence[str] = ()) -> Chain:
        """New keys of the hub, and other holders if `names` says so."""
        service, members = online.renewed(self.home, COMMUNE)
        holders = {name: self.holders[name] for name in names or self.holders}
        public = {name: (ED25519, one.public) for name, one in holders.items()}
        return self.ceremony(*present).rotate(public, 2, service, members)

    def publish(self) -> None:
        online.publish(self.stick, self.home, self.now_ms)

    def later(self, ms: int) -> None:
        self.now_ms += ms
        online.refresh(self.home, self.now_ms)

    def bundle(self, guard: str = GUARD) -> dict[str, bytes]:
        return online.bundle(self.home, guard)

    def take(self, files: dict[str, bytes] | None = None) -> Trusted:
        return self.guard.take(self.bundle() if files is None else files, self.now_ms)

    def forge(self) -> Forge:
        return Forge(self)


class Forge:
    """The newest bundle, opened. Change `.signed` of anything; `files()` signs what was touched
    with the rightful keys, or with those given."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._files = town.bundle()
        shelf = Shelf(town.home / "trust")
        self.roots = [shelf.load(Root, "root", v) for v in shelf.versions("root")]
        self.timestamp = shelf.parsed(Timestamp, TIMESTAMP)
        self.snapshot = shelf.load(
            Snapshot, "snapshot", self.timestamp.signed.snapshot_meta.version
        )
        meta = self.snapshot.signed.meta
        self.targets = shelf.load(Targets, "targets", meta["targets.json"].version)
        self.role = shelf.load(Targets, role_of(GUARD), meta[f"{role_of(GUARD)}.json"].version)
        self.documents = {n: d for n, d in self._files.items() if n.startswith("targets/")}
        self.service = SeedSigner(online.seed(town.home, online.ONLINE))

    @property
    def root(self) -> Root:
        return self.roots[-1].signed

    def next_root(self) -> Metadata[Root]:
        new: Metadata[Root] = Metadata.from_bytes(self.roots[-1].to_bytes())
        new.signed.version += 1
        new.signatures.clear()
        self.roots.append(new)
        return new

    def point(self, targets: int | None = None, role: int | None = None) -> None:
        """A new snapshot and timestamp, as the hub's key can always make them."""
        meta = self.snapshot.signed.meta
        meta["targets.json"] = MetaFile(targets or self.targets.signed.version)
        meta[f"{role_of(GUARD)}.json"] = MetaFile(role or self.role.signed.version)
        self.snapshot.signed.version += 1
        self.timestamp.signed.version += 1
        self.timestamp.signed.snapshot_meta = MetaFile(self.snapshot.signed.version)

    def put_roster(self, roster: Roster) -> None:
        data = roster.encoded()
        self.documents[f"targets/{ROSTER}"] = data
        self.targets.signed.targets[ROSTER] = TargetFile.from_data(ROSTER, data, ["sha256"])
        self.targets.signed.version += 1
        self.point()

    def put_envelope(self, one: Envelope, path: str = "") -> None:
        path = path or envelope_path(one.target)
        data = one.encoded()
        self.documents[f"targets/{path}"] = data
        self.role.signed.targets[path] = TargetFile.from_data(path, data, ["sha256"])
        self.role.signed.version += 1
        self.point()

    def files(self, **signers: Sequence[SeedSigner]) -> dict[str, bytes]:
        """`timestamp=[...]`, `snapshot=`, `targets=`, `role=`, `root=` (of the newest root)."""
        people = [self._town.holders["h0"], self._town.holders["h1"]]
        rightful = {"timestamp": [self.service], "snapshot": [self.service]}
        packed: dict[str, bytes] = {}
        for name in ("timestamp", "snapshot", "targets", "role"):
            metadata = getattr(self, name)
            who = signers.get(name, rightful.get(name, people))
            packed[self._name(name, metadata)] = signed(metadata, who)
        for root in self.roots:
            again = root is self.roots[-1] and ("root" in signers or not root.signatures)
            who = signers.get("root", people)
            data = signed(root, who) if again else root.to_bytes()
            packed[metadata_name("root", root.signed.version)] = data
        return packed | self.documents

    def _name(self, name: str, metadata: Metadata[Any]) -> str:
        if name == "timestamp":
            return TIMESTAMP
        role = role_of(GUARD) if name == "role" else name
        return metadata_name(role, metadata.signed.version)


def signed(metadata: Metadata[Any], signers: Sequence[SeedSigner]) -> bytes:
    """Signed anew by these, whoever they are."""
    metadata.signatures.clear()
    keys = [key_of(ED25519, one.public, "x") for one in signers]
    sign(metadata, {key.keyid: key for key in keys}, signers)
    return metadata.to_bytes()


def ago(town: Town, days: int = 1) -> dt.datetime:
    whole_s = (town.now_ms - days * DAY_MS) // 1_000
    return dt.datetime.fromtimestamp(whole_s, dt.UTC)


def older(roster: Roster, version: int) -> Roster:
    return replace(roster, version=version)
