"""More alarms of one millisecond than a page holds: whoever reads page by page sees each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.api.routes.alarms import listed_for
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.gather import alarms_of
from beffroi.hub.indicators.reader import StoreReader
from beffroi.model.alarm import Alarm, AlarmChange, AlarmState
from beffroi.model.finding import Severity
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.measure import DAY_MS, Span
from beffroi.ports.store import User

NOW = 1_790_000_000_000
MANY = 1_001  # a reader of indicators has pages of a thousand
IDS = [f"al{n:04}" for n in range(MANY)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    home: Path = tmp_path_factory.mktemp("pages")
    opened = open_store(f"sqlite:///{home}/pages.sqlite")
    closed = AlarmState.CLOSED
    born = Alarm("", "r", "a", "d", Severity.GRAVE, closed, False, NOW, NOW, NOW, version=1)
    opened.alarms.apply([
        AlarmChange(replace(born, id=ident), ())
        for ident in IDS
    ])  # fmt: skip
    yield opened
    opened.close()


def test_a_paper_tells_of_each(store: SqlStore) -> None:
    stores: Any = SimpleNamespace(main=store)
    found = alarms_of(stores, Period(NOW - DAY_MS, NOW + DAY_MS))
    assert [alarm.id for alarm in found] == IDS


def test_an_indicator_reads_each_once(store: SqlStore) -> None:
    span = Span(NOW - DAY_MS, NOW + DAY_MS)
    reader = StoreReader(store, "d", span, given=lambda _: None, signed=frozenset())
    assert [alarm.id for alarm in reader._alarms] == IDS


def test_the_list_goes_on_behind_the_last_one(store: SqlStore) -> None:
    services: Any = SimpleNamespace(store=store)
    me: Any = SimpleNamespace(user=User("u-1", "Ada", "admin"))
    found: list[str] = []
    before_ms, before_id = 0, ""
    while page := listed_for(services, me, "closed", before_ms=before_ms, before_id=before_id):
        assert len(page) <= PAGE_ROWS_MAX
        found += [alarm.id for alarm in page]
        before_ms, before_id = page[-1].seen_ms, page[-1].id
    assert found == IDS
