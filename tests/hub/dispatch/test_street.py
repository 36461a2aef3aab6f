"""End to end with a real guard process over a real broker: request, approval, receipt, done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.hub.dispatch.kit import signature
from tests.hub.dispatch.street import GUARD, P1, P2, hub, street
from typer.testing import CliRunner

from beffroi.cli.command import app
from beffroi.hub.dispatch.request import Wish
from beffroi.kernel.dsse import Signed, pack
from beffroi.ports.commands import State

pytestmark = pytest.mark.timeout(120)


async def test_from_request_to_receipt_of_a_real_guard(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        await town.start_guard()
        async with hub(town) as dispatch:
            await town.ready()
            ask = dispatch.office.request
            row = await asyncio.to_thread(ask, Wish("lamp-1", "dim", {"level_pct": 70}), "u1")
            done = await town.ended(row)
            assert (done.state, done.reason) == (State.DONE, "")
            kept = dispatch.book.store.receipt(done.receipt)
            assert kept is not None
            # Two persons, one of them outside the pages, for lights off.
            row = await asyncio.to_thread(ask, Wish("lamp-2", "dim", {"level_pct": 5}), "u1")
            assert row.state is State.AWAITING
            for seed in (P1, P2):
                dispatch.office.approve(row.id, signature(row, seed), "signer", "", None)
            assert (await town.ended(row)).state is State.DONE
            seen = dispatch.book.mirror.target(GUARD, "lamp-2")
            assert seen is not None
            await town.until(
                lambda: dispatch.book.mirror.of(GUARD)["lamp-2"].status.facts.get("level_pct") == 5
            )
            assert town.rules() <= {"started", "fallback"}


async def test_root_on_the_hub_gets_nothing_but_class_a_from_a_real_guard(tmp_path: Path) -> None:
    """K2 over the real wire: everything that the hub's key can sign, and its own replies."""
    async with street(tmp_path) as town:
        await town.start_guard()
        async with hub(town) as dispatch:
            await town.ready()
            book = dispatch.book
            status = book.mirror.of(GUARD)["lamp-1"].status
            from beffroi.hub.dispatch.request import build
            from beffroi.kernel.dsse import COMMAND

            held = book.trusted.envelopes["lamp-1"]
            for number, level in enumerate((0, 10, 30, 49)):
                made = build(
                    Wish("lamp-1", "dim", {"level_pct": level}),
                    held,
                    status,
                    book.situation(GUARD),
                    ident=f"evil-{number}",
                    counter=status.counter + 1,
                )
                assert isinstance(made, tuple)
                wire = pack(Signed(COMMAND, made[0].encoded()).by(book.seed))
                await dispatch._downlink.send(GUARD, "cmd", wire)
            await town.until(lambda: len(book.store.receipts(GUARD, 100)) >= 4)
            await asyncio.sleep(0.5)
            said = {one.outcome for one in book.store.receipts(GUARD, 100)}
            assert "done" not in said
            assert book.mirror.of(GUARD)["lamp-1"].status.facts.get("level_pct") == 100


async def test_the_hub_goes_away_and_comes_back(tmp_path: Path) -> None:
    """Sent while the guard is down; the guard starts; the hub starts again: a truthful end."""
    async with street(tmp_path, ("lamp-1",)) as town:
        await town.start_guard()
        async with hub(town) as dispatch:
            await town.ready()
            await town.stop_guard(kill=True)
            row = await asyncio.to_thread(
                dispatch.office.request, Wish("lamp-1", "dim", {"level_pct": 60}), "u1"
            )
            store = dispatch.book.store
            await town.until(lambda: store.command(row.id).state is State.SENT)  # type: ignore[union-attr]
        await town.start_guard()
        async with hub(town):
            done = await town.ended(row)
            # Written for the start before: the guard says so, and it had no effect.
            assert (done.state, done.reason) == (State.REFUSED, "other_start")
            await town.ready()
            again = await asyncio.to_thread(
                town.dispatch.office.request, Wish("lamp-1", "dim", {"level_pct": 60}), "u1"
            )
            assert (await town.ended(again)).state is State.DONE


async def test_the_console_asks_and_the_hub_takes_it_up(tmp_path: Path) -> None:
    async with street(tmp_path, ("lamp-1",)) as town:
        await town.start_guard()
        async with hub(town) as dispatch:
            await town.ready()
            where = ["--home", str(tmp_path)]

            def console(*words: str) -> int:
                return CliRunner().invoke(app, [words[0], *where, *words[1:]]).exit_code

            asked = await asyncio.to_thread(console, "request", "lamp-1", "dim", "level_pct=70")
            assert asked == 0
            store = dispatch.book.store
            await town.until(lambda: bool(store.commands([State.DONE])))
            (row,) = store.commands()
            assert (row.by, row.params) == ("console", {"level_pct": 70})
            for wrong in (["lamp-9", "dim"], ["lamp-1", "dim", "level_pct=200"], ["lamp-1"]):
                assert await asyncio.to_thread(console, "request", *wrong) != 0
            assert await asyncio.to_thread(console, "list", "--all") == 0
            assert len(store.commands()) == 1
