"""Figures that only people know, entered once a year, each a line of a register with its document.

A line is dated and never changed; the newest one of the year counts. Knows no indicator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from beffroi.model.asset import Label
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.model.measure import Entry, Span
from beffroi.ports.registers import Record, RegisterStore

BOOK = "figure"
DAY = "day"  # the unit of an entry that is a day; its value is the day since 0001-01-01
OWN: Mapping[str, Entry] = {
    "exposed_devices": Entry(
        Label(
            "équipements joignables depuis Internet au dernier contrôle",
            "devices reachable from the Internet at the last check",
        )
    ),
    "accounts_reviewed": Entry(
        Label("dernière revue des comptes privilégiés", "last review of privileged accounts"), DAY
    ),
    "restore_tested": Entry(
        Label("dernier test de restauration réussi", "last successful restore test"), DAY
    ),
    "updates_published": Entry(
        Label("correctifs publiés pour nos équipements", "updates published for our devices")
    ),
    "updates_in_time": Entry(
        Label("correctifs appliqués dans les 30 jours", "updates applied within 30 days")
    ),
    "sets_open": Entry(Label("jeux de données ouverts", "open data sets")),
    "sets_fresh": Entry(
        Label("jeux de données ouverts à jour", "open data sets that are up to date")
    ),
}
Write = Callable[[str, str, str, Mapping[str, str | int], str], Record]


class EntryError(ValueError):
    """What was entered cannot be kept; the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entered:
    """One figure as it stands."""

    name: str
    value: float
    year: int
    document: str
    by: str
    at_ms: int


def read_value(entry: Entry, text: str) -> float:
    """A number ("1 234,5" too), or the ordinal of an ISO day. EntryError."""
    text = text.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    if entry.unit == DAY:
        try:
            return float(date.fromisoformat(text).toordinal())
        except ValueError:
            raise EntryError("entry_day", "Choose a day.") from None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise EntryError("entry_number", "Write a number.") from None
    if not 0 <= value <= entry.high:
        raise EntryError("entry_range", "This number is out of range.")
    return value


class Entries:
    """Of one commune. `known` are the entries that anybody asks for."""

    def __init__(self, store: RegisterStore, write: Write, known: Mapping[str, Entry]) -> None:
        self._store, self.write, self.known = store, write, known

    def enter(self, name: str, text: str, year: int, document: str, actor: str) -> Record:
        """A new line. EntryError."""
        entry = self.known.get(name)
        if entry is None:
            raise EntryError("entry_unknown", "There is no such figure.")
        if not 2000 <= year <= 2200:
            raise EntryError("entry_year", "Write the year in four digits.")
        document = document.strip()
        if not document or len(document) > NAME_CHARS_MAX * 2:
            raise EntryError("entry_document", "Name the document that shows it.")
        value = read_value(entry, text)
        facts: dict[str, str | int] = {"value": repr(value), "year": year, "document": document}
        return self.write(BOOK, name, "declared", facts, actor)

    def all(self, until_year: int) -> dict[str, Entered]:
        """By name: of the latest year not after `until_year`, the newest line."""
        found: dict[str, Entered] = {}
        for record in self._store.records(BOOK):
            entered = _entered(record)
            if entered is None or entered.year > until_year or entered.name not in self.known:
                continue
            before = found.get(entered.name)
            if before is None or entered.year >= before.year:
                found[entered.name] = entered
        return found

    def stamp(self) -> int:
        """Grows with every line: what was computed before one is computed again."""
        return max((record.at_ms for record in self._store.records(BOOK)), default=0)

    def of(self, span: Span) -> Callable[[str], float | None]:
        """What a measure of this period is given."""
        last = datetime.fromtimestamp((span.end_ms - 1) / 1000, UTC).year
        values = {name: one.value for name, one in self.all(last).items()}
        return values.get


def _entered(record: Record) -> Entered | None:
    """None for a line that was made silent or is not one of ours."""
    try:
        value, year = float(record.facts["value"]), int(record.facts["year"])
    except (KeyError, ValueError):
        return None
    document = str(record.facts.get("document", ""))
    return Entered(record.key, value, year, document, record.actor, record.at_ms)
