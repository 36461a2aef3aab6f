"""A running hub without pages: real broker, gate, store and ingest, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hub.ingest.town import TableCodecs

from beffroi.adapters.nats.bus import BusError, NatsBus
from beffroi.domains.base import Domain
from beffroi.domains.registry import domains as all_domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.hub.live import Live
from beffroi.lab.stack import Stack
from beffroi.ports.codec import CodecRunner


@dataclass
class Hub:
    """What a test looks at. `crash` ends the ingest as a kill does: no last commit, no ack."""

    stack: Stack
    bus: NatsBus
    loop: IngestLoop
    live: Live
    desk: Desk
    task: asyncio.Task[None]

    async def until(self, condition: Callable[[], bool], wait_s: float = 30.0) -> None:
        end = time.monotonic() + wait_s
        while not condition():
            assert time.monotonic() < end, f"not in {wait_s} s; {self.loop.stats}"
            await asyncio.sleep(0.01)

    async def idle(self, wait_s: float = 60.0) -> None:
        """Everything the broker holds is acknowledged."""
        end = time.monotonic() + wait_s
        while await self._backlog():
            assert time.monotonic() < end, f"backlog after {wait_s} s; {self.loop.stats}"
            await asyncio.sleep(0.05)

    async def _backlog(self) -> int:
        try:
            return await self.bus.backlog()
        except BusError:
            return -1

    async def stop(self) -> None:
        await self.loop.stop()
        await self.task
        await self.bus.stop()


async def start_hub(
    stack: Stack,
    domains: Mapping[str, Domain] | None = None,
    codecs: CodecRunner | None = None,
) -> Hub:
    """On a running stack."""
    found = all_domains() if domains is None else domains
    rules = {name: rule for domain in found.values() for name, rule in domain.rules.items()}
    bus, live = stack.bus(), Live()
    desk = Desk(stack.store.alarms, rules)
    await bus.start()
    loop = IngestLoop(
        bus=bus,
        store=stack.store,
        desk=desk,
        live=live,
        clock=stack.clock,
        codecs=codecs or TableCodecs(),
        domains=found,
    )
    hub = Hub(stack, bus, loop, live, desk, asyncio.create_task(loop.run()))
    await asyncio.wait_for(loop.ready.wait(), 20)
    await hub.until(lambda: bus.connected)
    return hub


@contextlib.asynccontextmanager
async def running_hub(
    home: Path,
    domains: Mapping[str, Domain] | None = None,
    codecs: CodecRunner | None = None,
) -> AsyncIterator[Hub]:
    async with Stack(home) as stack:
        hub = await start_hub(stack, domains, codecs)
        try:
            yield hub
        finally:
            await hub.stop()
