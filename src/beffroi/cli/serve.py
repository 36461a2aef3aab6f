"""The supervisor: broker, gate and hub as children of one small process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

import structlog

from beffroi.adapters.nats.gate import Gate
from beffroi.adapters.nats.roster import Roster
from beffroi.cli import place
from beffroi.cli.children import Child
from beffroi.cli.settings import Settings

log = structlog.get_logger("supervisor")
Ready = Callable[[], Awaitable[None]]


def end_signals() -> asyncio.Event:
    """Set at Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(settings: Settings, beside: Ready | None = None) -> None:
    """Until a signal. `beside` runs along (the demo's street) and is ended first."""
    with place.alone(settings):
        stop = end_signals()
        (await asyncio.to_thread(place.store_of, settings)).close()  # migrate once, before all
        broker = place.broker_of(settings)
        await broker.start()
        gate, hub = Child("gate", settings.home), Child("hub", settings.home)
        keepers = [asyncio.create_task(child.keep()) for child in (gate, hub)]
        if beside is not None:
            keepers.append(asyncio.create_task(_guarded(beside, stop)))
        try:
            await stop.wait()
        finally:
            for task in reversed(keepers):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await broker.stop()


async def _guarded(work: Ready, stop: asyncio.Event) -> None:
    try:
        await work()
    except Exception:
        log.exception("the street ended")
        stop.set()


async def gate_process(settings: Settings) -> None:
    """Admits devices at the broker, whether the hub runs or not."""
    stop = end_signals()
    store = await asyncio.to_thread(place.store_of, settings)
    gate = Gate(
        place.endpoint(settings),
        place.broker_folder(settings),
        Roster(store.assets, store.people),
    )
    work, waiting = asyncio.create_task(gate.run()), asyncio.create_task(stop.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    store.close()
