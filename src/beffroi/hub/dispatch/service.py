"""The dispatcher at work: loops that send, hear, lease and plan, on the hub's event loop.

The only part with `async` in it. Everything that decides or writes is called in a thread; this
module carries what they return to the downlink.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog

from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.leases import Down, Leases, TrustPush
from beffroi.hub.dispatch.office import Office
from beffroi.hub.dispatch.plan import Almanac
from beffroi.hub.dispatch.plans import Plans
from beffroi.hub.dispatch.receipts import Receipts
from beffroi.hub.dispatch.sender import Outgoing, Sender
from beffroi.model.limits import BATCH_MESSAGES_MAX, DISPATCH_TURN_S, TRUST_POLL_S
from beffroi.ports.downlink import Downlink, DownlinkError
from beffroi.ports.log_store import Witnesses
from beffroi.ports.store import StoreError

RETRY_S = 1.0
FETCH_S = 5.0

log = structlog.get_logger("dispatch")


class Dispatch:
    """What routes use: `book`, `office`, `plans`, `sender.held`. `run` until cancelled."""

    def __init__(
        self,
        book: Book,
        downlink: Downlink,
        *,
        witnesses: Witnesses | None = None,
        zone: ZoneInfo,
        sun: Almanac,
    ) -> None:
        self.book = book
        self.office = Office(book)
        self.plans = Plans(book, self.office, zone, sun)
        self.sender = Sender(book, self.office, witnesses)
        self.receipts = Receipts(book)
        self._leases, self._trust = Leases(book), TrustPush(book)
        self._downlink = downlink
        self._news, self._heard = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Four loops; an error of one that is not foreseen ends them all, and so the hub."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self.book.wake = wake
        work = (self._sending(), self._hearing(), self._leasing(), self._trusting())
        tasks = {asyncio.create_task(one) for one in work}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            # `wait_for` of Python 3.11 forgets a cancellation that comes as its answer comes.
            while any(not task.done() for task in tasks):
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=0.2)

    async def _sending(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), DISPATCH_TURN_S)
            self._news.clear()
            try:
                await self.send_once()
            except (StoreError, DeniedError) as error:
                log.error("dispatch_turn_failed", error=str(error))
                await asyncio.sleep(RETRY_S)

    async def send_once(self) -> None:
        """One turn: plans, then everything that is open; what waits for neighbours at the end."""
        await asyncio.to_thread(self.plans.turn)
        for part in (self.sender.turn, self.sender.witnessed):
            for out in await asyncio.to_thread(part):
                await self._send(out)

    async def _send(self, out: Outgoing) -> None:
        try:
            await self._downlink.send(out.guard, "cmd", out.wire)
        except DownlinkError as error:  # it is durable as sent, and will be repeated
            log.warning("not_sent", command=out.command, guard=out.guard, error=str(error))

    async def _hearing(self) -> None:
        while True:
            heard = await self._downlink.fetch(BATCH_MESSAGES_MAX, FETCH_S)
            if not heard:
                continue
            while True:  # they are ours until they are durable: what is not is not acknowledged
                try:
                    changes = await asyncio.to_thread(self.receipts.take, heard)
                except (StoreError, DeniedError) as error:
                    log.error("receipts_not_kept", error=str(error))
                    await asyncio.sleep(RETRY_S)
                else:
                    break
            await self._downlink.ack(heard)
            self.sender.forget(changes)
            self._news.set()
            self._heard.set()

    async def _leasing(self) -> None:
        while True:
            await self._carry(await self._due())
            with contextlib.suppress(TimeoutError):  # a guard that has just started waits for one
                await asyncio.wait_for(self._heard.wait(), RETRY_S)
            self._heard.clear()

    async def _due(self) -> list[Down]:
        try:
            trust = await asyncio.to_thread(self._trust.due)
            return trust + await asyncio.to_thread(self._leases.due)
        except (StoreError, DeniedError) as error:
            log.warning("leases_held", error=str(error))
            return []

    async def _carry(self, messages: Sequence[Down]) -> None:
        for one in messages:
            try:
                await self._downlink.send(one.guard, one.topic, one.payload)
            except DownlinkError as error:
                log.warning("not_sent", topic=one.topic, guard=one.guard, error=str(error))

    async def _trusting(self) -> None:
        first = True
        while True:
            try:
                changed = await asyncio.to_thread(self.book.look)
                if changed or first:
                    self._trust.all_due()
                    first = False
            except (StoreError, DeniedError) as error:
                log.warning("trust_held", error=str(error))
            await asyncio.sleep(TRUST_POLL_S)
