"""A real application over real parts: broker, gate, store, ingest, codecs, desk, uvicorn.

Used by the tests of the API and of the pages. Nothing in it is a mock.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn
from tests.ui import cabinet
from tests.ui.cabinet import Cabinets
from tests.ui.report_part import report_desk
from tests.ui.seed import seed

from beffroi.adapters.codecs.runner import Runner
from beffroi.api.accounts import first_link
from beffroi.api.app import create_app
from beffroi.api.settings import WebSettings
from beffroi.cli.diligence import diligence, journal_of
from beffroi.cli.dispatch import dispatching
from beffroi.cli.personal import personal_data
from beffroi.cli.results import scoreboard_of
from beffroi.cli.settings import Settings
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dispatch.rules import RULES
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.hub.live import Event, Live
from beffroi.hub.privacy import rules as privacy_rules
from beffroi.hub.services import Services
from beffroi.lab.stack import Stack
from beffroi.model.alarm import AlarmChange
from beffroi.ports.notify import Notice
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
    cabinets: Cabinets | None = None
    ids: dict[str, str] = field(default_factory=dict)  # of commands, see `orders`
    letters: list[Notice] = field(default_factory=list)  # to authors of reports

    @property
    def local(self) -> str:
        """The address under which passkeys work: browsers want a name, not a number."""
        return self.url.replace("127.0.0.1", "localhost")

    @property
    def dispatch(self) -> Dispatch:
        found = self.services.dispatch
        assert found is not None
        return found


@contextmanager
def world(
    home: Path, *, seeded: bool = True, commands: bool = False, web: WebSettings | None = None
) -> Iterator[World]:
    """The whole town served from a thread of its own until the block ends. `commands`: with a
    root, rules and a running guard."""
    ready, stop = threading.Event(), threading.Event()
    found: list[World] = []

    async def live() -> None:
        async with _running(home, seeded, commands, web) as made:
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
async def _running(
    home: Path, seeded: bool, commands: bool, web: WebSettings | None
) -> AsyncIterator[World]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{place.getsockname()[1]}"
        async with Stack(home) as stack, contextlib.AsyncExitStack() as more:
            services = await _with_vault(_services(stack), stack, more)
            letters: list[Notice] = []
            hands = services.store, services.desk, services.domains, services.clock
            reports = await asyncio.to_thread(report_desk, home, *hands, letters, services.personal)
            services = replace(services, reports=reports)
            if seeded:
                await asyncio.to_thread(seed, services)
                stack.store.readings.seal(stack.clock.now_ms())  # as a running hub does
            made = World(services, None, url, letters=letters)
            if commands:
                services = made.services = await _commanding(stack, made, more)
            services = made.services = await _with_office(made.services, stack, more)
            async with _hub(made, place, web):
                yield made


@asynccontextmanager
async def _hub(made: World, place: socket.socket, web: WebSettings | None) -> AsyncIterator[None]:
    services = made.services
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
    made.app = create_app(services, web)
    mount_ui(made.app)
    made.app.state.counters = lambda: asdict(ingest.stats)
    made.first = first_link(services) or ""
    async with _served(made.app, place):
        yield
    await ingest.stop()
    await work
    await stack_bus(services).stop()
    services.codecs.close()


async def _with_vault(
    services: Services, stack: Stack, more: contextlib.AsyncExitStack
) -> Services:
    """Personal data as `beffroi serve` keeps them."""
    alarms = ToDesk(services.desk, services.store, services.clock)
    vault = personal_data(Settings(stack.home), alarms, stack.clock)
    keeper = await more.enter_async_context(vault)
    return replace(services, personal=keeper.vault, privacy=keeper)


async def _with_office(
    services: Services, stack: Stack, more: contextlib.AsyncExitStack
) -> Services:
    """Registers, incidents and papers as `beffroi serve` has them; the desk tells the ledger."""
    known = services.domains
    rules = {**RULES, **{r.id: r for one in known.values() for r in one.rules.values()}}
    settings, dispatch = Settings(stack.home), services.dispatch
    journal = await more.enter_async_context(journal_of(settings, stack.store, dispatch))
    made = diligence(settings, stack.store, stack.clock, known, rules, dispatch, journal)
    office, ledger = await more.enter_async_context(made)
    told = services.desk._told

    def both(changes: Any) -> None:
        told(changes)
        ledger(changes)

    services.desk._told = both
    return replace(services, office=office)


async def _commanding(stack: Stack, made: World, more: contextlib.AsyncExitStack) -> Services:
    """The dispatcher as `beffroi serve` composes it, and a guard that it talks to."""
    services, loop = made.services, asyncio.get_running_loop()
    made.cabinets, its = await cabinet.install(stack, made.local)

    def told(row: Any) -> None:
        what = {"id": row.id, "target": row.target, "state": row.state.value}
        loop.call_soon_threadsafe(services.live.tell, Event("command", what))

    alarms = ToDesk(services.desk, services.store, services.clock)
    settings = Settings(stack.home)
    dispatch = await more.enter_async_context(
        dispatching(settings, stack.store, stack.clock, alarms, told)
    )
    assert dispatch is not None
    more.push_async_callback(_ended, asyncio.create_task(dispatch.run()))
    await more.enter_async_context(cabinet.guarding(its))
    return replace(services, dispatch=dispatch)


async def _ended(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


def stack_bus(services: Services) -> Any:
    """With `start` and `stop`, which are not of the port."""
    return services.bus


def _services(stack: Stack) -> Services:
    known, live = domains(), Live()
    rules = {**RULES, **privacy_rules.RULES}
    rules |= {name: rule for domain in known.values() for name, rule in domain.rules.items()}
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
        results=scoreboard_of(stack.store, stack.clock, known),
    )


def _event(change: AlarmChange) -> Event:
    return Event("alarm", asdict(change.alarm))


@asynccontextmanager
async def _served(app: Any, place: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve(sockets=[place]))
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, 10)
