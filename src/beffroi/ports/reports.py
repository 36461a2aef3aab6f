"""Where reports of inhabitants outlive a power cut. Holds nothing about their authors.

A status link is known by its SHA-256 alone. Both databases pass the same contract test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState


class Box(NamedTuple):
    """Degrees, WGS 84."""

    west: float
    south: float
    east: float
    north: float


class Wanted(NamedTuple):
    """Which reports; everything empty means all."""

    states: Sequence[ReportState] = ()
    topic: str = ""
    asset: str = ""
    unsafe: bool | None = None
    public: bool | None = None
    box: Box | None = None
    since_ms: int = 0  # received at or after
    until_ms: int = 0  # received before (0: no end)
    before: str = ""  # page: those older than this report
    limit: int = 100


class ReportStore(Protocol):
    """Synchronous, safe from several threads; what returned is on disk."""

    def add(self, change: ReportChange, link_hash: str) -> None:
        """A new report (version 1) with its first event. StoreError when the id is taken."""

    def apply(self, changes: Sequence[ReportChange]) -> None:
        """All or nothing; StaleVersionError unless each stored version is report.version - 1."""

    def report(self, report_id: str) -> Report | None: ...

    def by_link(self, link_hash: str) -> Report | None:
        """The report whose status link has this hash."""

    def unlink(self, report_id: str) -> None:
        """Its status link leads nowhere any more."""

    def reports(self, wanted: Wanted) -> list[Report]:
        """Newest first."""

    def events(self, report_id: str) -> list[ReportEvent]:
        """Its story, in order."""

    def blank(self, report_id: str) -> int:
        """Forget the words of its story and its public photo (an erasure); how many there were."""

    def put_photo(self, report_id: str, jpeg: bytes) -> None:
        """The photo that everybody may see. Replaces."""

    def photo(self, report_id: str) -> bytes | None: ...

    def drop_photo(self, report_id: str) -> None: ...

    def counts(self) -> dict[ReportState, int]:
        """Reports by state."""
