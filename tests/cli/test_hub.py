"""A hub whose ingest has failed ends, so that the supervisor starts it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from beffroi.adapters.nats.config import free_port
from beffroi.cli.hub import hub_process
from beffroi.cli.settings import Settings, Web
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.lab.stack import Stack


async def test_without_ingest_the_hub_ends_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: IngestLoop) -> None:
        await asyncio.sleep(0.1)
        raise RuntimeError("the ingest broke")

    monkeypatch.setattr(IngestLoop, "run", broken)
    settings = Settings(tmp_path, web=Web(port=free_port("127.0.0.1")))
    async with Stack(tmp_path):
        with pytest.raises(RuntimeError, match="the ingest broke"):
            await asyncio.wait_for(hub_process(settings), 20)
