"""The few statements where the two engines need different words to be fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from beffroi.adapters.sql.columns import Columns, Floats, Ints, Mask
from beffroi.ports.store import Hours


class Engine(Protocol):
    """What SqliteEngine and PostgresEngine do."""

    def insert(self, conn: Connection, columns: Columns) -> Mask:
        """Put sorted rows into the log; False where the key was there (or repeats)."""

    def values_at(self, conn: Connection, columns: Columns) -> tuple[Mask, Floats]:
        """(found, value) in the log for each key."""

    def add_hours(self, conn: Connection, hours: Hours) -> None:
        """Fold into the rollups of the log."""

    def blocks_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        """The sealed blocks that exist for these (series, day) pairs."""

    def days_at(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        """The rows of `day` that exist for these pairs."""

    def logged(self, conn: Connection, series: Ints, day: Ints) -> list[tuple[Any, ...]]:
        """The rows of the log of these (series, day) pairs, in that order and by time."""

    def clear(self, conn: Connection, series: Ints, day: Ints, hours: Hours) -> None:
        """Delete these (series, day) pairs from the log and these rollups of them."""

    def last_logged(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        """The newest row of the log of each series, in the columns of `obs`."""

    def last_sealed(self, conn: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        """The newest unpurged block of each series, without its payload."""

    def seen(self, conn: Connection, seen: Sequence[tuple[str, int]]) -> None:
        """Move `last_seen_ms` of devices forward."""

    def in_box(
        self,
        conn: Connection,
        box: tuple[float, float, float, float],
        domains: Sequence[str],
        limit: int,
    ) -> list[tuple[Any, ...]]:
        """(id, doc, chk) of assets inside west, south, east, north."""
