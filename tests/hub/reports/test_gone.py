"""What an author takes back goes for good, also when something fails half-way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.personal import open_vault
from beffroi.adapters.sql import open_store
from beffroi.domains.registry import domains
from beffroi.hub.reports.desk import ReportDesk
from beffroi.hub.reports.sent import Sent
from beffroi.ports.personal import PersonalError

NOW_MS = 1_790_000_000_000


class Clock:
    def now_ms(self) -> int:
        return NOW_MS


def test_an_erasure_that_failed_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report had let go of its author already: their words stayed, found by nobody."""
    store, nothing = open_store(f"sqlite:///{tmp_path / 'hub.sqlite'}"), lambda *_: None
    photos: Any = None
    with closing(open_vault(tmp_path)) as vault, closing(store):
        desk = ReportDesk(
            store.reports, store.assets, vault, photos, domains(), Clock(),
            alarms=nothing, post=nothing, link=str,
        )  # fmt: skip
        sent = Sent(next(iter(desk.topics)), "Un trou", "Place", email="jeanne@example.org")
        report = desk.receive(sent).report
        assert sum(one.subjects for one in vault.held()) == 1

        def failing(*_: Any) -> int:
            raise PersonalError("not now")

        with monkeypatch.context() as patch:
            patch.setattr(vault, "erase", failing)
            with pytest.raises(PersonalError):
                desk.erase(report, "u-1")
        again = store.reports.report(report.id)
        assert again is not None
        assert desk.erase(again, "u-1").subject == ""
        assert vault.held() == []
