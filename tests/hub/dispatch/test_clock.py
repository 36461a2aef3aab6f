"""F11, F12 on the hub's side: its wall clock jumps while commands are on their way.

The guard's clock is its own (`offset_ms`): what it refuses does not depend on ours. L5: what goes
on while no witness answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.dispatch.kit import P1, P2, Cabinet, Town

from beffroi.hub.dispatch.request import Wish
from beffroi.ports.commands import State

HOUR, YEARS = 3_600_000, 10 * 365 * 86_400_000


class Own:
    """A guard's clock: the bench's time without what was done to the hub's."""

    def __init__(self, town: Town) -> None:
        self._town, self.offset_ms = town, 0

    @property
    def ms(self) -> int:
        return self._town.clock.ms - self.offset_ms

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    made.cabinet.clock = Own(made)  # type: ignore[assignment]
    yield made
    made.stop()


def jump(town: Town, by_ms: int) -> None:
    """Of the hub's clock alone."""
    town.clock.ms += by_ms
    clock: Own = town.cabinet.clock  # type: ignore[assignment]
    clock.offset_ms += by_ms


@pytest.mark.parametrize("by_ms", [HOUR, -HOUR, YEARS, -YEARS], ids=["+1h", "-1h", "+10y", "-10y"])
def test_f11_a_jump_moves_nothing_that_was_not_asked_and_ends_what_was(
    town: Town, by_ms: int
) -> None:
    row = town.ask()
    jump(town, by_ms)
    town.cabinet.tell()  # as it does every half minute
    town.hear()
    town.settle(6)
    if by_ms < 0:  # the guard's time is ahead: nothing can be late twice
        jump(town, -by_ms)
        town.settle(4)
        town.clock.ms = max(town.clock.ms, row.expires_ms + 1)
        town.settle(4)
    ended = town.row(row)
    assert ended.state in (State.DONE, State.EXPIRED, State.REFUSED, State.UNKNOWN), ended.state
    assert (ended.state is State.DONE) == bool(town.cabinet.moved), "the book tells the truth"
    assert len(town.cabinet.moved) <= 1


def test_f11_an_expired_command_is_not_revived_by_a_clock_that_goes_back(town: Town) -> None:
    """Signed by two persons, never sent, over for the guard: the hub's clock cannot undo that."""
    row = town.ask(level=5)
    town.sign(row, P1)
    town.wire.lose = lambda topic: topic == "cmd"
    town.sign(row, P2)
    town.settle(2)
    assert town.wire.commands(), "it was sent, and lost on the way"
    late = town.wire.commands()[-1]
    town.clock.ms = row.expires_ms + 60_000
    jump(town, -HOUR)
    town.wire.lose = lambda topic: False
    town.settle(6)
    town.cabinet.hear(late)
    assert town.cabinet.moved == []


def test_f11_backwards_a_hundred_times(town: Town) -> None:
    """Each command has at most one effect and a truthful end, whatever the clock does between."""
    rows = []
    for _ in range(100):
        jump(town, -1_000)
        rows.append(town.ask("t-1"))
        town.turn()
        town.hear()
    town.settle(8)
    states = [town.row(row).state for row in rows]
    assert len(town.cabinet.moved) == states.count(State.DONE)
    assert states.count(State.DONE) > 0


def test_f12_a_clock_that_stands_still_holds_nothing_up(town: Town) -> None:
    row = town.ask()
    for _ in range(6):
        town.turn()
        town.hear()
    assert town.row(row).state is State.DONE
    assert len(town.cabinet.moved) == 1


def test_l5_without_witnesses_class_a_and_b_go_on_and_what_needs_one_waits(town: Town) -> None:
    seen = town.dispatch.office.request(Wish("t-1", "seen", {"level_pct": 80}), "u1")
    town.sign(seen, P1)
    plain = town.ask("t-2", 80)  # class A
    second = town.ask("t-3", 30)  # class B
    town.sign(second, P1)
    town.settle(3)
    assert town.row(seen).state is State.READY
    assert [town.row(one).state for one in (plain, second)] == [State.DONE, State.DONE]
    town.clock.ms += 86_400_000  # a day without any of them
    town.cabinet.tell()
    town.settle(2)
    assert town.row(seen).state is State.EXPIRED
    again = town.ask("t-2", 90)
    town.settle(3)
    assert town.row(again).state is State.DONE
    assert ("t-1", "seen", {"level_pct": 80}) not in town.cabinet.moved


def test_the_guard_of_this_bench_has_its_own_clock(town: Town) -> None:
    before = town.cabinet.clock.ms
    jump(town, HOUR)
    assert town.cabinet.clock.ms == before
    assert isinstance(town.cabinet, Cabinet)
