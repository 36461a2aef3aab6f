"""Opens the vault of personal data and keeps its promises while the hub runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from beffroi.adapters.notify.outbox import Outbox
from beffroi.adapters.personal import open_vault
from beffroi.cli.settings import Settings
from beffroi.hub.privacy.bulk import Told
from beffroi.hub.privacy.egress import Gate
from beffroi.hub.privacy.keeper import Keeper
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogStore
from beffroi.ports.store import PeopleStore


@asynccontextmanager
async def personal_data(settings: Settings, told: Told, clock: Clock) -> AsyncIterator[Keeper]:
    """Of this home, ours alone while it is open. The caller runs it."""
    vault = await asyncio.to_thread(open_vault, settings.home)
    outbox = Outbox(settings.home / "outbox.jsonl")
    keeper = Keeper(Gate(vault, told, outbox.forget), told, clock)
    keeper.purge_outbox = outbox.purge
    try:
        yield keeper
    finally:
        await asyncio.to_thread(vault.close)


def joined(keeper: Keeper, journal: LogStore | None, people: PeopleStore) -> Keeper:
    """With the sign-ins of the main database, and the evidence log when it could be opened."""
    keeper.purge_sign_ins = people.purge_sign_ins
    keeper.evidence = journal
    return keeper
