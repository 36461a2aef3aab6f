"""Registers of the commune: dated lines that are added and never changed, only made silent.

What somebody declared (who is competent, a budget, a refused request, a restore test), and which
entry of the evidence log attests a line. Erasing forgets the words of a line and who wrote it; that
the line was there, when, and its entry in the evidence log stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

Fact = str | int


@dataclass(frozen=True, slots=True)
class Record:
    """One line. `book` is the register, `key` what the line is about, `what` the kind of line.

    `entry` is the index of the evidence entry that holds its salted digest, -1 when no evidence log
    was open. `facts` and `actor` are empty once erased. Times are UTC ms.
    """

    id: str
    book: str
    key: str
    what: str
    at_ms: int
    actor: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    entry: int = -1
    erased: bool = False


class RegisterStore(Protocol):
    """Synchronous, safe from several threads; what returned is on disk."""

    def add(self, record: Record) -> None:
        """StoreError when the id is taken."""

    def record(self, record_id: str) -> Record | None: ...

    def records(
        self, book: str = "", key: str = "", start_ms: int = 0, end_ms: int = 0, limit: int = 0
    ) -> list[Record]:
        """In the order in which they were added; start <= at < end (0: no bound); all when limit
        is 0, else the newest `limit`."""

    def erase(self, record_id: str) -> bool:
        """Forget words and author of a line. False when there is no such line."""
