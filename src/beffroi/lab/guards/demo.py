"""The guards of the demonstration: a ceremony with demonstration keys, four cabinets, a neighbour.

What a guard moves shows in what the town's sensors measure. Everything lies under `home/lab`; a
home that has a trust repository of its own keeps it, and gets no guards from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from beffroi.adapters.trust import online
from beffroi.domains.boards.catalogue import CatalogueError, text_of
from beffroi.lab.commune import LabCommune
from beffroi.lab.devices import Measure
from beffroi.lab.guards.neighbour import Neighbour
from beffroi.lab.guards.posts import Post, posts_of
from beffroi.lab.guards.trustees import Trustees
from beffroi.lab.sources import Sources
from beffroi.lab.street import Address, Source
from beffroi.ports.identity import Identity
from beffroi.ports.store import Store

STAYS_MS = 86_400_000  # the guard clears a board in time; the board's own end is far away


@dataclass(frozen=True, slots=True)
class Coupled:
    """A source whose world follows the equipment before it is measured."""

    source: Source
    worlds: Sources
    guards: DemoGuards

    @property
    def period_s(self) -> float:
        return self.source.period_s

    def measures(self, now_ms: int) -> Iterator[Measure]:
        self.guards.move(self.worlds, now_ms)
        yield from self.source.measures(now_ms)


class DemoGuards:
    """`install` once before the hub serves, then `run` beside it."""

    def __init__(self, home: Path, made: LabCommune, address: Address) -> None:
        self._home, self._made, self._address = home, made, address
        self.folder = home / "lab"
        self.trustees = Trustees(self.folder / "trust", locked=True)
        self.posts = posts_of(made, self.folder / "guards")

    @property
    def installed(self) -> bool:
        """Our own ceremony rules this home."""
        return self.trustees.held

    def install(self, store: Store, identity: Identity, now_ms: int, site: str) -> bool:
        """Inventory, certificates, ceremony, witness. False when there is nothing to do."""
        if self.installed or online.shelf_of(self._home).versions("root"):
            return False
        store.assets.put_devices([post.device for post in self.posts])
        for post in self.posts:
            post.enrol(identity, self._address)
        neighbour = Neighbour(self.folder / "neighbour")
        root = self.trustees.hold(
            self._home,
            self._made.commune.id,
            [post.member() for post in self.posts],
            neighbour.public,
            [one for post in self.posts for one in post.envelopes()],
            now_ms,
            site,
        )
        for post in self.posts:
            post.cabinet.trust(root)
        neighbour.agree(self._home, self._made.commune.id, online.public(self._home, "log"))
        neighbour.close()
        return True

    async def run(self) -> None:
        """Guards, equipment and neighbour, until cancelled."""
        if not self.installed:
            return
        neighbour = Neighbour(self.folder / "neighbour")
        for post in self.posts:
            post.open(self._address)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(neighbour.serve())
                for post in self.posts:
                    tasks.create_task(post.keep())
        finally:
            neighbour.close()

    def close(self) -> None:
        for post in self.posts:
            post.close()

    # --- what sensors see of it --------------------------------------------------------------
    def coupled(self, source: Source, worlds: Sources) -> Source:
        return Coupled(source, worlds, self)

    def move(self, worlds: Sources, now_ms: int) -> None:
        """The worlds as the equipment stands now."""
        for post in self.posts:
            for target, equipment in post.equipment.items():
                last = equipment.effects[-1] if equipment.effects else {}
                ordered = last if last.get("do") == "act" else {}
                _MOVES[post.assets[target].kind](worlds, target, post, ordered, now_ms)


def _lamp(worlds: Sources, target: str, post: Post, ordered: dict[str, object], _: int) -> None:
    world = worlds.lights.world
    if ordered.get("action") == "dim":
        world.ordered[target] = float(str(post.equipment[target].shown["level_pct"]))
    else:
        world.ordered.pop(target, None)


def _valve(worlds: Sources, target: str, post: Post, *_: object) -> None:
    worlds.fixtures.world.set(target, int(post.equipment[target].shown["pressure_mbar"]) / 1_000)


def _doser(worlds: Sources, target: str, post: Post, *_: object) -> None:
    worlds.fixtures.world.set(target, int(post.equipment[target].shown["dose_ugl"]) / 1_000)


def _junction(worlds: Sources, target: str, post: Post, ordered: dict[str, object], _: int) -> None:
    world = worlds.signals.world
    if ordered.get("action") == "flash":
        world.flash(target)
    elif ordered.get("action") == "select_plan":
        world.select(target, int(post.equipment[target].shown["plan"]))
    else:
        world.local(target)


def _board(
    worlds: Sources, target: str, post: Post, ordered: dict[str, object], now_ms: int
) -> None:
    world, shown = worlds.fixtures.world, post.equipment[target].shown
    params = ordered.get("params")
    if not shown["template"] or not isinstance(params, dict):
        world.blank(target)
        return
    try:
        text = text_of({name: value for name, value in params.items() if name != "code"})
    except CatalogueError:
        text = str(shown["template"])
    world.show(target, text, str(shown["code"]), now_ms + STAYS_MS)


_MOVES: dict[str, Callable[[Sources, str, Post, dict[str, object], int], None]] = {
    "luminaire": _lamp,
    "cabinet": _lamp,
    "valve": _valve,
    "doser": _doser,
    "junction": _junction,
    "board": _board,
}
