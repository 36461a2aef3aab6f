"""The gate as a process of its own: admits devices at the broker, whether the hub runs or not."""

from __future__ import annotations

import asyncio
import contextlib

from beffroi.adapters.nats.gate import Gate
from beffroi.adapters.nats.roster import Roster
from beffroi.cli import place
from beffroi.cli.serve import end_signals
from beffroi.cli.settings import Settings


async def gate_process(settings: Settings) -> None:
    """Until a signal. An error ends it: the supervisor starts it again."""
    stop = end_signals()
    store = await asyncio.to_thread(place.store_of, settings)
    roster = Roster(store.assets, store.people)
    gate = Gate(place.endpoint(settings), place.broker_folder(settings), roster)
    work, waiting = asyncio.create_task(gate.run()), asyncio.create_task(stop.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        work.result()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    store.close()
