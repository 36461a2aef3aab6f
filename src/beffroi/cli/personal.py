"""Opens the vault of personal data and keeps its promises while the hub runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from beffroi.adapters.personal import open_vault
from beffroi.cli.settings import Settings
from beffroi.ports.personal import PersonalVault


@asynccontextmanager
async def personal_data(settings: Settings) -> AsyncIterator[PersonalVault]:
    """Of this home, ours alone while it is open."""
    vault = await asyncio.to_thread(open_vault, settings.home)
    try:
        yield vault
    finally:
        await asyncio.to_thread(vault.close)
