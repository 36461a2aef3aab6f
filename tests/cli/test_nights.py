"""A hub that runs balances its zones by itself: here one whose settings cannot be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from beffroi.adapters.nats.config import free_port
from beffroi.cli.hub import running
from beffroi.cli.settings import Settings, Web
from beffroi.hub.nights import BOOK, UNPROVEN
from beffroi.lab.stack import Stack
from beffroi.model.asset import Asset


async def test_the_hub_writes_the_line_of_the_night(tmp_path: Path) -> None:
    settings = Settings(tmp_path, web=Web(port=free_port("127.0.0.1")))
    zone = Asset("zone-1", "entitlement", "zone", "Centre", 2, 48, attrs={"balance": {"bays": 3}})
    async with Stack(tmp_path) as stack:
        stack.store.assets.put_assets([zone])
        async with running(settings), asyncio.timeout(20):
            while not (lines := stack.store.registers.records(BOOK, zone.id)):
                await asyncio.sleep(0.05)
    assert [(one.what, one.facts["why"]) for one in lines] == [(UNPROVEN, "settings")]
    assert lines[0].entry >= 0  # the evidence log has it
