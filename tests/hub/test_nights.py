"""A night of a paying zone from a real store, real titles and a real evidence log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from beffroi.adapters.log.log import Log
from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.adapters.titles import TitleFolder
from beffroi.domains.entitlement.token import Token, message, seal
from beffroi.domains.registry import domains
from beffroi.evidence.entry import read_entry
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dossier.registers import RegisterError, Registers
from beffroi.hub.nights import BALANCED, BOOK, UNPROVEN, Nights
from beffroi.model.asset import Asset, Commune
from beffroi.model.limits import TITLES_BYTES_MAX, TITLES_KEPT_DAYS
from beffroi.model.reading import Row
from beffroi.ports.log_store import LogError
from beffroi.ports.registers import Record
from beffroi.ports.store import Batch, SeriesKey

PARIS, H = ZoneInfo("Europe/Paris"), 3_600_000
MONDAY = date(2026, 9, 21)
BAYS = ("bay-1", "bay-2")
HOURS = [{"days": [1, 2, 3, 4, 5, 6], "from": "09:00", "to": "19:00"}]
SIGNER, OTHER = SeedSigner(b"t" * 32), SeedSigner(b"o" * 32)
FREE, OCCUPIED, UNKNOWN = 0.0, 1.0, 3.0


def at(hour: float, day: date = MONDAY) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=PARIS)
    return round(midnight.timestamp() * 1000 + hour * H)


@dataclass
class Zone:
    """A zone of two bays; `clock.now_ms` is `ms`."""

    home: Path
    store: SqlStore
    log: Log
    ms: int = field(default=at(29))
    nonces: int = 0

    def now_ms(self) -> int:
        return self.ms

    def __post_init__(self) -> None:
        known = domains()
        rules = {name: rule for one in known.values() for name, rule in one.rules.items()}
        self.desk = Desk(self.store.alarms, rules)
        self.registers = Registers(self.store.registers, self.log, self)
        alarms = ToDesk(self.desk, self.store, self)
        self.titles = self.home / "titles"
        self.titles.mkdir()
        (self.titles / "public").write_text(SIGNER.public.hex() + "\n")
        shelf = TitleFolder(self.titles)
        self.nights = Nights(self.registers, self.store, known, shelf, alarms, self)
        self.store.assets.put_commune(Commune("bourg", "Bourg", 800, 2, 48))
        bays = [Asset(one, "parking", "bay", one, 2, 48) for one in BAYS]
        self.store.assets.put_assets(bays)
        self.settings({"bays": list(BAYS), "hours": HOURS})

    def settings(self, balance: object) -> None:
        zone = Asset("zone-1", "entitlement", "zone", "Centre", 2, 48, attrs={"balance": balance})
        self.store.assets.put_assets([zone])

    def write(self, bay: str, device: str, prop: str, *points: tuple[int, float]) -> None:
        series = self.store.readings.series_ids([SeriesKey(bay, device, prop)])[0]
        rows = [Row(series, ts, value, 0, ts) for ts, value in points]
        self.store.readings.commit(Batch(rows=rows))

    def seen(
        self, *stays: tuple[str, float, float], day: date = MONDAY, sure: float = 0.99
    ) -> None:
        """Both bays were heard all day; vehicles stood there from hour to hour."""
        for bay in BAYS:
            mine = [one for one in stays if one[0] == bay]
            self.write(bay, f"sensor-{bay}", "battery_V", (at(-1, day), 3.5), (at(12, day), 3.5))
            points = [(at(-1, day), FREE)]
            for _, start, end in mine:
                points += [(at(start, day), OCCUPIED), (at(end, day), FREE)]
            self.write(bay, "", "state", *points)
            self.write(bay, "", "confidence", *[(ts, sure) for ts, _ in points])

    def word(self, start: float, end: float, place: str = "zone-1", *, day: date = MONDAY,
             signer: SeedSigner = SIGNER, commune: str = "bourg") -> str:  # fmt: skip
        self.nonces += 1
        since, until = at(start, day) // 1000, at(end, day) // 1000
        nonce = self.nonces.to_bytes(16, "big")
        token = Token(commune, place, since, until, (until - since) // 60, nonce)
        signature = signer.sign(message(token))
        return seal(token, signature.key, signature.value)

    def sold(self, *words: str, day: date = MONDAY) -> None:
        (self.titles / f"{day}.txt").write_text("".join(f"{one}\n" for one in words))

    def lines(self) -> list[Record]:
        return self.store.registers.records(BOOK, "zone-1")

    def alarms(self) -> Sequence[str]:
        return [one.rule for one in self.desk.open() if one.active]


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    store, log = open_store(f"sqlite:///{tmp_path}/b.sqlite"), Log(tmp_path / "evidence", "bourg")
    yield Zone(tmp_path, store, log)
    log.close()
    store.close()


def test_a_night_that_was_paid_is_balanced_once_and_in_the_log(zone: Zone) -> None:
    zone.seen(("bay-1", 10, 11), ("bay-2", 14, 16))
    zone.sold(zone.word(10, 11), zone.word(14, 16, "bay-2"))
    assert (zone.nights.look(), zone.nights.look()) == (1, 0)
    (line,) = zone.lines()
    facts = dict(line.facts)
    assert (line.what, facts["day"], facts["known_pct"]) == (BALANCED, "2026-09-21", 100)
    assert (facts["occupied_low_min"], facts["occupied_high_min"], facts["paid_min"]) == (
        180, 180, 180,
    )  # fmt: skip
    assert (facts["unpaid_low_min"], facts["unpaid_high_min"], facts["titles"]) == (0, 0, 2)
    entry = read_entry(zone.log.entry(line.entry))
    assert (entry.kind, entry.refs["asset"], entry.refs["case"]) == (
        "register.balance", "zone-1", line.id,
    )  # fmt: skip
    assert zone.alarms() == []


def test_an_unpaid_night_and_titles_that_are_none_of_ours(zone: Zone) -> None:
    zone.seen(("bay-1", 10, 12), ("bay-2", 20, 23))  # the second after the paying hours
    one = zone.word(10, 10.5)
    zone.sold(one, one, zone.word(10, 12, signer=OTHER), zone.word(10, 12, commune="oye"),
              zone.word(10, 12, "zone-2"), "RIEN")  # fmt: skip
    zone.nights.look()
    facts = dict(zone.lines()[0].facts)
    assert (facts["occupied_low_min"], facts["paid_min"], facts["titles"]) == (120, 30, 1)
    assert (facts["unpaid_low_min"], facts["unpaid_low_permille"]) == (90, 750)
    assert facts["not_ours"] == 3


def test_nobody_sold_anything_is_not_nobody_told(zone: Zone) -> None:
    zone.seen(("bay-1", 10, 11))
    zone.sold()
    zone.nights.look()
    assert zone.lines()[0].facts["unpaid_low_permille"] == 1_000


@pytest.mark.parametrize(
    ("missing", "why"), [("titles", "titles"), ("keys", "titles"), ("bay", "sight"),
                         ("unknown", "sight"), ("settings", "settings"), ("large", "titles")],
)  # fmt: skip
def test_without_data_a_night_is_not_proven(zone: Zone, missing: str, why: str) -> None:
    zone.sold(zone.word(10, 11))
    if missing != "bay":
        zone.seen(("bay-1", 10, 11))
    if missing == "titles":
        (zone.titles / f"{MONDAY}.txt").unlink()
    elif missing == "keys":
        (zone.titles / "public").unlink()
    elif missing == "unknown":
        zone.write("bay-2", "", "state", (at(9.5), UNKNOWN), (at(15), FREE))
    elif missing == "settings":
        zone.settings({"bays": "bay-1"})
    elif missing == "large":
        (zone.titles / f"{MONDAY}.txt").write_bytes(b"A" * (TITLES_BYTES_MAX + 1))
    assert (zone.nights.look(), zone.nights.look()) == (1, 0)
    (line,) = zone.lines()
    assert (line.what, line.facts["why"]) == (UNPROVEN, why)
    assert "unpaid_low_permille" not in line.facts
    assert zone.alarms() == []


def test_what_nobody_saw_is_in_the_high_figure_alone(zone: Zone) -> None:
    zone.seen(("bay-1", 10, 11))
    zone.write("bay-2", "", "state", (at(13), UNKNOWN), (at(14), FREE))
    zone.sold(zone.word(10, 11))
    zone.nights.look()
    facts = dict(zone.lines()[0].facts)
    assert (facts["known_pct"], facts["unpaid_low_min"], facts["unpaid_high_min"]) == (95, 0, 60)


def test_a_night_waits_for_late_readings_and_a_sunday_for_nobody(zone: Zone) -> None:
    zone.ms = at(27.9)
    assert zone.nights.look() == 1  # a zone without lines begins with the newest that is over
    zone.ms = at(29)
    assert zone.nights.look() == 1
    zone.ms = at(29 + 6 * 24)  # the hub was off for six days; one of them is a Sunday
    assert zone.nights.look() == 5
    days = [str(one.facts["day"]) for one in zone.lines()]
    assert days == [f"2026-09-{n}" for n in (19, 21, 22, 23, 24, 25, 26)]


def test_the_rule_of_the_service_raises_its_alarm(zone: Zone) -> None:
    """Ten ordinary days are learnt; then nobody pays."""
    day, nights = MONDAY, 0
    while "entitlement.unpaid_unusual" not in zone.alarms():
        assert nights < 14
        if day.isoweekday() < 7:
            zone.seen(("bay-1", 10, 12), day=day)
            zone.sold(*[zone.word(10, 12, day=day)] * (nights < 10), day=day)
            nights += 1
        zone.ms = at(29, day)
        zone.nights.look()
        day += timedelta(days=1)
    assert nights >= 11
    assert len(zone.lines()) == nights


def test_without_the_log_there_is_no_line(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(drafts: object) -> None:
        raise LogError("the disk is full")

    zone.seen()
    with monkeypatch.context() as during:
        during.setattr(zone.log, "append", full)
        with pytest.raises(RegisterError, match="disk is full"):
            zone.nights.look()
    assert zone.lines() == []
    assert zone.nights.look() == 1


def test_free_minutes_run_from_the_arrival(zone: Zone) -> None:
    """Also when it came before the paying hours, and then no second time."""
    zone.settings({"bays": list(BAYS), "hours": HOURS, "free_min": 30})
    zone.seen(("bay-1", 8, 10), ("bay-2", 12, 13))
    zone.sold()
    zone.nights.look()
    facts = dict(zone.lines()[0].facts)
    assert (facts["unpaid_low_min"], facts["unpaid_high_min"]) == (90, 90)


def test_titles_that_no_night_needs_any_more_are_removed(zone: Zone) -> None:
    """The oldest night that may yet be balanced needs those of the eight days before it."""
    today = datetime.fromtimestamp(zone.ms / 1000, UTC).date()
    days = [today - timedelta(days=n) for n in range(TITLES_KEPT_DAYS + 3)]
    for day in days:
        zone.sold(day=day)
    (zone.titles / "notes.txt").write_text("not a day")
    zone.nights.look()
    left = {path.stem for path in zone.titles.iterdir()}
    assert left == {"public", "notes", *map(str, days[: TITLES_KEPT_DAYS + 1])}
