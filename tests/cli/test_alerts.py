"""A no to an authority's alert is in the log also before there is a root of trust."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from beffroi.adapters.log import Log
from beffroi.adapters.sql import open_store
from beffroi.cli.alerts import alerting
from beffroi.cli.settings import Settings
from beffroi.evidence.entry import read_entry
from beffroi.hub.advice import Advisor, key_of
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.model.cap import Alert

NOW_MS = 1_790_000_000_000
ALERT = Alert("a-1", "office", NOW_MS, "Actual", "Alert", "Public")


def test_it_is_recorded_in_the_journal_or_not_kept(tmp_path: Path) -> None:
    store, log = open_store(f"sqlite:///{tmp_path / 'hub.sqlite'}"), Log(tmp_path / "e", "essai")
    app = FastAPI()
    clock = SimpleNamespace(now_ms=lambda: NOW_MS)
    office: Any = SimpleNamespace(stores=SimpleNamespace(journal=log))
    app.state.services = SimpleNamespace(domains={}, clock=clock, dispatch=None, office=office)
    (advisor,) = alerting(app, Settings(tmp_path), store, lambda _: None)
    assert isinstance(advisor, Advisor)
    advisor.alerts = [ALERT]
    assert advisor.turn_down(key_of(ALERT.ref), "pas chez nous", "u-1")
    entries = [read_entry(log.entry(index)) for index in range(log.checkpoint().size)]
    assert [one.kind for one in entries] == ["alert.refused"]
    log.close()
    with pytest.raises(DeniedError):
        advisor.turn_down(key_of(ALERT.ref), "encore", "u-1")
    assert advisor.turned_down[key_of(ALERT.ref)].reason == "pas chez nous"
    store.close()
