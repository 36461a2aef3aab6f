"""Connects the detection of coordinated attacks with the rest of the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from beffroi.adapters.sql import SqlStore
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.coordination.detector import SLOW_MS
from beffroi.hub.coordination.feed import Feed
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.service import Dispatch
from beffroi.kernel.dsse import unpack
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.receipt import Receipt, read_receipt

# By these a service says of itself that it shows what nobody commanded.
UNPLANNED = frozenset(
    {"boards.unknown_message", "signals.plan_unknown", "signals.plan_uncommanded"}
)
RECEIPTS_READ_MAX = 500  # of each guard, after a restart
COMMANDS_READ_MAX = 2_000


class Places:
    """Which service a target, guard, asset or device belongs to; how many targets each has."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.book: Book | None = None

    def envelopes(self) -> Mapping[str, Envelope]:
        if self.book is None:
            return {}
        try:
            return self.book.trusted.envelopes
        except DeniedError:  # no rules that are valid: nothing is commanded either
            return {}

    def of(self, name: str) -> str:
        if not name:
            return ""
        held = self.envelopes()
        if name in held:
            return held[name].service
        guarded = next((one.service for one in held.values() if one.guard == name), "")
        if guarded:
            return guarded
        asset = self._store.assets.asset(name)
        if asset is None:
            device = self._store.assets.device(name)
            asset = self._store.assets.asset(device.asset) if device else None
        return asset.domain if asset else ""

    def fleets(self) -> Mapping[str, int]:
        return Counter(one.service for one in self.envelopes().values())


def attach(feed: Feed, places: Places, dispatch: Dispatch | None, desk: Desk) -> None:
    """From now on it hears of everything, and it knows the last hours. Blocking."""
    said: list[Receipt] = []
    rows = []
    if dispatch is not None:
        book = places.book = dispatch.book
        book.heard, book.denied, feed.record = feed.receipt, feed.denied, book.record
        rows = book.store.commands(limit=COMMANDS_READ_MAX)
        guards = {one.guard for one in places.envelopes().values()}
        said = [one for guard in sorted(guards) for one in _receipts(book, guard)]
    feed.remember(rows, said, desk.open())


def _receipts(book: Book, guard: str) -> Iterator[Receipt]:
    since = book.clock.now_ms() - SLOW_MS
    for row in book.store.receipts(guard, RECEIPTS_READ_MAX):
        if row.recv_ms > since:
            yield read_receipt(unpack(row.wire).payload)  # it was verified when it came
