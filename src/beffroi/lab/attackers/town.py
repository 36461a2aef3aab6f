"""The commune that is attacked: real hub, broker, guards and neighbour, on a folder of its own.

`beffroi serve` runs as it does in a town hall; each guard is the real program with a certificate;
the equipment is simulated in this process and keeps the ledger of what moved it. A second ear on
the broker, with the hub's own key, hears what guards sign: it is what root on the hub has.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from beffroi.adapters.log.reading import Reader
from beffroi.adapters.nats import keys as broker_keys
from beffroi.adapters.nats.keys import KeyPair
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.adapters.trust import online
from beffroi.domains.signals.table import table
from beffroi.kernel.dsse import unpack
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.lease import Status, read_status
from beffroi.kernel.receipt import Receipt, verified
from beffroi.kernel.roster import Roster
from beffroi.lab import junctions
from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.demo import install_commune
from beffroi.lab.guards.neighbour import Neighbour
from beffroi.lab.guards.plc import PlcPost
from beffroi.lab.guards.posts import Effect, posts_of
from beffroi.lab.guards.snmp import SnmpPost
from beffroi.lab.guards.trustees import Trustees
from beffroi.lab.hub_process import HubProcess, Session, signed_in
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Asset
from beffroi.ports.identity import Bundle
from beffroi.ports.store import User

INHABITANTS, SEED = 800, 1
JUNCTIONS_MORE = 2
INCIDENT = "coordination.attack"
READY_S_MAX = 180.0  # a machine that others use too
WAIT_S_MAX = 15.0
STEP_S = 0.05
LAMP_UNIT, METER = "arm-0003", "hor-001"
DEVICES = (LAMP_UNIT, METER)  # of the town, with certificates that a thief may have


class TownError(Exception):
    """The commune did not come up; the text says where to look."""


class Said(NamedTuple):
    """A receipt as it was heard (monotonic seconds)."""

    at_s: float
    receipt: Receipt


class Town:
    """async with Town(home) as town: ... All attacks of one run share it."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "lab"
        self.hub = HubProcess(home)
        self.store = self.hub.store()
        self.made: LabCommune = _with_junctions(commune(INHABITANTS, SEED))
        self.trustees = Trustees(self.folder / "trust", locked=False)
        self.neighbour = Neighbour(self.folder / "neighbour")
        self.posts = {post.guard: post for post in posts_of(self.made, self.folder / "guards")}
        second = [one for one in self.made.assets if one.kind == "cabinet"][1]
        self.plc = PlcPost(self.folder / "guards", self.made.commune, "guard-plc", [second])
        behind = _behind_snmp(self.made)
        self.made = replace(self.made, assets=(*self.made.assets, *behind))
        self.snmp = SnmpPost(self.folder / "guards", self.made.commune, "guard-snmp", behind)
        self.posts |= {self.plc.guard: self.plc, self.snmp.guard: self.snmp}
        self.statuses: dict[str, Status] = {}
        self.heard: list[Said] = []
        self.bundles: dict[str, Bundle] = {}
        self.roster: Roster
        self.envelopes: Mapping[str, Envelope] = {}
        self.sessions: dict[str, Session] = {}
        self._wire: Wire
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def commune(self) -> str:
        return self.made.commune.id

    async def __aenter__(self) -> Town:
        try:
            await self.plc.power()
            await self.snmp.power()
            await asyncio.to_thread(self._install)
            await self.hub.start()
            await self._listen()
            self._tasks.append(asyncio.create_task(self.neighbour.serve()))
            for post in self.posts.values():
                await post.start()
            await self.until(self._ready, "the guards are ready", READY_S_MAX)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for post in self.posts.values():
            with contextlib.suppress(ProcessLookupError):
                await post.stop()
        if hasattr(self, "_wire"):
            self._wire.close()
        await self.hub.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for post in self.posts.values():
            post.close()
        await self.plc.unpower()
        await self.snmp.unpower()
        self.neighbour.close()
        self.store.close()

    def _install(self) -> None:
        """Inventory, certificates, ceremony, witness, accounts."""
        install_commune(self.store, self.made)
        identity = self.hub.enrolment(self.store)
        self.store.assets.put_devices([post.device for post in self.posts.values()])
        self.bundles = {name: identity.redeem(identity.invite(name)) for name in DEVICES}
        for post in self.posts.values():
            post.enrol(identity, self.hub.address)
        now_ms = time.time_ns() // 1_000_000
        root = self.trustees.hold(
            self.home,
            self.commune,
            [post.member() for post in self.posts.values()],
            self.neighbour.public,
            [one for post in self.posts.values() for one in post.envelopes()],
            now_ms,
            self.hub.site,
        )
        for post in self.posts.values():
            post.cabinet.trust(root)
        self.neighbour.agree(self.home, self.commune, online.public(self.home, "log"))
        self.roster, self.envelopes = online.current(self.home)
        for name, role in (("admin", "admin"), ("op-1", "operator"), ("op-2", "operator"),
                           ("reader", "reader")):  # fmt: skip
            self.sessions[name] = signed_in(self.store, User(name, name, role))

    def _ready(self) -> bool:
        """Each target is heard, holds its rules and has a lease."""
        return all(
            (seen := self.statuses.get(target)) is not None
            and seen.leased == 1
            and seen.envelope == held.digest
            for target, held in self.envelopes.items()
        )

    # --- the ear on the broker ---------------------------------------------------------------
    async def _listen(self) -> None:
        key = broker_keys.load(self.home / "nats", "hub")
        self._wire = await self._connected(key)
        self._wire.subscribe("d.*.status", lambda _s, _r, _h, data: self._status(data))
        self._wire.subscribe("d.*.receipt", lambda _s, _r, _h, data: self._receipt(data))

    async def _connected(self, key: KeyPair) -> Wire:
        """On a busy machine the broker may be started again while the hub comes up."""
        end = time.monotonic() + READY_S_MAX
        while True:
            try:
                port = self.hub.endpoint.client_port
                return await Wire.connect("127.0.0.1", port, key, "somebody with root")
            except WireError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(1.0)

    def _status(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):  # a forged one is not ours to believe
            status = read_status(unpack(data), self.roster)
            self.statuses[status.target] = status

    def _receipt(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            self.heard.append(Said(time.monotonic(), verified(unpack(data), self.roster)))

    async def send(self, guard: str, topic: str, payload: bytes) -> None:
        """As the hub, or whoever is root on it, would: to the guard itself."""
        self._wire.publish(f"d.{guard}.{topic}".encode(), payload)
        await self._wire.flush()

    # --- what is seen ------------------------------------------------------------------------
    def guard_of(self, target: str) -> str:
        return self.envelopes[target].guard

    def targets(self, kind: str) -> list[str]:
        """Of all posts, by kind of asset."""
        return [a.id for post in self.posts.values() for a in post.assets.values()
                if a.kind == kind]  # fmt: skip

    def asset(self, target: str) -> Asset:
        return self.posts[self.guard_of(target)].assets[target]

    def shown(self, target: str) -> Mapping[str, object]:
        """What the equipment itself shows."""
        return self.posts[self.guard_of(target)].equipment[target].shown

    def effects(self, since_s: float) -> list[Effect]:
        """What moved any equipment since then, in order."""
        found = [one for post in self.posts.values() for one in post.effects(since_s)]
        return sorted(found, key=lambda one: one.at_s)

    def said(self, since_s: float, outcome: str = "") -> list[Receipt]:
        return [one.receipt for one in self.heard if one.at_s >= since_s
                and outcome in ("", one.receipt.outcome)]  # fmt: skip

    def incidents(self, since_ms: int) -> list[Alarm]:
        """Coordinated attacks that the hub's alarm desk knows of, begun since."""
        alarms = self.store.alarms.open_alarms()
        return [one for one in alarms if one.rule == INCIDENT and one.seen_ms >= since_ms]

    def entries(self) -> int:
        """How many the evidence log has."""
        return self._reader(lambda log: log.checkpoint().size)

    def export(self, indices: Sequence[int], path: Path) -> None:
        """A file of evidence, with the roster that judges it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._reader(lambda log: log.export(indices, path, self.roster.encoded()).size)

    def entry(self, index: int) -> bytes:
        found: list[bytes] = []

        def read(log: Reader) -> int:
            found.append(log.entry(index))
            return index

        self._reader(read)
        return found[0]

    def _reader(self, read: Callable[[Reader], int]) -> int:
        log = Reader(self.home / "evidence")
        try:
            return read(log)
        finally:
            log.close()

    async def until(self, holds: Callable[[], bool], what: str, wait_s: float = WAIT_S_MAX) -> None:
        """TownError when it does not hold in time."""
        if not await self.comes(holds, wait_s):
            raise TownError(f"waited {wait_s:.0f} s in vain until {what}; see {self.home}")

    async def comes(self, holds: Callable[[], bool], wait_s: float = WAIT_S_MAX) -> bool:
        """Whether it does within that time."""
        end = time.monotonic() + wait_s
        while not holds():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(STEP_S)
        return True


def _with_junctions(made: LabCommune) -> LabCommune:
    """A village has few; an attack on all of them needs some more."""
    rng = random.Random("attacked")
    known = [one for one in made.assets if one.kind == "junction"]
    numbers = range(len(known) + 1, len(known) + JUNCTIONS_MORE + 1)
    more = [_junction(known[0], number, rng) for number in numbers]
    return replace(made, assets=(*made.assets, *more))


def _behind_snmp(made: LabCommune) -> list[Asset]:
    """One more junction, one more board."""
    known = [one for one in made.assets if one.kind == "junction"]
    board = next(one for one in made.assets if one.kind == "board")
    return [
        _junction(known[0], len(known) + 1, random.Random("snmp")),
        replace(board, id="board-901", name="Panneau, entrée nord"),
    ]


def _junction(like: Asset, number: int, rng: random.Random) -> Asset:
    ident, name = f"junction-{number:03d}", f"Carrefour {number}"
    one = junctions.signalled(rng, ident, name, junctions.random_legs(rng))
    attrs = {**like.attrs, "junction": table(one), "proof": one.digest}
    return replace(like, id=ident, name=name, attrs=attrs)
