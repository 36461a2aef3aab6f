"""The supervisor: broker, gate and hub as children of one small process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog

from beffroi.adapters.nats.process import spawn
from beffroi.cli import place
from beffroi.cli.children import FILES_MAX, Child
from beffroi.cli.settings import Settings

log = structlog.get_logger("supervisor")


class NotReadyError(Exception):
    """The installation cannot be served; the text says why."""


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
        await _prepare(settings)
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


async def _prepare(settings: Settings) -> None:
    """Migrate the database once, before its users start: in a child, so that we stay small."""
    command = [sys.executable, "-m", "beffroi", "prepare-process", "--home", str(settings.home)]
    process = await spawn(command, None, {}, FILES_MAX)
    if await process.wait() != 0:
        raise NotReadyError("the database could not be opened: see the line above")


async def _guarded(work: Ready, stop: asyncio.Event) -> None:
    try:
        await work()
    except Exception:
        log.exception("the street ended")
        stop.set()
