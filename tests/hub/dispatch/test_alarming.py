"""What the dispatcher finds reaches the desk, also over a store that fails for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hub.dispatch import kit

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.receipts import Receipts
from beffroi.hub.dispatch.rules import RULES
from beffroi.hub.dispatch.trust import Trusted, TrustError
from beffroi.model.finding import Finding
from beffroi.ports.commands import StatusRow
from beffroi.ports.store import StoreError

T0 = 1_790_000_000_000


class Clock:
    def now_ms(self) -> int:
        return T0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield store
    store.close()


def broken(*_args: object, **_more: object) -> None:
    raise StoreError("disk I/O error")


@pytest.mark.parametrize("breaks", ["asset", "apply", "all"])
def test_a_store_that_fails_costs_no_alarm(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    desk = Desk(store.alarms, RULES)
    alarms = ToDesk(desk, store, Clock())
    with monkeypatch.context() as patch:
        if breaks in ("asset", "all"):
            patch.setattr(store.assets, "asset", broken)
        if breaks in ("apply", "all"):
            patch.setattr(store.alarms, "apply", broken)
        if breaks == "all":
            patch.setattr(store.alarms, "open_alarms", broken)
        alarms([Finding("commands.forged", "g-1", True, T0, {"guard": "g-1"})])
        alarms([Finding("commands.failed", "lamp-1", True, T0)])
        alarms([Finding("commands.failed", "lamp-1", False, T0)])
        alarms([])
        assert not store.alarms.alarms([])
    alarms([])  # nothing new: the turn of the house
    kept = {one.rule: one.active for one in store.alarms.open_alarms()}
    assert kept == {"commands.forged": True, "commands.failed": False}
    assert {one.rule for one in desk.open()} == kept.keys()
    before = store.alarms.alarms([])
    alarms([])
    assert store.alarms.alarms([]) == before


class Rules:
    """A repository that cannot be signed again, or not even read."""

    def __init__(self) -> None:
        self.trusted, self.fresh, self.readable = kit.TRUSTED, False, True

    def current(self) -> Trusted:
        if not self.readable:
            raise TrustError("no file")
        return self.trusted

    def refresh(self, now_ms: int) -> bool:
        if not self.fresh:
            raise TrustError("no online key")
        return False

    def bundle(self, guard: str) -> bytes:
        return b""


def test_rules_that_cannot_be_refreshed_are_read_all_the_same(store: SqlStore) -> None:
    rules, told = Rules(), list[Finding]()
    book = Book(
        store=store.commands, log=None, trust=rules, clock=Clock(), seed=kit.HUB,  # type: ignore[arg-type]
        alarms=told.extend,
    )  # fmt: skip
    assert book.look()
    assert book.trusted == kit.TRUSTED
    assert [one.active for one in told] == [True]
    rules.trusted = Trusted(replace(kit.TRUSTED.roster, version=8), kit.TRUSTED.envelopes)
    assert book.look(), "newer rules count"
    assert book.trusted.roster.version == 8
    rules.readable = False
    assert not book.look()
    assert book.trusted.roster.version == 8, "what was valid stays"
    rules.readable = rules.fresh = True
    book.look()
    assert [one.active for one in told] == [True, True, True, False]


def test_statuses_are_kept_for_a_hub_without_rules(store: SqlStore) -> None:
    rules = Rules()
    rules.readable = False
    cabinet = kit.Cabinet(kit.Clock())
    cabinet.tell()
    store.commands.put_statuses([StatusRow(kit.GUARD, "lamp-1", T0, cabinet.out[0][1])])
    book = Book(
        store=store.commands, log=None, trust=rules, clock=Clock(), seed=kit.HUB,  # type: ignore[arg-type]
    )  # fmt: skip
    assert Receipts(book).forged == 0
