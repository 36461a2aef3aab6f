"""The hub process: ingest, alarms and pages on one event loop, with the store in threads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import structlog
import uvicorn
from fastapi import FastAPI

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.followed import HttpFollowed
from beffroi.adapters.nats.bus import NatsBus
from beffroi.adapters.nats.refusals import SESSION, Refusal
from beffroi.adapters.patience import Patient
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore
from beffroi.api.accounts import first_link
from beffroi.api.app import create_app
from beffroi.api.settings import WebSettings
from beffroi.cli import place
from beffroi.cli.alerts import alerting
from beffroi.cli.attacks import attacks_of
from beffroi.cli.coordination import UNPLANNED, Places, attach
from beffroi.cli.diligence import diligence, journal_of, rules_of
from beffroi.cli.dispatch import dispatching, trust_appears
from beffroi.cli.house import Rounds, house_of
from beffroi.cli.neighbours import witness_of
from beffroi.cli.nights import nights_of
from beffroi.cli.oidc import oidc_of
from beffroi.cli.personal import joined, personal_data
from beffroi.cli.reports import reporting
from beffroi.cli.results import beat, scoreboard_of, warm
from beffroi.cli.serve import end_signals
from beffroi.cli.settings import Settings
from beffroi.cli.steady import steady
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.alarms.herald import Herald
from beffroi.hub.coordination.feed import Feed
from beffroi.hub.delegations import Delegations
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dossier.ledger import Ledger
from beffroi.hub.dossier.office import Office
from beffroi.hub.house.keeper import House
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.hub.ingest.orders import Orders
from beffroi.hub.live import Event, Live
from beffroi.hub.retention import keep
from beffroi.hub.services import Services
from beffroi.kernel.limits import DAY_MS
from beffroi.lab.twin import LabTwin
from beffroi.model.alarm import AlarmChange
from beffroi.model.limits import WEB_CONNECTIONS_MAX
from beffroi.model.reading import Quarantined, Reason
from beffroi.ports.commands import CommandRow
from beffroi.ports.store import Batch, StoreError
from beffroi.ui.app import mount_ui

STOP_S_MAX = 15

log = structlog.get_logger("hub")


class Teller:
    """Tells open pages, the herald and the coordination of alarm changes, from whichever thread
    made them durable."""

    def __init__(self, live: Live, herald: Herald) -> None:
        self._live = live
        self._herald = herald
        self._loop = asyncio.get_running_loop()
        self.feed: Feed | None = None  # it needs the desk, which needs us
        self.ledger: Ledger | None = None  # likewise

    def __call__(self, changes: Sequence[AlarmChange]) -> None:
        self._herald(changes)
        if self.feed is not None:
            self.feed.changes(changes)
        if self.ledger is not None:
            self.ledger(changes)
        for change in changes:
            self._loop.call_soon_threadsafe(self._live.tell, Event("alarm", asdict(change.alarm)))


class Moved:
    """Tells open pages that a command changed; they read it again."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._loop = asyncio.get_running_loop()

    def __call__(self, row: CommandRow) -> None:
        what = {"id": row.id, "target": row.target, "state": row.state.value}
        self._loop.call_soon_threadsafe(self._live.tell, Event("command", what))


class Changed:
    """A command changed: open pages hear of it, the coordination, the watches once it was done."""

    def __init__(self, live: Live, orders: Orders, feed: Feed) -> None:
        self._moved, self._orders, self._feed = Moved(live), orders, feed

    def __call__(self, row: CommandRow) -> None:
        self._moved(row)
        self._orders(row)
        self._feed.command(row)


class Refused:
    """The broker acknowledges what it refuses: without a row in quarantine nobody would know."""

    def __init__(self, store: SqlStore, clock: SystemClock) -> None:
        self._store, self._clock = store, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self.feed: Feed | None = None
        self.house: House | None = None

    def __call__(self, refusal: Refusal, times: int) -> None:
        if refusal.what == SESSION:  # nothing was refused: the broker ended the older connection
            if self.house is not None:
                self.house.taken_over(refusal.device, times)
            return
        if self.house is not None:
            self.house.refused(refusal.device, times)
        if self.feed is not None:
            self.feed.refused(refusal.device, refusal.what, refusal.subject, times)
        task = asyncio.create_task(asyncio.to_thread(self._keep, refusal, times))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _keep(self, refusal: Refusal, times: int) -> None:
        detail = (
            f"the broker refused its {refusal.what} {times} times: a device may use d/<its id>/ "
            "only; correct its topic, or revoke it if it should not do that"
        )
        row = Quarantined(
            self._clock.now_ms(),
            "mqtt",
            refusal.device,
            Reason.REFUSED_BY_BROKER,
            detail,
            refusal.subject.encode(),
        )
        try:
            self._store.readings.commit(Batch(quarantined=[row]))
        except StoreError as error:
            log.error("refusal_not_kept", error=str(error))


async def hub_process(settings: Settings) -> None:
    """Until a signal."""
    stop = end_signals()
    async with running(settings) as app:
        server = uvicorn.Server(_uvicorn(settings, app))
        serving = asyncio.create_task(server.serve())
        _welcome(settings, app)
        waiting = asyncio.create_task(stop.wait())
        # The hub without one of these is no hub.
        parts: set[asyncio.Task[None]] = {app.state.ingest, app.state.dispatch}
        await asyncio.wait({serving, waiting, *parts}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        for part in parts:
            if part.done():
                part.result()  # its error ends this process, and the supervisor starts it again


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    """Everything but the web server."""
    clock, live = SystemClock(), Live()
    store = await asyncio.to_thread(place.store_of, settings)
    known = domains()
    rules = rules_of(known)
    herald = Herald(place.notifier_of(settings), rules, store.people.users)
    teller, refusals = Teller(live, herald), Refused(store, clock)
    desk = Desk(store.alarms, rules, told=teller)
    where = place.endpoint(settings)
    bus = NatsBus(where, place.broker_folder(settings), refusals)
    codecs = place.codecs_of(store)
    host = settings.mqtt.names[0] if settings.mqtt.names else where.mqtt_host
    identity = Enrolment(place.authority(settings), store, clock, host, where.mqtt_port)
    await bus.start()
    orders = await asyncio.to_thread(_orders, store, clock)
    hands: dict[str, Any] = {"bus": bus, "store": store, "desk": desk, "live": live}
    ingest = IngestLoop(**hands, clock=clock, codecs=codecs, domains=known, orders=orders)
    alarms = ToDesk(desk, store, clock)
    places = Places(store)
    feed = Feed(desk, alarms, clock, places, store.people, UNPLANNED)
    teller.feed = refusals.feed = feed
    rounds = Rounds(settings, store, bus, clock)
    refusals.house = house = house_of(rounds, desk, alarms, clock)
    changed = Changed(live, orders, feed)
    async with (
        personal_data(settings, alarms, clock) as keeper,
        dispatching(settings, store, clock, alarms, changed, house.witnessed) as dispatch,
        journal_of(settings, store, dispatch) as journal,
        reporting(settings, store, keeper.vault, known, clock, alarms, journal) as reports,
        diligence(settings, store, clock, known, rules, dispatch, journal) as (office, ledger),
    ):
        teller.ledger, rounds.dispatch = ledger, dispatch
        services = Services(
            store, live, desk, bus, clock, codecs, identity, known, host, where.mqtt_port,
            dispatch, keeper.vault, privacy=joined(keeper, journal, store.people), reports=reports,
            results=scoreboard_of(store, clock, known, dispatch, journal), office=office,
        )  # fmt: skip
        app = _app(services, settings)
        app.state.witness = witness = witness_of(settings.home)
        alerts = await asyncio.to_thread(alerting, app, settings, store, alarms)
        app.state.coordination, app.state.house = feed, house
        app.state.counters = lambda: asdict(ingest.stats)
        app.state.ingest = work = asyncio.create_task(ingest.run())
        app.state.dispatch = sending = asyncio.create_task(
            dispatch.run() if dispatch else trust_appears(settings)
        )
        await asyncio.to_thread(attach, feed, places, dispatch, desk)
        watching = asyncio.create_task(steady("coordination", feed.run))
        nights = nights_of(settings, services, office, alarms)
        chores = _chores(services, office, (keeper, house, nights, *alerts))
        upkeep = asyncio.gather(*(steady(name, run) for name, run in chores.items()))
        try:
            yield app
        finally:
            upkeep.cancel()
            await _ended(watching)
            await _ended(sending)
            await ingest.stop()
            with contextlib.suppress(Exception):
                await work
            await bus.stop()
            codecs.close()
            if witness is not None:
                witness.close()
            await asyncio.to_thread(herald.close)
    store.close()


class _Runs(Protocol):
    async def run(self) -> None: ...


def _chores(
    services: Services, office: Office, beside: Iterable[_Runs]
) -> dict[str, Callable[[], Awaitable[None]]]:
    """What goes on while people look at pages, by name."""
    store, clock = services.store, services.clock
    delegations = Delegations(office.registers, store.assets, clock)
    return {
        "retention": lambda: keep(store.readings, clock),
        "beat": lambda: beat(store, clock),
        "indicators": lambda: warm(services.results),
        **{type(one).__name__.lower(): one.run for one in (delegations, *beside)},
    }


def _orders(store: SqlStore, clock: SystemClock) -> Orders:
    """What the watches must know of commands sent before this start."""
    orders = Orders()
    for row in store.commands.sent_since(clock.now_ms() - DAY_MS):
        orders(row)
    return orders


def _app(services: Services, settings: Settings) -> FastAPI:
    app = create_app(services, _web(settings))
    mount_ui(app)
    app.state.followed = HttpFollowed(settings.home, services.clock.now_ms)
    app.state.attacks = attacks_of(services.store, settings.home)  # None but in a demonstration
    app.state.twin, app.state.oidc = LabTwin(), oidc_of(settings)
    return app


async def _ended(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


def _web(settings: Settings) -> WebSettings:
    https = bool(settings.web.tls_cert) or settings.web.behind_proxy
    keys = settings.reports.open311_keys
    return WebSettings(hosts=settings.web.hosts, https=https, open311_keys=keys)


def _uvicorn(settings: Settings, app: FastAPI) -> uvicorn.Config:
    web = settings.web
    return uvicorn.Config(
        app,
        host=web.host,
        port=web.port,
        ssl_certfile=web.tls_cert or None,
        ssl_keyfile=web.tls_key or None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=web.behind_proxy,
        timeout_graceful_shutdown=STOP_S_MAX,
        timeout_keep_alive=30,
        limit_concurrency=WEB_CONNECTIONS_MAX,
        http=Patient,
    )


def _welcome(settings: Settings, app: FastAPI) -> None:
    """Printed, never logged elsewhere: the first administrator is whoever opens this link."""
    scheme = "https" if settings.web.tls_cert else "http"
    base = settings.reports.address or f"{scheme}://{settings.web.host}:{settings.web.port}"
    path = first_link(app.state.services)
    if path is None:
        print(f"Beffroi : {base}/", flush=True)
        return
    print(
        f"\nBeffroi : ouvrez ce lien une seule fois pour créer le premier compte (24 h) :\n"
        f"          open this link once to make the first account (24 h):\n\n  {base}{path}\n",
        flush=True,
    )
