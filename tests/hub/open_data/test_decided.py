"""What the commune decides about a dataset is in the evidence log, or it is not decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from beffroi.adapters.sql import open_store
from beffroi.domains.registry import domains
from beffroi.evidence.entry import Draft
from beffroi.hub.open_data.publish import OpenData
from beffroi.ports.log_store import LogError


class FullLog:
    def append(self, drafts: Sequence[Draft]) -> None:
        raise LogError("the disk is full")


def test_a_decision_that_the_log_did_not_take_opens_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/town.sqlite")
    clock = SimpleNamespace(now_ms=lambda: 1_790_000_000_000)
    services: Any = SimpleNamespace(
        store=store, clock=clock, domains=domains(), journal=FullLog(), reports=None
    )
    data = OpenData(services)
    name = next(iter(data.all))
    with pytest.raises(LogError):
        data.decide(name, opened=True, by="u-1")
    assert not data.decision(name).open
    services.journal = None
    data.decide(name, opened=True, by="u-1")
    assert data.decision(name).open
    data.close()
    store.close()
