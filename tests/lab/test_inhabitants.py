"""The voices of the demonstration, told to the real desks of a fresh home, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.log.reading import Reader
from beffroi.cli import demo, place
from beffroi.cli.settings import Settings
from beffroi.domains.registry import domains
from beffroi.hub.indicators.public import opened
from beffroi.lab import demo as lab_demo
from beffroi.lab.commune import commune
from beffroi.lab.inhabitants import CODES, LINES, STORIES, VOTES
from beffroi.model.consultation import Stage
from beffroi.model.report import IDEA, ReportState
from beffroi.ports.reports import Wanted


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_visitor_finds_reports_ideas_a_vote_and_registers(settings: Settings) -> None:
    store, clock = place.store_of(settings), SystemClock()
    made = commune(500, 1)
    lab_demo.install_commune(store, made)
    store.people.put_user(lab_demo.people.TECHNICIAN)
    now_ms = clock.now_ms()
    (settings.home / "lab").mkdir()
    path = demo.voices(settings, store, lab_demo.Prepared(made, 1, (), {}, None), now_ms)  # type: ignore[arg-type]
    try:
        reports = store.reports.reports(Wanted(limit=100))
        assert len(reports) == len(STORIES)
        assert all(one.changed_ms <= now_ms for one in reports)
        manhole = next(one for one in reports if one.topic == "open_manhole")
        assert manhole.danger
        assert manhole.received_ms < manhole.safe_ms < manhole.deadline_ms
        assert manhole.state is ReportState.CLOSED
        unread = [one for one in reports if one.state is ReportState.RECEIVED]
        assert len(unread) == 2
        assert not any(one.text for one in unread)
        assert sum(one.supports for one in reports if one.topic == IDEA) == 17
        topics = {name for domain in domains().values() for name in domain.topics}
        assert {one.topic for one in reports} <= topics

        (asked,) = store.consultations.consultations()
        assert asked.stage is Stage.OPEN
        assert len(store.consultations.ballots(asked.id)) == sum(VOTES)
        left = path.read_text().split()
        assert len(left) == len(set(left)) == CODES - sum(VOTES)
        assert path.stat().st_mode & 0o077 == 0

        assert len(store.registers.records("request")) == 2
        assert opened(store.people)
    finally:
        store.close()
    log = Reader(settings.home / "evidence")
    assert log.checkpoint().size == len(LINES) + 1  # what was made up of the past is not evidence
    log.close()


def test_a_second_start_says_nothing_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(lab_demo, "prepare", lambda *_: object())
    monkeypatch.setattr(demo, "guards_of", lambda *_: _NoGuards())
    monkeypatch.setattr(demo, "voices", lambda *_: told.append(1))
    for _ in range(2):
        demo.prepare(settings, 500, 1)
    assert told == [1]


class _NoGuards:
    def install(self, *_: object) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""
