"""All indicators of a commune, for the running twelve months and month by month.

Months that are over are computed once and kept; what is known only on the day itself (open alarms,
secrets left) keeps the last value of its month. Holds no definition: `law.indicators` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from beffroi import law
from beffroi.domains.base import Domain
from beffroi.hub.indicators.entries import OWN, Entries, Write
from beffroi.hub.indicators.own import OWN_MEASURES, Ask, Books
from beffroi.hub.indicators.reader import StoreReader
from beffroi.model.asset import Label
from beffroi.model.limits import INDICATOR_FRESH_S, INDICATOR_KNOWN_MIN, INDICATOR_MONTHS
from beffroi.model.measure import DAY_MS, Entry, Measured, Span, unproven
from beffroi.ports.clock import Clock

VERSION = 1  # of the way months are computed; a new one has them computed again
LATE_DAYS = 2  # readings may come so long after the end of a month
SETTING = "indicators:"
NOWHERE = Label("aucun service ne le mesure", "no service measures it")
ON_THE_DAY = frozenset({"G3", "S2", "S3", "S6", "S7"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """Figures of one period by indicator."""

    span: Span
    at_ms: int
    figures: Mapping[str, Measured]


class _Kept(msgspec.Struct):
    version: int
    stamp: int  # of what people had entered
    final: bool
    at_ms: int
    figures: dict[str, Measured]


_ENCODE = msgspec.json.Encoder()
_DECODE = msgspec.json.Decoder(_Kept)


def entries_of(domains: Mapping[str, Domain]) -> dict[str, Entry]:
    """Everything that people are asked for."""
    known = {name: e for domain in domains.values() for name, e in domain.entries.items()}
    return known | dict(OWN)


def months_back(now_ms: int, zone: ZoneInfo, count: int) -> list[tuple[str, Span]]:
    """("2026-11", its span) of the running month and those before it, oldest first."""
    at = datetime.fromtimestamp(now_ms / 1000, zone)
    year, month = at.year, at.month
    found = []
    for _ in range(count):
        start = datetime(year, month, 1, tzinfo=zone)
        then = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        span = Span(_ms(start), min(_ms(then), now_ms))
        found.append((f"{year:04d}-{month:02d}", span))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found[::-1]


class Scoreboard:
    """Safe to use from threads; one calculation at a time."""

    def __init__(
        self,
        books: Books,
        domains: Mapping[str, Domain],
        write: Write,
        clock: Clock,
        signed: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """`signed`: assets whose guards obey signed commands only."""
        self.books, self.clock, self._domains = books, clock, domains
        self.entries = Entries(books.registers, write, entries_of(domains))
        self.signed = signed
        self._lock = threading.Lock()
        self._sheets: dict[int, Sheet] = {}

    def compute(self, span: Span, only: frozenset[str] | None = None) -> dict[str, Measured]:
        """Every indicator (or those in `only`) of any period."""
        given = self.entries.of(span)
        ask = Ask(self.books, span, self.clock.now_ms(), given)
        readers: dict[str, StoreReader] = {}
        found = {}
        for ident in law.indicators():
            if only is None or ident in only:
                found[ident] = self._one(ident, ask, readers)
        return found

    def _one(self, ident: str, ask: Ask, readers: dict[str, StoreReader]) -> Measured:
        own = OWN_MEASURES.get(ident)
        if own is not None:
            return own(ask)
        for name, domain in self._domains.items():
            measure = domain.measures.get(ident)
            if measure is not None:
                reader = readers.get(name) or StoreReader(
                    self.books.store, name, ask.span, given=ask.given, signed=self.signed()
                )
                readers[name] = reader
                return _enough(measure(reader))
        return unproven(NOWHERE)

    def sheet(self, days: int) -> Sheet:
        """The last `days` days, at most INDICATOR_FRESH_S old."""
        now = self.clock.now_ms()
        with self._lock:
            found = self._sheets.get(days)
            if found is None or not 0 <= now - found.at_ms < INDICATOR_FRESH_S * 1_000:
                span = Span(now - days * DAY_MS, now)
                found = self._sheets[days] = Sheet(span, now, self.compute(span))
            return found

    def forget(self) -> None:
        """Something was entered: compute again."""
        with self._lock:
            self._sheets.clear()

    def months(self) -> list[tuple[str, dict[str, Measured]]]:
        """The running month and those before it, oldest first."""
        commune = self.books.store.assets.commune()
        zone = ZoneInfo(commune.timezone if commune else "Europe/Paris")
        now, stamp = self.clock.now_ms(), self.entries.stamp()
        return [
            (name, self._month(name, span, now, stamp))
            for name, span in months_back(now, zone, INDICATOR_MONTHS)
        ]

    def _month(self, name: str, span: Span, now_ms: int, stamp: int) -> dict[str, Measured]:
        """`stamp` of the entries is read before anything is computed: what is entered meanwhile
        has the month computed again."""
        kept = self._kept(name)
        if kept is not None and kept.stamp == stamp and _good(kept, now_ms):
            return kept.figures
        final = span.end_ms + LATE_DAYS * DAY_MS <= now_ms
        with self._lock:
            figures = self.compute(span)
            if kept is not None:
                for ident in ON_THE_DAY:
                    if figures[ident].value is None and ident in kept.figures:
                        figures[ident] = kept.figures[ident]
        doc = _ENCODE.encode(_Kept(VERSION, stamp, final, now_ms, figures)).decode()
        self.books.store.people.put_setting(SETTING + name, doc)
        return figures

    def _kept(self, name: str) -> _Kept | None:
        raw = self.books.store.people.setting(SETTING + name)
        try:
            kept = _DECODE.decode(raw) if raw else None
        except msgspec.DecodeError:
            return None
        return kept if kept is not None and kept.version == VERSION else None


def _good(kept: _Kept, now_ms: int) -> bool:
    return kept.final or 0 <= now_ms - kept.at_ms < INDICATOR_FRESH_S * 1_000


def _enough(found: Measured) -> Measured:
    """A figure that rests on almost nothing is none."""
    if found.value is None or found.known >= INDICATOR_KNOWN_MIN:
        return found
    pct = f"{100 * found.known:.1f}"
    why = Label(
        f"trop peu de données ({pct.replace('.', ',')}\u00a0% de la période et des ouvrages)",
        f"too few data ({pct}\u00a0% of the period and the assets)",
    )
    return unproven(why, found.known)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
