"""What was promised stays: the plan is in the log before the first day, and comes out again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.hub.indicators.town import StoppedClock
from typer.testing import CliRunner

from beffroi.adapters.log import Log
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.cli.experiment import app
from beffroi.evidence.entry import read_entry
from beffroi.hub.dossier.registers import Registers
from beffroi.hub.experiments import paper
from beffroi.hub.experiments.daily import daily
from beffroi.hub.experiments.desk import ExperimentError, Experiments
from beffroi.hub.experiments.effect import verdict
from beffroi.model.asset import Asset
from beffroi.model.experiment import ExperimentStage, Plan
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey

DAY_MS = 86_400_000
TODAY = date(2026, 9, 1)
START, END = TODAY + timedelta(days=3), TODAY + timedelta(days=30)
PLAN = Plan(
    title="Abaisser la rue Haute",
    why="Moins d’énergie sans plainte.",
    idea="",
    domain="lighting",
    kind="luminaire",
    prop="night_kWh",
    unit="kWh",
    assets=("lamp-1", "lamp-2"),
    control=("lamp-3", "lamp-4"),
    target_pct=-20.0,
    start=START.isoformat(),
    end=END.isoformat(),
    before_days=28,
    timezone="Europe/Paris",
)


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 10, tzinfo=UTC).timestamp() * 1000)


class Town:
    """A street with its log; `live` writes a figure a night and lamp."""

    def __init__(self, home: Path, url: str) -> None:
        self.clock = StoppedClock(ms(TODAY))
        self.store: SqlStore = open_store(url)
        self.log = Log(home / "evidence", "essai", seed=bytes(range(32)))
        lamps = [Asset(f"lamp-{n}", "lighting", "luminaire", f"L{n}", 2.0, 48.0) for n in (1, 2, 3)]
        self.store.assets.put_assets([*lamps, replace(lamps[0], id="lamp-4")])
        registers = Registers(self.store.registers, self.log, self.clock)  # type: ignore[arg-type]
        self.desk = Experiments(registers, self.store, self.clock, {"idea-1"}.__contains__)

    def live(self, change: float) -> None:
        rows = []
        for n, lamp in enumerate(("lamp-1", "lamp-2", "lamp-3", "lamp-4")):
            series = self.store.readings.series_ids([SeriesKey(lamp, "", "night_kWh")])[0]
            for k in range(-30, 40):
                day = START + timedelta(days=k)
                share = change if n < 2 and day >= START else 0.0
                value = (0.3 + 0.01 * ((k * 7 + n * 3) % 5)) * (1 + share)
                rows.append(Row(series, ms(day), value, 0, ms(day)))
        self.store.readings.commit(Batch(rows=rows))


@pytest.fixture
def town(tmp_path: Path, url: str) -> Iterator[Town]:
    made = Town(tmp_path, url)
    yield made
    made.log.close()
    made.store.close()


def measured(town: Town, change: float) -> str:
    one = town.desk.draft(PLAN, "u-1")
    town.desk.register(one.id, "u-1")
    town.live(change)
    town.clock.at_ms = ms(END + timedelta(days=1))
    town.desk.measure(one.id, "u-1")
    return one.id


def test_a_promise_is_in_the_log_before_it_begins(town: Town, tmp_path: Path) -> None:
    ident = measured(town, -0.3)
    one = town.desk.one(ident)
    assert one is not None
    assert one.stage is ExperimentStage.MEASURED
    promised, ended = (read_entry(town.log.entry(index)) for index in (one.registered, one.ended))
    assert promised.kind == "experiment.registered"
    assert promised.subject == paper.digest(one.plan_text)
    assert promised.at_ms < ms(START)
    assert ended.subject == paper.digest(one.result_text)
    found, word = paper.read_result(one.plan, one.result_text)
    assert (word, found.days_before, found.days_after) == ("reached", 28, 28)
    assert found.change_pct == pytest.approx(-30, abs=1.5)
    file = tmp_path / "e.json"
    file.write_bytes(town.desk.published(ident))
    answer = CliRunner().invoke(app, ["verify", str(file)])
    assert answer.exit_code == 0, answer.output
    assert promised.subject.hex() in answer.output
    assert ended.subject.hex() in answer.output


@pytest.mark.parametrize(("change", "word"), [(0.25, "worse"), (0.0, "none"), (-0.1, "better")])
def test_a_bad_result_is_published_like_a_good_one(town: Town, change: float, word: str) -> None:
    one = town.desk.one(measured(town, change))
    assert one is not None
    assert verdict(paper.read_result(one.plan, one.result_text)[0], -20.0) == word


def test_what_was_promised_cannot_be_taken_back(town: Town) -> None:
    one = town.desk.draft(PLAN, "u-1")
    town.desk.register(one.id, "u-1")
    for deed in (town.desk.drop, town.desk.register):
        with pytest.raises(ExperimentError):
            deed(one.id, "u-1")
    with pytest.raises(ExperimentError) as early:
        town.desk.measure(one.id, "u-1")
    assert early.value.code == "early"
    with pytest.raises(ExperimentError) as mute:
        town.desk.stop(one.id, "  ", "u-1")
    assert mute.value.code == "reason"
    stopped = town.desk.stop(one.id, "Travaux de la place", "u-1")
    assert stopped.plan_text == one.plan_text
    assert [found.id for found in town.desk.all()] == [one.id]
    with pytest.raises(ExperimentError):
        town.desk.measure(one.id, "u-1")


def test_nobody_stops_a_pilot_whose_days_can_be_seen(town: Town) -> None:
    """Else a result that disappoints would be stopped instead of published."""
    one = town.desk.draft(PLAN, "u-1")
    town.desk.register(one.id, "u-1")
    town.live(0.3)
    town.clock.at_ms = ms(END + timedelta(days=1))
    with pytest.raises(ExperimentError) as hidden:
        town.desk.stop(one.id, "Travaux", "u-1")
    assert hidden.value.code == "over"
    assert town.desk.measure(one.id, "u-1").stage is ExperimentStage.MEASURED


def test_a_state_counts_by_the_time_it_held(town: Town) -> None:
    """A bay says when it changes: taken from 6 to 12 local time is a quarter of the day, not half
    of what was said. After 26 h of silence nothing is known."""
    bay = Asset("bay-1", "parking", "bay", "P1", 2.0, 48.0)
    town.store.assets.put_assets([bay])
    series = town.store.readings.series_ids([SeriesKey("bay-1", "", "occupied")])[0]
    local = ZoneInfo("Europe/Paris")
    rows = []
    for k in range(4):
        for hour, value in ((6, 1.0), (12, 0.0)):
            when = datetime(2026, 8, 10 + k, hour, tzinfo=local)
            at = int(when.timestamp() * 1000)
            rows.append(Row(series, at, value, 0, at))
    town.store.readings.commit(Batch(rows=rows))
    plan = replace(PLAN, domain="parking", kind="bay", prop="occupied", holds_s=26 * 3_600)
    first = date(2026, 8, 10)
    found = daily(town.store.readings, plan, ["bay-1"], first, first + timedelta(days=6))
    days = [date.fromordinal(day).day for day in found]
    assert days == [10, 11, 12, 13]  # 10: 18 of 24 hours; 14: 14 of 24 are not enough
    assert list(found.values()) == pytest.approx([1 / 3, 0.25, 0.25, 0.25])


def test_it_is_not_registered_once_it_has_begun(town: Town) -> None:
    """Else a pilot could be announced after a look at its first days."""
    one = town.desk.draft(PLAN, "u-1")
    town.clock.at_ms = ms(START)
    with pytest.raises(ExperimentError) as late:
        town.desk.register(one.id, "u-1")
    assert late.value.code == "begun"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": "  "}, "words"),
        ({"why": ""}, "words"),
        ({"idea": "unpublished"}, "idea"),
        ({"target_pct": 0.0}, "target"),
        ({"target_pct": float("nan")}, "target"),
        ({"end": (START + timedelta(days=12)).isoformat()}, "days"),
        ({"before_days": 13}, "days"),
        ({"start": TODAY.isoformat()}, "begun"),
        ({"assets": ()}, "assets"),
        ({"assets": ("lamp-1", "lamp-3")}, "assets"),  # pilot and control at once
        ({"assets": ("nobody",)}, "assets"),
        ({"domain": "water"}, "assets"),
        ({"kind": "cabinet"}, "assets"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(
    town: Town, change: dict[str, object], code: str
) -> None:
    with pytest.raises(ExperimentError) as refused:
        town.desk.draft(replace(PLAN, **change), "u-1")  # type: ignore[arg-type]
    assert refused.value.code == code
    assert town.desk.all() == []


def test_too_few_days_conclude_nothing(town: Town) -> None:
    one = town.desk.draft(PLAN, "u-1")
    town.desk.register(one.id, "u-1")
    town.clock.at_ms = ms(END + timedelta(days=1))  # and nothing was ever stored
    done = town.desk.measure(one.id, "u-1")
    assert paper.read_result(done.plan, done.result_text)[1] == "unknown"


@pytest.mark.parametrize("part", ["plan", "result"])
def test_a_changed_figure_is_seen(town: Town, tmp_path: Path, part: str) -> None:
    read = json.loads(town.desk.published(measured(town, 0.0)))
    inner = json.loads(read[part])
    if part == "plan":
        inner["target_pct"] = 5.0
    else:
        inner["verdict"] = "reached"
    read[part] = json.dumps(inner, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    file = tmp_path / "e.json"
    file.write_text(json.dumps(read))
    answer = CliRunner().invoke(app, ["verify", str(file)])
    one = town.desk.all()[0]
    sealed = read_entry(town.log.entry(one.registered)).subject.hex()
    assert answer.exit_code == 1 or sealed not in answer.output


@pytest.mark.parametrize("junk", [b"", b"[]", b"{}", b'{"format": "beffroi-experiment-1"}',
                                  b"\xff\xfe", b"[" * 100_000])  # fmt: skip
def test_another_file_is_refused_in_words(tmp_path: Path, junk: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(junk)
    answer = CliRunner().invoke(app, ["verify", str(file)])
    assert answer.exit_code == 2
    assert "Traceback" not in answer.output


def test_numbers_that_are_too_great_are_no_result() -> None:
    """The checker told a stack of its own code instead of what is wrong with the file."""
    huge = "1" + "0" * 400
    said = f'{{"treated": {{"2026-01-01": {huge}}}, "control": null}}'
    with pytest.raises(paper.PaperError, match="not a result"):
        paper.read_result(PLAN, said)


def test_a_draft_for_next_year_has_a_page(town: Town) -> None:
    """Of days that are all to come there are none: its page failed until a month before."""
    start, end = TODAY + timedelta(days=200), TODAY + timedelta(days=230)
    plan = replace(PLAN, start=start.isoformat(), end=end.isoformat())
    assert town.desk.days(town.desk.draft(plan, "u1").plan) == ({}, {})
