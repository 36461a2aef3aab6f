"""A real application over real parts: broker, gate, store, ingest, codecs, desk, uvicorn.

Used by the tests of the API and of the pages. Nothing in it is a mock.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn
from tests.ui.seed import seed

from beffroi.adapters.codecs.runner import Runner
from beffroi.api.accounts import first_link
from beffroi.api.app import create_app
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.hub.live import Event, Live
from beffroi.hub.services import Services
from beffroi.lab.stack import Stack
from beffroi.model.alarm import AlarmChange
from beffroi.ui.app import mount_ui

NAME, PASSPHRASE = "Camille Martin", "quatre mots sans lien"
START_S_MAX = 60


@dataclass
class World:
    """What a test may look at."""

    services: Services
    app: Any
    url: str = ""
    first: str = ""


@contextmanager
def world(home: Path, *, seeded: bool = True) -> Iterator[World]:
    """The whole town served from a thread of its own until the block ends."""
    ready, stop = threading.Event(), threading.Event()
    found: list[World] = []

    async def live() -> None:
        async with _running(home, seeded) as made:
            found.append(made)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
    thread.start()
    while not ready.wait(0.1):
        if not thread.is_alive():
            raise RuntimeError("the town did not start")
    try:
        yield found[0]
    finally:
        stop.set()
        thread.join(START_S_MAX)


@asynccontextmanager
async def _running(home: Path, seeded: bool) -> AsyncIterator[World]:
    async with Stack(home) as stack:
        services = _services(stack)
        if seeded:
            await asyncio.to_thread(seed, services)
        ingest = IngestLoop(
            bus=services.bus,
            store=services.store,
            desk=services.desk,
            live=services.live,
            clock=services.clock,
            codecs=services.codecs,
            domains=services.domains,
        )
        await stack_bus(services).start()
        work = asyncio.create_task(ingest.run())
        app = create_app(services)
        mount_ui(app)
        app.state.counters = lambda: asdict(ingest.stats)
        made = World(services, app, first=first_link(services) or "")
        async with _served(app) as made.url:
            yield made
        await ingest.stop()
        await work
        await stack_bus(services).stop()
        services.codecs.close()


def stack_bus(services: Services) -> Any:
    """With `start` and `stop`, which are not of the port."""
    return services.bus


def _services(stack: Stack) -> Services:
    known, live = domains(), Live()
    rules = {name: rule for domain in known.values() for name, rule in domain.rules.items()}
    loop = asyncio.get_running_loop()

    def told(changes: Any) -> None:
        for change in changes:
            loop.call_soon_threadsafe(live.tell, _event(change))

    here = stack.endpoint
    return Services(
        store=stack.store,
        live=live,
        desk=Desk(stack.store.alarms, rules, told=told),
        bus=stack.bus(),
        clock=stack.clock,
        codecs=Runner(stack.store.assets),
        identity=stack.enrolment(),
        domains=known,
        mqtt_host=here.mqtt_host,
        mqtt_port=here.mqtt_port,
    )


def _event(change: AlarmChange) -> Event:
    return Event("alarm", asdict(change.alarm))


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, 10)
