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
        """Send what may be sent now."""
        with self._lock:
            flying = set(self._flying.values())
            for number, kept in self._waiting.items():
                if len(self._flying) >= IN_FLIGHT_MAX:
                    return
                if number in flying:
                    continue
                ticket = offer(kept)
                if ticket is None:
                    return
                self._flying[ticket] = number

    def landed(self, ticket: int) -> None:
        """The broker has it."""
        with self._lock:
            number = self._flying.pop(ticket, None)
            if number is None:
                return
            self._waiting.pop(number, None)
            self._top = max(number, self._top)
            all_below = min([self._top, *(waits - 1 for waits in self._waiting)])
            self._sent = max(self._sent, all_below)

    def lost(self) -> None:
        """The link broke: what flew must fly again."""
        with self._lock:
            self._flying.clear()
