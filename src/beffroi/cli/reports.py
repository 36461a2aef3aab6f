"""Puts the desk of reports together: store, personal data, photos, letters, alarms, evidence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from beffroi.adapters.photos.cleaner import Cleaner
from beffroi.adapters.sql import SqlStore
from beffroi.cli import place
from beffroi.cli.settings import Settings
from beffroi.cli.steady import steady
from beffroi.domains.base import Domain
from beffroi.evidence.entry import Draft
from beffroi.hub.courier import Courier
from beffroi.hub.reports.alarming import Alarms
from beffroi.hub.reports.desk import ReportDesk
from beffroi.model.limits import REPORT_TICK_S
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogStore
from beffroi.ports.notify import Notice
from beffroi.ports.personal import PersonalStore
from beffroi.ports.store import StoreError

log = structlog.get_logger("reports")


@asynccontextmanager
async def reporting(
    settings: Settings,
    store: SqlStore,
    vault: PersonalStore,
    domains: Mapping[str, Domain],
    clock: Clock,
    alarms: Alarms,
    journal: LogStore | None,
) -> AsyncIterator[ReportDesk]:
    """The desk, and its minute, until the block ends."""
    # A mail server that hangs holds up no answer: what is certain is on the status page.
    post: Courier[Notice] = Courier(
        "letters", place.notifier_of(settings), lambda letter, send: send(letter), log
    )
    desk = ReportDesk(
        store.reports,
        store.assets,
        vault,
        Cleaner(),
        domains,
        clock,
        alarms=alarms,
        post=post.put,
        link=link_of(settings),
        record=recorder(journal),
    )
    ticking = asyncio.create_task(steady("reports", lambda: _tick(desk)))
    try:
        yield desk
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
        await asyncio.to_thread(post.close)


def link_of(settings: Settings) -> Callable[[str], str]:
    """From the secret of a report to the address of its status page."""
    web = settings.web
    scheme = "https" if web.tls_cert or web.behind_proxy else "http"
    name = web.hosts[0] if web.hosts else web.host
    base = settings.reports.address.rstrip("/")
    base = base or (f"{scheme}://{name}" + ("" if web.behind_proxy else f":{web.port}"))
    return lambda secret: f"{base}/suivi/{secret}"


def recorder(evidence: LogStore | None) -> Callable[[Sequence[Draft]], object]:
    """Nothing to record is no entry; without a log there is nothing to write to."""

    def record(drafts: Sequence[Draft]) -> None:
        if evidence is not None and drafts:
            evidence.append(drafts)

    return record


async def _tick(desk: ReportDesk) -> None:
    while True:
        try:
            await asyncio.to_thread(desk.turn)
        except StoreError as error:
            log.error("reports_not_looked_at", why=str(error))
        await asyncio.sleep(REPORT_TICK_S)
