"""A store whose true figures are known, to compare with what is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.cli.results import scoreboard_of
from beffroi.domains.registry import domains
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.asset import Asset, Commune
from beffroi.model.finding import Severity
from beffroi.model.measure import DAY_MS, HOUR_MS, Measured, Span
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey

NOW = 1_790_000_000_000 // DAY_MS * DAY_MS
SPAN = Span(NOW - 10 * DAY_MS, NOW)


class StoppedClock:
    """Stands still until it is moved."""

    def __init__(self, now_ms: int = NOW) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Town:
    """`measure(id)` over SPAN of whatever was put into it."""

    def __init__(self, home: Path) -> None:
        self.store: SqlStore = open_store(f"sqlite:///{home}/town.sqlite")
        self.store.assets.put_commune(Commune("c", "Essai", 1_000, 2.0, 48.0))
        self.clock = StoppedClock()
        self.board: Scoreboard = scoreboard_of(self.store, self.clock, domains())
        self._alarms = 0

    def asset(self, domain: str, kind: str, ident: str, **attrs: Any) -> str:
        self.store.assets.put_assets([Asset(ident, domain, kind, ident, 2.0, 48.0, attrs=attrs)])
        return ident

    def put(
        self, asset: str, prop: str, values: Iterable[tuple[int, float]], device: str = ""
    ) -> None:
        """`values`: (milliseconds since the start of SPAN, value)."""
        series = self.store.readings.series_ids([SeriesKey(asset, device, prop)])[0]
        rows = [Row(series, SPAN.start_ms + ms, v, 0, SPAN.start_ms + ms) for ms, v in values]
        self.store.readings.commit(Batch(rows=rows))

    def hourly(self, asset: str, prop: str, value: float, hours: Iterable[int]) -> None:
        self.put(asset, prop, [(h * HOUR_MS + 1, value) for h in hours])

    def alarm(self, rule: str, asset: str, start_h: float, end_h: float | None, **more: Any) -> str:
        """An alarm whose cause held between two hours of SPAN (None: still does)."""
        self._alarms += 1
        ident, at = f"a{self._alarms}", SPAN.start_ms + int(start_h * HOUR_MS)
        alarm = Alarm(
            ident, rule, asset, rule.split(".")[0], Severity.WARNING, AlarmState.RAISED, True,
            at, at, at, version=1,
        )  # fmt: skip
        events = [AlarmEvent(ident, at, "hub", "raised")]
        if end_h is not None:
            end = SPAN.start_ms + int(end_h * HOUR_MS)
            alarm = replace(alarm, active=False, changed_ms=end)
            events.append(AlarmEvent(ident, end, "hub", "cleared"))
        self.store.alarms.apply([AlarmChange(replace(alarm, **more), tuple(events))])
        return ident

    def enter(self, **values: str) -> None:
        for name, text in values.items():
            self.board.entries.enter(name, text, 2026, "délibération 12", "u-1")

    def measure(self, ident: str, span: Span = SPAN) -> Measured:
        return self.board.compute(span, frozenset({ident}))[ident]

    def figures(self, *idents: str) -> Mapping[str, float | None]:
        found = self.board.compute(SPAN, frozenset(idents))
        return {ident: found[ident].value for ident in idents}
