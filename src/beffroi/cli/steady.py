"""Parts without which the hub goes on: whatever ends one of them is told, and it begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

PART_AGAIN_S = 30.0  # a part that fails each time must not fill disk and log

log = structlog.get_logger("hub")


async def steady(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Until `run` returns or this is cancelled. A part that ended in silence nobody would miss."""
    while True:
        try:
            return await run()
        except Exception:
            log.exception("part_failed", part=name)
        await asyncio.sleep(PART_AGAIN_S)
