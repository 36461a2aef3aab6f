"""People and the hub at the same moment, over the real store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from tests.hub.alarms.kit import ASSETS, GRAVE, NOW, RULES, WARNING, decision, found

from beffroi.adapters.sql import open_store
from beffroi.hub.alarms.desk import Desk, RefusedError
from beffroi.model.alarm import Alarm, AlarmState, DecisionKind
from beffroi.ports.store import Batch, StaleVersionError, Store


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def raised(desk: Desk, store: Store, rule: object = GRAVE) -> Alarm:
    with desk.lock:
        changes = desk.findings([found(rule)], ASSETS, NOW)  # type: ignore[arg-type]
        store.readings.commit(Batch(alarms=changes))
        desk.settle(changes)
    (alarm,) = desk.open()
    return alarm


def together(*jobs: Callable[[], object]) -> list[str]:
    """What each job met: "done", or the code of its refusal."""
    start, met = threading.Barrier(len(jobs)), [""] * len(jobs)

    def run(n: int) -> None:
        start.wait()
        try:
            jobs[n]()
            met[n] = "done"
        except RefusedError as refused:
            met[n] = refused.code

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return met


@pytest.mark.parametrize("desks", [1, 2])
def test_one_of_two_closings_wins(store: Store, desks: int) -> None:
    first = Desk(store.alarms, RULES)
    alarm = raised(first, store, WARNING)
    second = first if desks == 1 else Desk(store.alarms, RULES)
    met = together(
        lambda: first.act(alarm.id, "close", "jeanne", NOW + 1),
        lambda: second.act(alarm.id, "close", "paul", NOW + 1),
    )
    assert sorted(met) == ["done", "wrong_state"]
    kinds = [event.kind for event in store.alarms.events(alarm.id)]
    assert kinds == ["raised", "closed"]


def test_a_decision_cannot_be_slipped_under_a_closing(store: Store) -> None:
    """Closing races with a decision that is withdrawn by reopening: never closed without one."""
    desk, other = Desk(store.alarms, RULES), Desk(store.alarms, RULES)
    alarm = raised(desk, store)
    other.reload()
    accept = decision(DecisionKind.ACCEPT)
    for turn in range(20):
        together(
            lambda: desk.act(alarm.id, "close", "jeanne", NOW + 1, decision=accept),
            lambda: other.act(alarm.id, "close", "paul", NOW + 1),
            lambda: desk.act(alarm.id, "reopen", "jeanne", NOW + 1),
        )
        stored = store.alarms.alarm(alarm.id)
        assert stored is not None
        assert stored.state is not AlarmState.CLOSED or stored.decision is not None, turn


def test_a_finding_that_meets_a_closing_is_not_lost(store: Store) -> None:
    """The other process closed the alarm: the commit is refused whole, and the retry tells it."""
    desk, other = Desk(store.alarms, RULES), Desk(store.alarms, RULES)
    alarm = raised(desk, store, WARNING)
    other.reload()
    other.act(alarm.id, "close", "paul", NOW + 1)
    with desk.lock:
        changes = desk.findings([found(WARNING, active=False)], ASSETS, NOW + 2)
        with pytest.raises(StaleVersionError):
            store.readings.commit(Batch(alarms=changes))
        desk.reload()
        again = desk.findings([found(WARNING, active=False)], ASSETS, NOW + 2)
        store.readings.commit(Batch(alarms=again))
        desk.settle(again)
    stored = store.alarms.alarm(alarm.id)
    assert stored is not None
    assert (stored.state, stored.active) == (AlarmState.CLOSED, False)
    assert [e.kind for e in store.alarms.events(alarm.id)] == ["raised", "closed", "cleared"]


def test_words_come_back_from_the_store_as_they_went_in(store: Store) -> None:
    desk = Desk(store.alarms, RULES)
    alarm = raised(desk, store)
    words = "<img src=x onerror=alert(1)> ; DROP TABLE alarm; -- {pressure_bar} “é” 漢字 \U0001f514"
    desk.act(alarm.id, "comment", "jeanne", NOW + 1, text=words)
    assert store.alarms.events(alarm.id)[-1].text == words


def test_many_people_comment_at_once_and_every_word_is_kept(store: Store) -> None:
    desk = Desk(store.alarms, RULES)
    alarm = raised(desk, store)
    jobs = [
        lambda n=n: desk.act(alarm.id, "comment", f"u{n}", NOW + n, text=f"word {n}")
        for n in range(8)
    ]
    assert together(*jobs) == ["done"] * 8  # type: ignore[arg-type]
    texts = {event.text for event in store.alarms.events(alarm.id)}
    assert {f"word {n}" for n in range(8)} <= texts
    stored = store.alarms.alarm(alarm.id)
    assert stored is not None
    assert stored.version == 9
