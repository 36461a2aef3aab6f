"""Rows of hourly values: each asset, a zone's mean, or counts of persons with small ones hidden.

Reads rollups of days that are sealed, of one property of one kind. Knows no service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from beffroi.hub.open_data.dataset import (
    Row,
    Source,
    Span,
    TooMuchError,
    day,
    moment,
)
from beffroi.hub.open_data.disclosure import cell, total
from beffroi.model.asset import Asset
from beffroi.model.limits import OPEN_GROUP_MIN, OPEN_ROWS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.store import SeriesKey


@dataclass(slots=True)
class Sums:
    """What one asset measured in one hour, over all its series."""

    n: int
    total: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        return self.total / self.n


@dataclass(frozen=True, slots=True)
class Measured:
    """One property of one kind of asset of a service."""

    domain: str
    kind: str
    prop: str
    digits: int

    def values(self, source: Source, span: Span) -> Iterator[Row]:
        """Hour, asset, mean, lowest, highest."""
        for (asset, hour), sums in self._sums(source, span):
            figures = (round(x, self.digits) for x in (sums.mean, sums.low, sums.high))
            yield Row((moment(hour), asset, *figures))

    def groups(self, source: Source, span: Span) -> Iterator[Row]:
        """Hour, zone, mean, how many assets; hours with too few assets are left out."""
        zones = {asset.id: asset.zone for asset in self._assets(source)}
        cells: dict[tuple[str, int], list[float]] = defaultdict(list)
        for (asset, hour), sums in self._sums(source, span):
            cells[zones.get(asset, ""), hour].append(sums.mean)
        for (zone, hour), means in sorted(cells.items()):
            if len(means) >= OPEN_GROUP_MIN:
                mean = round(sum(means) / len(means), self.digits)
                yield Row((moment(hour), zone, mean, len(means)))

    def people(self, source: Source, span: Span) -> Iterator[Row]:
        """Hour, asset, count, whether it is hidden."""
        for (asset, hour), count in self._cells(source, span):
            yield Row((moment(hour), asset, count, int(count is None)))

    def people_by_day(self, source: Source, span: Span) -> Iterator[Row]:
        """Day, asset, sum of the published hours, how many are shown and hidden."""
        days: dict[tuple[str, int], list[int | None]] = defaultdict(list)
        for (asset, hour), count in self._cells(source, span):
            days[asset, hour - hour % DAY_MS].append(count)
        for (asset, start), counts in days.items():
            yield Row((day(start), asset, *total(counts)))

    def newest(self, source: Source, span: Span) -> int:
        """The newest value before the end of the span."""
        ids = {asset.id for asset in self._assets(source)}
        known = source.store.readings.series_of(sorted(ids)) if ids else {}
        mine = [number for key, number in known.items() if key.prop == self.prop]
        times = [last.ts_ms for last in source.store.readings.last(mine)]
        return min(max(times, default=0), span.end_ms)

    def _cells(self, source: Source, span: Span) -> Iterator[tuple[tuple[str, int], int | None]]:
        for key, sums in self._sums(source, span):
            yield key, cell(sums.mean)

    def _assets(self, source: Source) -> list[Asset]:
        mine = source.store.assets.assets(self.domain)
        return [asset for asset in mine if asset.kind == self.kind]

    def _sums(self, source: Source, span: Span) -> list[tuple[tuple[str, int], Sums]]:
        """By asset and hour: two series of one asset must not become two rows to compare."""
        ids = [asset.id for asset in self._assets(source)]
        known: dict[SeriesKey, int] = source.store.readings.series_of(ids) if ids else {}
        names = {number: key.asset for key, number in known.items() if key.prop == self.prop}
        found: dict[tuple[str, int], Sums] = {}
        read = source.store.readings.hours_of_kind
        for part in read(self.domain, self.kind, self.prop, span.start_ms, span.end_ms):
            columns = (column.tolist() for column in part)
            for number, hour, n, summed, low, high in zip(*columns, strict=True):
                if n and number in names:
                    _add(found, (names[number], hour), Sums(n, summed, low, high))
            if len(found) > OPEN_ROWS_MAX:
                raise TooMuchError(f"more than {OPEN_ROWS_MAX} rows: ask for a shorter period")
        return sorted(found.items())


def _add(found: dict[tuple[str, int], Sums], key: tuple[str, int], new: Sums) -> None:
    known = found.setdefault(key, new)
    if known is not new:
        known.n, known.total = known.n + new.n, known.total + new.total
        known.low, known.high = min(known.low, new.low), max(known.high, new.high)
