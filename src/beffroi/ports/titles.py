"""Titles that were sold, as whoever sells them hands them to the hub, day by day."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from beffroi.domains.nightly import Sold


class TitlesError(Exception):
    """What was handed over cannot be read; the text says which file and what to do."""


class TitleShelf(Protocol):
    """Synchronous."""

    def sold(self, day: date) -> Sold | None:
        """Of this day and of those before it whose titles may still run; None when nobody has
        handed this day over (an empty day is handed over as an empty file)."""

    def forget(self, before: date) -> int:
        """Remove the days before this one; how many there were."""
