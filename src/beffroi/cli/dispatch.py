"""Puts the dispatcher together from a home folder; nothing when the commune has no trust yet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

import structlog
from astral import Observer
from astral.sun import sunrise, sunset

from beffroi.adapters.log.cosigners import Cosigners
from beffroi.adapters.log.log import Log
from beffroi.adapters.log.peers import read_peers
from beffroi.adapters.nats.guards import GuardLink
from beffroi.adapters.sql import SqlStore
from beffroi.adapters.trust import seed
from beffroi.adapters.trust.source import TrustFolder
from beffroi.cli import place
from beffroi.cli.neighbours import Witnessed, cosigned, to_nobody
from beffroi.cli.settings import Settings
from beffroi.hub.dispatch.book import Alarms, Book, Told
from beffroi.hub.dispatch.plan import Almanac
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dispatch.trust import TrustError
from beffroi.kernel.roster import HUB, LOG
from beffroi.model.asset import Commune
from beffroi.model.limits import TRUST_POLL_S
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogStore, Witnesses

DEFAULT_ZONE = "Europe/Paris"

log = structlog.get_logger("hub")


def trust_of(settings: Settings) -> TrustFolder | None:
    """The trust repository of the home, None when nothing was published there."""
    source = TrustFolder(settings.home)
    try:
        source.current()
    except TrustError as error:
        log.debug("commands_off", why=str(error))
        return None
    return source


async def trust_appears(settings: Settings) -> None:
    """Until the commune's rules are published here: then this process is to be started again."""
    while await asyncio.to_thread(trust_of, settings) is None:
        await asyncio.sleep(TRUST_POLL_S)
    log.info("trust_appeared")


def book_of(
    settings: Settings,
    store: SqlStore,
    clock: Clock,
    source: TrustFolder,
    evidence: LogStore,
    alarms: Alarms,
    told: Told,
) -> Book:
    return Book(
        store=store.commands,
        log=evidence,
        trust=source,
        clock=clock,
        seed=seed(settings.home, HUB),
        alarms=alarms,
        told=told,
    )


@contextmanager
def evidence_of(
    settings: Settings, commune: str, witnessed: Witnessed = to_nobody
) -> Iterator[tuple[Log, Cosigners | None]]:
    """The evidence log, ours alone while it is open, and the witnesses that cosign it."""
    folder = settings.home / "evidence"
    evidence = Log(folder, commune, seed=seed(settings.home, LOG))
    peers = read_peers(folder / "witnesses")
    witnesses = Cosigners(evidence, peers) if peers else None
    try:
        with cosigned(evidence, witnesses, witnessed):
            yield evidence, witnesses
    finally:
        if witnesses is not None:
            witnesses.close()
        evidence.close()


@asynccontextmanager
async def dispatching(
    settings: Settings,
    store: SqlStore,
    clock: Clock,
    alarms: Alarms,
    told: Told,
    witnessed: Witnessed = to_nobody,
) -> AsyncIterator[Dispatch | None]:
    """The dispatcher with its connection to the guards; the caller runs it."""
    source = trust_of(settings)
    if source is None:
        yield None
        return
    link = GuardLink(place.endpoint(settings), place.broker_folder(settings))
    commune = source.current().commune
    with evidence_of(settings, commune, witnessed) as (evidence, witnesses):
        book = book_of(settings, store, clock, source, evidence, alarms, told)
        await link.start()
        try:
            yield made(book, link, witnesses, store.assets.commune())
        finally:
            with contextlib.suppress(Exception):
                await link.stop()


def made(
    book: Book, link: GuardLink, witnesses: Witnesses | None, commune: Commune | None
) -> Dispatch:
    """With the wall clock and the sun of the commune."""
    zone = ZoneInfo(commune.timezone if commune else DEFAULT_ZONE)
    sun = almanac(commune.lat, commune.lon, zone) if commune else no_sun
    return Dispatch(book, link, witnesses=witnesses, zone=zone, sun=sun)


def almanac(lat: float, lon: float, zone: ZoneInfo) -> Almanac:
    """Sunrise and sunset of a local day at a place."""
    observer = Observer(lat, lon)

    @lru_cache(maxsize=64)  # plans ask for the same few days each turn
    def of(day: date) -> tuple[int, int] | None:
        try:
            rise, down = sunrise(observer, day, zone), sunset(observer, day, zone)
        except ValueError:  # near the poles there is none
            return None
        return int(rise.timestamp()) * 1000, int(down.timestamp()) * 1000

    return of


def no_sun(day: date) -> tuple[int, int] | None:
    """Until somebody has said where the commune is."""
    del day
    return None
