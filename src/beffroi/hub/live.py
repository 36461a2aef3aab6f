"""The newest state of the town in memory, and its fan-out to open pages.

Not a source of truth: it is filled from the store at start and from each commit after that.
Runs on the event loop only; a slow page loses events and is told to read everything again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from beffroi.model.limits import SSE_CLIENTS_MAX, SSE_QUEUE_EVENTS_MAX


class TooManyClientsError(Exception):
    """SSE_CLIENTS_MAX pages are already listening."""


class Value(NamedTuple):
    """The newest value of a property of an asset."""

    ts_ms: int
    value: float
    quality: int


class Event(NamedTuple):
    """`kind`: "readings" {asset: {prop: [ts_ms, value, quality]}}, "alarm" (an alarm's fields),
    "inventory" (assets or devices changed), "resync" (events were lost: read everything again)."""

    kind: str
    data: Mapping[str, Any]


class Subscription:
    """One open page."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(SSE_QUEUE_EVENTS_MAX)
        self._lost = False

    def put(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lost = True

    async def get(self, wait_s: float) -> Event | None:
        """The next event, or None after `wait_s` (then send a keep-alive)."""
        if self._lost:
            self._lost = False
            while not self._queue.empty():
                self._queue.get_nowait()
            return Event("resync", {})
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._queue.get(), wait_s)
        return None


class Live:
    """Newest values by asset and property."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Value]] = {}
        self._pages: set[Subscription] = set()

    def values(self, asset: str) -> Mapping[str, Value]:
        return self._values.get(asset, {})

    def load(self, items: Iterable[tuple[str, str, Value]]) -> None:
        """(asset, property, value) from the store at start."""
        for asset, prop, value in items:
            self._keep(asset, prop, value)

    def update(self, items: Iterable[tuple[str, str, Value]]) -> None:
        """After a commit: keep what is newer and tell the pages."""
        news: dict[str, dict[str, Value]] = {}
        for asset, prop, value in items:
            if self._keep(asset, prop, value):
                news.setdefault(asset, {})[prop] = value
        if news:
            self.tell(Event("readings", news))

    def tell(self, event: Event) -> None:
        for page in self._pages:
            page.put(event)

    def subscribe(self) -> Subscription:
        if len(self._pages) >= SSE_CLIENTS_MAX:
            raise TooManyClientsError(f"more than {SSE_CLIENTS_MAX} pages listen; close some")
        page = Subscription()
        self._pages.add(page)
        return page

    def unsubscribe(self, page: Subscription) -> None:
        self._pages.discard(page)

    def _keep(self, asset: str, prop: str, value: Value) -> bool:
        known = self._values.setdefault(asset, {})
        old = known.get(prop)
        if old is not None and old.ts_ms > value.ts_ms:
            return False
        known[prop] = value
        return True
