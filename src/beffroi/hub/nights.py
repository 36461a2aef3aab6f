"""Once a night, for each asset whose service balances something: a line of the register `balance`.

The line is in the evidence log first. A night that cannot be proven is a line too, and says why.
Each asset and day has one line, however often the hub looks. Refuses to know what is balanced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import structlog

from beffroi.domains.base import Domain
from beffroi.domains.nightly import Night, Nightly, Sight, Wanted
from beffroi.hub.alarms.lifecycle import HUB
from beffroi.hub.dossier.registers import RegisterError, Registers, id_refs
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding
from beffroi.model.limits import (
    NIGHT_LOOK_S,
    NIGHT_REACH_DAYS,
    NIGHT_SETTLE_H,
    NIGHTS_JUDGED_MAX,
    NIGHTS_LATE_MAX,
    TITLES_KEPT_DAYS,
)
from beffroi.model.measure import DAY_MS, HOUR_MS
from beffroi.model.reading import Quality
from beffroi.ports.clock import Clock
from beffroi.ports.registers import Fact, Record
from beffroi.ports.store import SeriesKey, Store, StoreError
from beffroi.ports.titles import TitlesError, TitleShelf

BOOK, BALANCED, UNPROVEN = "balance", "balanced", "unproven"
SETTLE_MS = NIGHT_SETTLE_H * HOUR_MS

log = structlog.get_logger("nights")


class Nights:
    """Of one commune. Holds nothing: what was done is read from the register. Blocks."""

    def __init__(
        self,
        registers: Registers,
        store: Store,
        domains: Mapping[str, Domain],
        shelf: TitleShelf,
        alarms: Callable[[Sequence[Finding]], None],
        clock: Clock,
    ) -> None:
        self._registers, self._store, self._domains = registers, store, domains
        self._shelf, self._alarms, self._clock = shelf, alarms, clock

    def look(self) -> int:
        """Balance what is due; how many lines were written."""
        written = 0
        today = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date()
        gone = self._shelf.forget(today - timedelta(days=TITLES_KEPT_DAYS))
        if gone:
            log.info("titles_purged", days=gone)
        for name, domain in self._domains.items():
            if domain.nightly is not None:
                for asset in self._store.assets.assets(name):
                    written += self._settle(asset, domain.nightly)
        return written

    async def run(self) -> None:
        """Every NIGHT_LOOK_S, until cancelled. What fails is tried again next time."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except (StoreError, RegisterError) as error:
                log.warning("night_not_balanced", error=str(error))
            await asyncio.sleep(NIGHT_LOOK_S)

    def _settle(self, asset: Asset, nightly: Nightly) -> int:
        lines = self._registers.store.records(BOOK, asset.id, limit=NIGHTS_JUDGED_MAX)
        due = self._due(asset, nightly, lines)
        for day, wanted in due:
            lines.append(self._balance(asset, nightly, day, wanted, lines))
        return len(due)

    def _due(
        self, asset: Asset, nightly: Nightly, lines: Sequence[Record]
    ) -> list[tuple[date, Wanted]]:
        """Days without a line, oldest first; of an asset without any line the newest alone."""
        now_ms = self._clock.now_ms()
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date() + timedelta(days=1)
        over = []
        for back in range(NIGHTS_LATE_MAX + 1, -1, -1):
            day = today - timedelta(days=back)
            wanted = nightly.wanted(asset, day)
            if wanted is not None and wanted.end_ms + SETTLE_MS <= now_ms:
                over.append((day, wanted))
        if not lines:
            return over[-1:]
        last = max(str(one.facts.get("day", "")) for one in lines)
        return [one for one in over if one[0].isoformat() > last]

    def _balance(
        self, asset: Asset, nightly: Nightly, day: date, wanted: Wanted, lines: Sequence[Record]
    ) -> Record:
        night = self._judged(asset, nightly, day, wanted)
        if not night.why:  # told before the line: after a crash between the two it is told again
            shares = [_share(one) for one in lines if one.what == BALANCED and one.facts]
            self._alarms(nightly.findings(asset, [*shares, (wanted.end_ms, night.low_pct)]))
        facts: dict[str, Fact] = {"day": day.isoformat(), "end_ms": wanted.end_ms, **night.facts}
        if night.why:
            facts["why"] = night.why
        what = UNPROVEN if night.why else BALANCED
        return self._registers.write(BOOK, asset.id, what, facts, HUB, refs=id_refs(asset=asset.id))

    def _judged(self, asset: Asset, nightly: Nightly, day: date, wanted: Wanted) -> Night:
        if wanted.why:
            return Night({}, wanted.why)
        sights = {one: self._sight(one, wanted) for one in wanted.sights}
        try:
            sold = self._shelf.sold(day)
        except TitlesError as error:
            log.warning("titles_unreadable", error=str(error))
            sold = None
        known = self._store.assets.commune()
        commune = known.id if known is not None else asset.commune
        return nightly.balance(asset, day, commune, sights, sold)

    def _sight(self, asset: str, wanted: Wanted) -> Sight:
        readings, start_ms = self._store.readings, wanted.start_ms - NIGHT_REACH_DAYS * DAY_MS
        series = readings.series_of([asset])
        heard: set[int] = set()
        for key, ident in series.items():
            if key.device:
                hours = readings.hours(ident, wanted.start_ms - 2 * DAY_MS, wanted.end_ms)
                heard.update(hour.start_ms for hour in hours)

        def told(prop: str) -> list[tuple[int, float]]:
            ident = series.get(SeriesKey(asset, "", prop))
            if ident is None:
                return []
            points = readings.points(ident, start_ms, wanted.end_ms)
            good = points.quality != Quality.SUSPECT
            return list(zip(points.ts_ms[good].tolist(), points.value[good].tolist(), strict=True))

        return Sight(told("state"), told("confidence"), sorted(heard))


def _share(line: Record) -> tuple[int, float]:
    return int(line.facts["end_ms"]), int(line.facts["unpaid_low_permille"]) / 10
