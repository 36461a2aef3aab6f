"""Puts together what reads authorities' alerts and what publishes the commune's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI

from beffroi.adapters.cap.inbox import Inbox
from beffroi.adapters.cap.outbox import OwnAlerts
from beffroi.adapters.sql import SqlStore
from beffroi.cli.settings import Settings
from beffroi.evidence.entry import Draft
from beffroi.hub.advice import Advisor
from beffroi.hub.announcer import Announcer
from beffroi.hub.dispatch.denied import DeniedError, deny
from beffroi.hub.services import Services
from beffroi.model.finding import Finding
from beffroi.ports.log_store import LogError, LogStore

FOLDER = "alerts"


def recorder(journal: LogStore | None) -> Callable[[Sequence[Draft]], object]:
    """As the dispatcher's book records, before there is one: DeniedError when it cannot be."""

    def record(drafts: Sequence[Draft]) -> None:
        try:
            if journal is not None:
                journal.append(drafts)
        except (LogError, OSError) as error:
            text = "The evidence log cannot be written: {why}."
            raise DeniedError(deny("no_log", text, why=str(error))) from error

    return record


def alerting(
    app: FastAPI, settings: Settings, store: SqlStore, alarms: Callable[[Sequence[Finding]], None]
) -> Sequence[Advisor | Announcer]:
    """What is to be run beside the hub. Nothing is announced without a trust repository."""
    services: Services = app.state.services
    folder, known, clock = settings.home / FOLDER, services.domains, services.clock
    hear = Inbox(folder), store.assets, known, alarms, clock, store.people
    if services.dispatch is None:
        journal = services.office.stores.journal if services.office else None
        app.state.advisor = advisor = Advisor(*hear, recorder(journal))
        return (advisor,)
    book = services.dispatch.book
    app.state.advisor = advisor = Advisor(*hear, book.record)
    sender = f"beffroi/{book.trusted.commune}"  # as the evidence log is named
    hands = OwnAlerts(folder, sender), store.commands, store.assets, known
    app.state.announcer = announcer = Announcer(*hands, book.record, clock, sender)
    return advisor, announcer
