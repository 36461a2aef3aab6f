"""Puts the indicators together: what they may read, and where entered figures are written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from beffroi.adapters.sql import SqlStore
from beffroi.api import sign_in_passkeys
from beffroi.api.access import SECOND
from beffroi.domains.base import Domain
from beffroi.hub.compare.peers import Peers
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dispatch.trust import Trusted
from beffroi.hub.dossier.registers import Registers
from beffroi.hub.indicators import uptime
from beffroi.hub.indicators.own import Books
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.hub.open_data.dataset import Source
from beffroi.hub.open_data.derive import datasets
from beffroi.hub.open_data.publish import freshness
from beffroi.kernel.roster import Roster
from beffroi.model.limits import INDICATOR_FRESH_S
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogStore
from beffroi.ports.store import Store, StoreError

BEAT_S = 60.0
DEFAULT_ZONE = "Europe/Paris"

log = structlog.get_logger("results")


def scoreboard_of(
    store: SqlStore,
    clock: Clock,
    domains: Mapping[str, Domain],
    dispatch: Dispatch | None = None,
    journal: LogStore | None = None,
) -> Scoreboard:
    """Indicators over this store. Without a dispatcher nothing is known of orders, without a
    journal nothing of the log."""

    def second(user: str) -> bool:
        """A code, or a passkey for signing in; one that signs commands opens no door."""
        return store.people.setting(SECOND + user) == "on" or sign_in_passkeys.has_in(
            store.people, user
        )

    def sets() -> tuple[int, int]:
        commune = store.assets.commune()
        zone = commune.timezone if commune else DEFAULT_ZONE
        source = Source(store, store.reports, zone)
        return freshness(source, datasets(domains).values(), clock.now_ms())

    def trusted() -> Trusted | None:
        try:
            return dispatch.book.trusted if dispatch else None
        except DeniedError:
            return None

    def signed() -> frozenset[str]:
        known = trusted()
        return frozenset(known.envelopes) if known else frozenset()

    def roster() -> Roster | None:
        known = trusted()
        return known.roster if known else None

    books = Books(
        store,
        store.registers,
        store.commands if dispatch else None,
        journal,
        store.reports,
        second,
        sets,
        roster,
    )
    write = Registers(store.registers, journal, clock).write
    return Scoreboard(books, domains, write, clock, signed)


async def beat(store: Store, clock: Clock) -> None:
    """A sign of life every minute, until cancelled: stops of the hub are told from the gaps."""
    while True:
        try:
            await asyncio.to_thread(uptime.note, store.people, clock.now_ms())
        except StoreError as error:
            log.warning("sign_of_life_not_kept", error=str(error))
        await asyncio.sleep(BEAT_S)


async def warm(board: Scoreboard | None) -> None:
    """Computes again before anybody asks, until cancelled: pages then only read."""
    while board is not None:
        try:
            for days in (30, 90, 365):
                await asyncio.to_thread(board.sheet, days)
            await asyncio.to_thread(board.months)
        except StoreError as error:
            log.warning("indicators_not_computed", error=str(error))
        await asyncio.sleep(INDICATOR_FRESH_S + 1)


def peers_of(board: Scoreboard) -> Peers:
    """Files of other communes, kept in the same registers."""
    return Peers(board.books.registers, board.entries.write)
