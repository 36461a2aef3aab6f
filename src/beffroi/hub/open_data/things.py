"""Rows of the inventory, of alarms by month and of reports that everybody may see.

Knows no service. Names of persons are nowhere in what it reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from beffroi.hub.open_data.dataset import Row, Source, Span, TooMuchError
from beffroi.hub.open_data.disclosure import cell
from beffroi.model.alarm import Alarm
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.reports import Wanted

PLACE_DIGITS = 6  # about 10 cm
ALARMS_MAX = 50_000
COARSE_DIGITS = 3  # about 100 m: the place of a report, not the house of its author
ALARM_STATES = ("raised", "acknowledged", "assigned", "resolved", "closed")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Assets of the given kinds of one service, with their places."""

    domain: str
    kinds: Mapping[str, str]  # kind -> its French name

    def rows(self, source: Source, span: Span) -> Iterator[Row]:
        del span
        for asset in source.store.assets.assets(self.domain):
            if asset.kind in self.kinds:
                lon, lat = round(asset.lon, PLACE_DIGITS), round(asset.lat, PLACE_DIGITS)
                cells = (asset.id, asset.kind, self.kinds[asset.kind], asset.name, asset.zone)
                shape = asset.geometry or _point(lon, lat)
                yield Row((*cells, asset.authority, lon, lat), shape)


@dataclass(frozen=True, slots=True)
class Alarms:
    """How many alarms began in each month. `persons`: services whose alarms come from persons,
    so that their counts are hidden when small."""

    domains: frozenset[str]
    persons: frozenset[str]

    def rows(self, source: Source, span: Span) -> Iterator[Row]:
        """Whole months alone: with a part of one, two periods could be compared cell by cell."""
        zone = ZoneInfo(source.timezone)
        first, end = _month(span.start_ms, zone), _month(span.end_ms, zone)
        counts: Counter[tuple[str, str, str]] = Counter()
        # a month may begin up to 31 days before the day that was asked for
        for alarm in self._read(source, span.start_ms - 31 * DAY_MS, span.end_ms):
            month = _month(alarm.seen_ms, zone)
            if first <= month < end:
                counts[month, alarm.domain, alarm.severity.name.lower()] += 1
        for (month, domain, severity), n in sorted(counts.items()):
            shown = cell(n) if domain in self.persons else n
            yield Row((month, domain, severity, shown, int(shown is None)))

    def _read(self, source: Source, start_ms: int, end_ms: int) -> list[Alarm]:
        found = source.store.alarms.alarms(ALARM_STATES, limit=ALARMS_MAX, before_ms=end_ms)
        if len(found) == ALARMS_MAX and found[-1].seen_ms >= start_ms:
            raise TooMuchError(f"more than {ALARMS_MAX} alarms: ask for a shorter period")
        mine = (alarm for alarm in found if alarm.domain in self.domains and not alarm.group)
        return [alarm for alarm in mine if alarm.seen_ms >= start_ms]


def _month(ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m")


def reports(source: Source, span: Span) -> Iterator[Row]:
    """Reports that a moderator made public: day, category, state, a coarse place. No words: what
    people wrote is on the public map, where it can be taken back."""
    if source.reports is None:
        return
    before = ""
    while True:
        wanted = Wanted(
            public=True,
            since_ms=span.start_ms,
            until_ms=span.end_ms,
            before=before,
            limit=PAGE_ROWS_MAX,
        )
        page = source.reports.reports(wanted)
        for one in page:
            lon = None if one.lon is None else round(one.lon, COARSE_DIGITS)
            lat = None if one.lat is None else round(one.lat, COARSE_DIGITS)
            shape = None if lon is None or lat is None else _point(lon, lat)
            received = datetime.fromtimestamp(one.received_ms / 1000, UTC).strftime("%Y-%m-%d")
            yield Row((received, one.topic, one.state.value, lon, lat), shape)
        if len(page) < PAGE_ROWS_MAX:
            return
        before = page[-1].id


def _point(lon: float, lat: float) -> Mapping[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}
