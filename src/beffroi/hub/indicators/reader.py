"""The store as a measure of a service may read it: one service, one period. Never writes.

Knows no indicator. Values that were suspect when they came are left out; late ones count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from beffroi.model.alarm import Alarm, AlarmState
from beffroi.model.asset import Asset, Device
from beffroi.model.limits import INDICATOR_ALARMS_MAX, INDICATOR_ROWS_KEPT_MAX
from beffroi.model.measure import DAY_MS, Episode, Line, Span, Track
from beffroi.model.reading import Quality
from beffroi.ports.store import Hours, Points, SeriesKey, Store

BEFORE_MS = 2 * DAY_MS  # how far back the value is looked for that held when the period began


class StoreReader:
    """See `model.measure.Reader`. Made anew for each calculation: it remembers what it read."""

    def __init__(
        self,
        store: Store,
        domain: str,
        span: Span,
        *,
        given: Callable[[str], float | None],
        signed: frozenset[str],
    ) -> None:
        self._store, self._domain, self._span = store, domain, span
        self._given, self._signed = given, signed
        self._tracks: dict[tuple[str, str], list[Track]] = {}

    @property
    def span(self) -> Span:
        return self._span

    @cached_property
    def inhabitants(self) -> int:
        commune = self._store.assets.commune()
        return commune.inhabitants if commune else 0

    def assets(self, kind: str) -> Sequence[Asset]:
        return [asset for asset in self._assets if asset.kind == kind]

    def devices(self) -> Mapping[str, Sequence[Device]]:
        return self._devices

    def tracks(self, kind: str, prop: str) -> Iterator[Track]:
        """Remembered while they are few enough: several figures rest on the same ones."""
        kept = self._tracks.get((kind, prop))
        if kept is not None:
            yield from kept
            return
        found: list[Track] = []
        rows = 0
        for track in self._read(kind, prop):
            rows += len(track.n)
            if rows <= INDICATOR_ROWS_KEPT_MAX:
                found.append(track)
            yield track
        if rows <= INDICATOR_ROWS_KEPT_MAX:
            self._tracks[kind, prop] = found

    def _read(self, kind: str, prop: str) -> Iterator[Track]:
        of = {ident: key.asset for key, ident in self._series.items() if key.prop == prop}
        start, end = self._span
        for part in self._store.readings.hours_of_kind(self._domain, kind, prop, start, end):
            yield from _tracks(part, of)

    def lines(self, asset: str, prop: str) -> Sequence[Line]:
        found: list[Line] = []
        for key, ident in self._by_asset.get((asset, prop), ()):
            start, end = self._span
            points = self._store.readings.points(ident, start - BEFORE_MS, end)
            line = _line(key, points, start)
            if len(line.ts_ms):
                found.append(line)
        return found

    def episodes(self, *rules: str) -> Sequence[Episode]:
        found: list[Episode] = []
        for alarm in self._alarms:
            if alarm.rule in rules and not alarm.members:
                found += self._held(alarm)
        return found

    def signed(self, asset: str) -> bool:
        return asset in self._signed

    def given(self, name: str) -> float | None:
        return self._given(name)

    @cached_property
    def _assets(self) -> list[Asset]:
        return self._store.assets.assets(self._domain)

    @cached_property
    def _devices(self) -> dict[str, list[Device]]:
        found: dict[str, list[Device]] = {}
        for device in self._store.assets.devices():
            if device.status != "revoked":
                found.setdefault(device.asset, []).append(device)
        return found

    @cached_property
    def _series(self) -> dict[SeriesKey, int]:
        ids = [asset.id for asset in self._assets]
        return self._store.readings.series_of(ids) if ids else {}

    @cached_property
    def _by_asset(self) -> dict[tuple[str, str], list[tuple[SeriesKey, int]]]:
        found: dict[tuple[str, str], list[tuple[SeriesKey, int]]] = {}
        for key, ident in self._series.items():
            found.setdefault((key.asset, key.prop), []).append((key, ident))
        return found

    @cached_property
    def _alarms(self) -> list[Alarm]:
        found: list[Alarm] = []
        before, last = 0, ""
        states = [state.value for state in AlarmState]
        while len(found) < INDICATOR_ALARMS_MAX:
            page = self._store.alarms.alarms(states, self._domain, "", 1_000, before, last)
            found += page
            if len(page) < 1_000 or page[-1].seen_ms < self._span.start_ms - BEFORE_MS:
                break
            before, last = page[-1].seen_ms, page[-1].id
        return found

    def _held(self, alarm: Alarm) -> Iterator[Episode]:
        """From its story: the cause came at `raised` and `recurred`, went at `cleared`."""
        begun: int | None = alarm.raised_ms
        for event in self._store.alarms.events(alarm.id):
            if event.kind == "cleared" and begun is not None:
                yield from self._clipped(alarm.asset, begun, event.at_ms)
                begun = None
            elif event.kind == "recurred" and begun is None:
                begun = event.at_ms
        if begun is not None:
            end = self._span.end_ms if alarm.active else alarm.changed_ms
            yield from self._clipped(alarm.asset, begun, end)

    def _clipped(self, asset: str, start: int, end: int) -> Iterator[Episode]:
        low, high = max(start, self._span.start_ms), min(end, self._span.end_ms)
        if high > low:
            yield Episode(asset, low, high, end >= self._span.end_ms)


def _tracks(part: Hours, of: Mapping[int, str]) -> Iterator[Track]:
    if not len(part.series_id):
        return
    edges = np.flatnonzero(np.diff(part.series_id)) + 1
    for rows in np.split(np.arange(len(part.series_id)), edges):
        asset = of.get(int(part.series_id[rows[0]]))
        if asset is not None:
            yield Track(
                asset,
                part.start_ms[rows],
                part.n[rows],
                part.total[rows],
                part.low[rows],
                part.high[rows],
            )


def _line(key: SeriesKey, points: Points, start_ms: int) -> Line:
    """What held at the start of the period begins it."""
    good = points.quality != Quality.SUSPECT
    ts, value = points.ts_ms[good], points.value[good]
    first = int(np.searchsorted(ts, start_ms, "right"))
    if first == 0:
        return Line(key.asset, key.device, ts, value)
    ts = np.concatenate(([start_ms], ts[first:]))
    return Line(key.asset, key.device, ts, value[first - 1 :])
