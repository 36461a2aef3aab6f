"""What guards have done by command, on its way to the watches: an order must not look like a fault,
nor a foreign hand like an order.

Filled from whichever thread learns of a receipt, emptied by the ingest's own. Not durable: at a
start the commands of the last day are told again.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import NamedTuple

from beffroi.ports.commands import CommandRow, State

# "unknown": the guard may have done it, and what it did is then no surprise
TOLD = frozenset({State.DONE, State.UNKNOWN})


class Order(NamedTuple):
    """`at_ms` is when it was sent."""

    target: str
    action: str
    params: Mapping[str, int | str]
    digest: bytes
    at_ms: int


class Orders:
    """Give it every changed command; those that were done come out once, in order."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()

    def __call__(self, row: CommandRow) -> None:
        if row.state in TOLD:
            digest = bytes.fromhex(row.digest)
            self._waiting.put(Order(row.target, row.action, row.params, digest, row.sent_ms))

    def take(self) -> list[Order]:
        found = []
        while not self._waiting.empty():  # nobody else takes
            found.append(self._waiting.get_nowait())
        return found
