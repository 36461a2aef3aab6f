"""The ingest's loop: fetch, process, commit, acknowledge, tell the open pages.

One worker thread does everything that is not I/O with the broker, so that the web part of the same
process stays responsive. Nothing is acknowledged before it is committed; a failing store or broker
makes the loop wait and say so in `stats.degraded`, never crash. Knows no rule about readings.

After a kill, watches start from their last snapshot (at most WATCH_TICK_S old): readings since
then are stored but not folded again. Alarms are never behind: they commit with their readings.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from beffroi.domains.base import Domain
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.inventory import Inventory
from beffroi.hub.ingest.keeper import Keeper, StoppedError
from beffroi.hub.ingest.orders import Orders
from beffroi.hub.ingest.pipeline import Pipeline
from beffroi.hub.ingest.quota import Quota
from beffroi.hub.ingest.stats import Stats
from beffroi.hub.ingest.turn import Turn
from beffroi.hub.ingest.watches import Watches
from beffroi.hub.live import Event, Live, Value
from beffroi.model.limits import BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, WATCH_TICK_S
from beffroi.ports.bus import Bus, Message
from beffroi.ports.clock import Clock
from beffroi.ports.codec import CodecRunner
from beffroi.ports.store import Last, SeriesKey, Store

log = structlog.get_logger()
T = TypeVar("T")
FETCH_WAIT_S = 1.0
BUS_WAIT_S_MAX = 5.0
# A turn makes many small tuples that live as long as it: with Python's default of 700 the collector
# looks at them again and again (measured: a third of the time of a turn).
GC_THRESHOLDS = (100_000, 20, 50)
LIVE_LOAD_ASSETS = 2_000  # read at a time when the newest values are loaded


class News(NamedTuple):
    """What the event loop has to say after a turn."""

    values: list[tuple[str, str, Value]]
    inventory: bool


class IngestLoop:
    """`run` until `stop`. `stats` may be read at any time."""

    def __init__(
        self,
        *,
        bus: Bus,
        store: Store,
        desk: Desk,
        live: Live,
        clock: Clock,
        codecs: CodecRunner,
        domains: Mapping[str, Domain],
        quota: Quota | None = None,
        orders: Orders | None = None,
    ) -> None:
        self.stats = Stats()
        self.ready = asyncio.Event()  # the first inventory is read
        self._bus = bus
        self._store = store
        self._live = live
        self._clock = clock
        self._watches = Watches(domains)
        self._inventory = Inventory(store, domains, self._watches)
        self._pipeline = Pipeline(self._inventory, self._watches, codecs, quota)
        self._keeper = Keeper(store.readings, desk, clock, self.stats)
        self._orders = orders or Orders()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._stopping = asyncio.Event()
        self._part = 0
        self._tick_due = 0.0

    async def run(self) -> None:
        """Until `stop`; then one last snapshot of the watches."""
        try:
            await self._in_worker(self._start)
            for items in await self._in_worker(lambda: list(self._newest())):
                self._live.load(items)
            self.ready.set()
            await self._turns()
            await self._in_worker(self._last_snapshot)
        except StoppedError as error:
            log.warning("ingest stopped without its last commit", error=str(error))
        finally:
            self._worker.shutdown(wait=True)

    async def stop(self) -> None:
        """Ask for the end; `run` returns after the turn at hand."""
        self._stopping.set()
        self._keeper.stop()

    # --- the loop --------------------------------------------------------------------------------
    async def _turns(self) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        fetching = asyncio.ensure_future(self._fetch())
        try:
            while not self._stopping.is_set():
                await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if self._stopping.is_set():
                    break
                messages = fetching.result()
                fetching = asyncio.ensure_future(self._fetch())
                for part in slices(messages):
                    self._tell(await self._in_worker(self._turn, part))
                    await self._ack(part)
                await self._tick()
        finally:
            for task in (fetching, stopping):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _fetch(self) -> list[Message]:
        wait_s = 0.2
        while True:
            try:
                messages = await self._bus.fetch(BATCH_MESSAGES_MAX, FETCH_WAIT_S)
            except Exception as error:  # noqa: BLE001  the broker is away: wait for it
                self._bus_failed("fetch", error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BUS_WAIT_S_MAX)
            else:
                if self.stats.degraded.startswith("broker"):
                    self.stats.degraded = ""
                return messages

    async def _ack(self, messages: Sequence[Message]) -> None:
        """Failing to acknowledge is harmless: they come again and are duplicates."""
        try:
            await self._bus.ack(messages)
        except Exception as error:  # noqa: BLE001  see above
            self._bus_failed("ack", error)

    def _bus_failed(self, what: str, error: Exception) -> None:
        self.stats.bus_errors += 1
        if not self.stats.degraded:
            log.warning("the broker does not answer", what=what, error=str(error))
        self.stats.degraded = f"broker, {what}: {error}"

    async def _tick(self) -> None:
        now = time.monotonic()
        if now < self._tick_due:
            return
        self._tick_due = now + 1.0
        part = self._part
        self._part = (part + 1) % WATCH_TICK_S
        self._tell(await self._in_worker(self._tick_turn, part))
        if part == 0:
            with contextlib.suppress(Exception):  # only a figure for the status page
                self.stats.backlog = await self._bus.backlog()

    def _tell(self, news: News) -> None:
        if news.values:
            self._live.update(news.values)
        if news.inventory:
            self._live.tell(Event("inventory", {}))

    async def _in_worker(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *args)

    # --- in the worker ---------------------------------------------------------------------------
    def _start(self) -> None:
        patiently = self._keeper.patiently
        gc.set_threshold(*GC_THRESHOLDS)
        self._watches.restore(patiently("read watch states", self._store.readings.states))
        patiently("read the inventory", self._inventory.refresh)
        gc.freeze()

    def _newest(self) -> Iterator[list[tuple[str, str, Value]]]:
        """What the map shows at start, in portions."""
        patiently = self._keeper.patiently
        ids = [asset.id for asset in patiently("read assets", self._store.assets.assets)]
        for at in range(0, len(ids), LIVE_LOAD_ASSETS):
            part = ids[at : at + LIVE_LOAD_ASSETS]
            yield patiently("read newest values", partial(self._values, part))

    def _values(self, assets: Sequence[str]) -> list[tuple[str, str, Value]]:
        series = self._store.readings.series_of(assets)
        keys: dict[int, SeriesKey] = {number: key for key, number in series.items()}
        lasts: list[Last] = self._store.readings.last(list(keys))
        return [
            (keys[last.series_id].asset, keys[last.series_id].prop, Value(*last[1:]))
            for last in lasts
        ]

    def _turn(self, messages: Sequence[Message]) -> News:
        patiently = self._keeper.patiently
        pipeline = self._pipeline
        changed = patiently("read the inventory", self._inventory.refresh)
        turn = patiently("read the inventory", lambda: pipeline.take(messages))
        patiently("find series", lambda: pipeline.resolve(turn))
        pipeline.fold(turn)
        return self._finish(turn, changed, with_desk_tick=False)

    def _tick_turn(self, part: int) -> News:
        changed = self._keeper.patiently("read the inventory", self._inventory.refresh)
        now_ms = self._clock.now_ms()
        turn = self._pipeline.tick(now_ms, part, WATCH_TICK_S)
        self._pipeline.ordered(turn, self._orders.take(), now_ms)
        return self._finish(turn, changed, with_desk_tick=part == 0)

    def _last_snapshot(self) -> None:
        turn = Turn()
        turn.states = dict(self._watches.snapshot(0, 1))
        self._finish(turn, False, with_desk_tick=False)

    def _finish(self, turn: Turn, changed: bool, with_desk_tick: bool) -> News:
        """Series of derived values, rows, the transaction, the figures."""
        self._keeper.patiently("find series", lambda: self._pipeline.resolve(turn))
        self._pipeline.close(turn)
        if turn.empty() and not with_desk_tick:
            return News([], changed)
        kept = self._keeper.keep(turn, with_desk_tick)
        self.stats.count(turn, kept, self._clock.now_ms())
        self.stats.watch_errors = self._watches.errors
        return News(turn.news(), changed)


def slices(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Parts of at most BATCH_BYTES_MAX of payload (one message at least): one transaction each."""
    start, size = 0, 0
    for at, message in enumerate(messages):
        size += len(message.payload)
        if size > BATCH_BYTES_MAX and at > start:
            yield messages[start:at]
            start, size = at, len(message.payload)
    if start < len(messages):
        yield messages[start:]
