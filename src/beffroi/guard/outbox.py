"""Receipts on their way: in order, a few at a time, until the broker has each of them.

Durable because the store has them already: this is only the order of sending. Thread-safe; knows
no broker, only a function that tries to send.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

from beffroi.guard.limits import IN_FLIGHT_MAX, OUTBOX_MAX
from beffroi.guard.memory import Kept


class Queue:
    """`offer` tries to send a receipt and answers with a ticket, None when it cannot now."""

    def __init__(self, unsent: Iterable[Kept], sent: int) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, Kept] = OrderedDict((one.number, one) for one in unsent)
        self._flying: dict[int, int] = {}  # ticket -> number
        self._early: set[int] | None = None  # landed while a ticket is being got
        self._sent = self._top = sent

    @property
    def sent(self) -> int:
        """All receipts up to this number are with the broker."""
        with self._lock:
            return self._sent

    def put(self, kept: Kept) -> None:
        """Once more when it was sent before: the hub has asked again."""
        with self._lock:
            self._waiting[kept.number] = kept
            while len(self._waiting) > OUTBOX_MAX:
                self._waiting.popitem(last=False)

    def pump(self, offer: Callable[[Kept], int | None]) -> None:
        """Send what may be sent now. For one thread.

        `offer` is called without the lock: it takes the client's own, and the client calls
        `landed` while it holds that. A ticket may thus land before it is known here.
        """
        while True:
            with self._lock:
                kept = self._next()
                self._early = set()
            ticket = None if kept is None else offer(kept)
            with self._lock:
                early, self._early = self._early or set(), None
                if kept is None or ticket is None:
                    return
                self._flying[ticket] = kept.number
                if ticket in early:
                    self._land(ticket)

    def landed(self, ticket: int) -> None:
        """The broker has it."""
        with self._lock:
            if ticket in self._flying:
                self._land(ticket)
            elif self._early is not None:
                self._early.add(ticket)

    def _next(self) -> Kept | None:
        flying = set(self._flying.values())
        if len(self._flying) >= IN_FLIGHT_MAX:
            return None
        return next((kept for n, kept in self._waiting.items() if n not in flying), None)

    def _land(self, ticket: int) -> None:
        number = self._flying.pop(ticket)
        self._waiting.pop(number, None)
        self._top = max(number, self._top)
        all_below = min([self._top, *(waits - 1 for waits in self._waiting)])
        self._sent = max(self._sent, all_below)

    def lost(self) -> None:
        """The link broke: what flew must fly again."""
        with self._lock:
            self._flying.clear()
