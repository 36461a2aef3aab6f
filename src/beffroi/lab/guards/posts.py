"""Guards of a lab commune: their cabinets on disk, their equipment here, their processes.

The guard is the real program in a process of its own, with the certificate that the commune's
authority gave it. The equipment is simulated in this process and keeps the ledger by which attacks
are judged: what moved it, in which order, whoever it was.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from beffroi.adapters.nats.process import end, spawn
from beffroi.domains.base import Terms
from beffroi.domains.registry import domains
from beffroi.guard.drivers.equipment import Equipment, EquipmentServer
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import Member
from beffroi.lab.cabinet import Cabinet
from beffroi.lab.commune import LabCommune
from beffroi.lab.guards.wiring import Wiring, wiring
from beffroi.lab.street import Address
from beffroi.model.asset import Asset, Commune, Device
from beffroi.ports.identity import Identity

FILES_MAX = 1_024
STOP_S_MAX = 10.0
BACKOFF_S_MAX = 10.0
SHOWN = "equipment.json"  # what the equipment showed when the lab ended


class Effect(NamedTuple):
    """One line of the ledger. `do`: "act" (a command), "fall_back" (the guard by itself), "write"
    (a hand past the guard)."""

    at_s: float
    target: str
    do: str
    what: Mapping[str, Any]


class Watched(Equipment):
    """Equipment whose ledger also says when (monotonic seconds)."""

    def __init__(self, shows: Mapping[str, Any]) -> None:
        super().__init__(shows)
        self.times: list[float] = []

    def _note(self, effect: dict[str, Any]) -> None:
        self.times.append(time.monotonic())
        super()._note(effect)


class Post:
    """One cabinet: `guard` drives `assets`, all of services that can be commanded."""

    def __init__(self, folder: Path, commune: Commune, guard: str, assets: Sequence[Asset]) -> None:
        self.guard, self.commune = guard, commune
        self.assets = {asset.id: asset for asset in assets}
        self.cabinet = Cabinet(folder / guard, commune.id, guard)
        self.wired: dict[str, Wiring] = {}
        for asset in assets:
            found = wiring(asset)
            if found is None:
                raise ValueError(f"the lab has nothing that drives {asset.id} ({asset.kind})")
            self.wired[asset.id] = found
        self.equipment: dict[str, Watched] = {}
        self._servers: list[EquipmentServer] = []
        self._process: asyncio.subprocess.Process | None = None

    @property
    def device(self) -> Device:
        """As the inventory knows it, not yet enrolled."""
        return Device(self.guard, "", status="pending", is_guard=True, maker="Beffroi")

    def enrol(self, identity: Identity, address: Address) -> None:
        """Certificate, key and settings; once. Its receipt key is made by the guard itself."""
        if not (self.cabinet.folder / "device.crt").exists():
            bundle = identity.redeem(identity.invite(self.guard))
            self.cabinet.write(bundle.files, address.host, address.port, {})
        self.open(address)

    def envelopes(self) -> list[Envelope]:
        """What the services propose for its targets."""
        known, terms = domains(), Terms(self.commune.id, self.guard, 1, 0, 0)
        made = (known[one.domain].envelope(one, terms) for one in self.assets.values())
        return [one for one in made if one is not None]

    def member(self) -> Member:
        return self.cabinet.member()

    # --- equipment ---------------------------------------------------------------------------
    def open(self, address: Address) -> None:
        """Switch the equipment on (as it was left) and write down where it listens."""
        if self._servers:
            return
        shown = self._left()
        text = head(self.guard, self.commune, address)
        for target, wired in self.wired.items():
            self.equipment[target] = Watched({**wired.shows, **shown.get(target, {})})
            server = EquipmentServer(self.equipment[target])
            server.start()
            self._servers.append(server)
            text += wired.toml(target, server.address, self._neighbours(target))
        self.cabinet.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.cabinet.folder / "guard.toml").write_text(text)

    def close(self) -> None:
        if not self._servers:
            return
        shown = {target: one.shown for target, one in self.equipment.items()}
        (self.cabinet.folder / SHOWN).write_text(json.dumps(shown))
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()

    def _left(self) -> dict[str, dict[str, Any]]:
        try:
            found: dict[str, dict[str, Any]] = json.loads((self.cabinet.folder / SHOWN).read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _neighbours(self, target: str) -> tuple[str, ...]:
        """Lamps stand in a row."""
        row = [one.id for one in self.assets.values() if one.kind == "luminaire"]
        if target not in row:
            return ()
        at = row.index(target)
        return tuple(row[max(0, at - 1) : at] + row[at + 1 : at + 2])

    def effects(self, since_s: float = 0.0) -> list[Effect]:
        """The ledger, since that monotonic second."""
        found = [
            Effect(at_s, target, str(one["do"]), one)
            for target, equipment in self.equipment.items()
            for at_s, one in zip(equipment.times, equipment.effects, strict=False)
            if at_s >= since_s
        ]
        return sorted(found, key=lambda one: one.at_s)

    # --- the guard's process -----------------------------------------------------------------
    async def start(self) -> None:
        log = self.cabinet.folder / "guard.log"
        self._process = await spawn(self.cabinet.command, log, {}, FILES_MAX)

    async def stop(self) -> None:
        process, self._process = self._process, None
        await end(process, STOP_S_MAX)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def keep(self) -> None:
        """Until cancelled: start it, and again when it dies."""
        wait_s = 0.5
        try:
            while True:
                await self.start()
                if self._process is not None:
                    await self._process.wait()
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
        finally:
            await self.stop()


def head(guard: str, commune: Commune, address: Address) -> str:
    """`guard.toml` up to its targets."""
    return (
        f'guard = "{guard}"\ncommune = "{commune.id}"\nfolder = "state"\n'
        f"[place]\nlatitude_deg = {commune.lat:.5f}\nlongitude_deg = {commune.lon:.5f}\n"
        f'timezone = "{commune.timezone}"\n'
        f'[hub]\nhost = "{address.host}"\nport = {address.port}\n'
        '[trust]\nroot = "root.json"\n'
    )


def posts_of(made: LabCommune, folder: Path, lamps: int = 6, boards: int = 2) -> list[Post]:
    """A cabinet with its first lamps, the water's regulators, junctions, boards."""
    by_kind: dict[str, list[Asset]] = {}
    for asset in made.assets:
        by_kind.setdefault(asset.kind, []).append(asset)
    first = by_kind["cabinet"][0]
    row = [one for one in by_kind["luminaire"] if one.attrs.get("cabinet") == first.id][:lamps]
    plan = {
        "guard-lighting": [first, *row],
        "guard-water": [*by_kind.get("valve", ()), *by_kind.get("doser", ())],
        "guard-signals": by_kind.get("junction", []),
        "guard-boards": by_kind.get("board", [])[:boards],
    }
    return [Post(folder, made.commune, guard, assets) for guard, assets in plan.items() if assets]
