"""The supervisor: broker, gate and hub as children of one small process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence

import structlog

from beffroi.adapters.nats.process import spawn
from beffroi.cli import place
from beffroi.cli.children import FILES_MAX, Child
from beffroi.cli.settings import Settings

log = structlog.get_logger("supervisor")


class NotReadyError(Exception):
    """The installation cannot be served; the text says why."""


def end_signals() -> asyncio.Event:
    """Set at Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(settings: Settings, beside: Sequence[str] = ()) -> None:
    """Until a signal. Children named `beside` run along (the demo's street), ended first."""
    with place.alone(settings):
        stop = end_signals()
        free(settings.web.host, settings.web.port, "web.port")
        free(settings.mqtt.host, settings.mqtt.port, "mqtt.port")
        free("127.0.0.1", settings.nats.port, "nats.port")
        await _prepare(settings)
        broker = place.broker_of(settings)
        await broker.start()
        children = [Child(name, settings.home) for name in ("gate", "hub", *beside)]
        keepers = [asyncio.create_task(child.keep()) for child in children]
        try:
            await stop.wait()
        finally:
            await _end(keepers[1:])  # what reads and what sends, while the broker still answers
            await broker.stop()  # the gate last: the broker asks it until the end
            await _end(keepers[:1])


async def _end(keepers: Sequence[asyncio.Task[None]]) -> None:
    for task in reversed(keepers):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _prepare(settings: Settings) -> None:
    """Migrate the database once, before its users start: in a child, so that we stay small."""
    command = [sys.executable, "-m", "beffroi", "prepare-process", "--home", str(settings.home)]
    process = await spawn(command, None, {}, FILES_MAX)
    if await process.wait() != 0:
        raise NotReadyError("the database could not be opened: see the line above")


def free(host: str, port: int, setting: str, file: str = "config.toml") -> None:
    """Said once and clearly, instead of a child that dies again and again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotReadyError(
                f"{host}:{port} cannot be used ({error.strerror}); "
                f"stop the other program or set {setting} in {file}"
            ) from error
