"""The monitor's rules: a correct junction never trips, a wrong one always does, and in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.guard.monitor import limits
from beffroi.guard.monitor.card import Card, Group
from beffroi.guard.monitor.rules import AMBER, GREEN, RED, RUNNING, STARTING, TRIPPED, Monitor

# North-south a, east-west b, and pedestrians p who cross b's road together with a.
CARD = Card(
    "j1",
    (Group("a", 3_000), Group("b", 3_000), Group("p", 0)),
    {(0, 1): 2_000, (1, 0): 1_500, (1, 2): 2_000, (2, 1): 2_000},
)
# The law of the matter, as numbers of its own: a change of the code must not move them.
NEVER_MS, ALWAYS_MS = 200, 450
CLEAR = (RED, RED, RED)
Step = tuple[int, tuple[int, ...]]


def normal(a_ms: int = 8_000, b_ms: int = 7_000, clear_ms: int = 2_000) -> list[Step]:
    """One cycle."""
    return [
        (clear_ms, CLEAR),
        (a_ms, (GREEN, RED, GREEN)),
        (3_000, (AMBER, RED, RED)),
        (clear_ms, CLEAR),
        (b_ms, (RED, GREEN, RED)),
        (3_000, (RED, AMBER, RED)),
    ]


@dataclass
class Run:
    """Plays steps to a monitor, looking every `looks` ms in turn."""

    monitor: Monitor = field(default_factory=lambda: Monitor(CARD))
    now_ms: int = 1_000
    looks: Iterator[int] = field(default_factory=lambda: iter(lambda: 10, 0))
    tripped_ms: int = 0
    frame: int = 0
    hangs: bool = False

    def play(self, steps: Iterable[Step]) -> Run:
        for length_ms, lamps in steps:
            end_ms = self.now_ms + length_ms
            self._until(end_ms, lamps)
        return self

    def _until(self, end_ms: int, lamps: tuple[int, ...]) -> None:
        due = getattr(self, "_due", self.now_ms)
        while due < end_ms:
            self.frame += not self.hangs
            self.monitor.look(due, self.frame, lamps)
            if self.monitor.mode == TRIPPED and not self.tripped_ms:
                self.tripped_ms = due
            due += next(self.looks)
        self._due = due
        self.now_ms = end_ms


def running() -> Run:
    run = Run().play([(1_500, CLEAR)])
    assert run.monitor.mode == RUNNING
    return run


def test_it_flashes_until_everything_has_been_red() -> None:
    run = Run().play([(500, CLEAR), (2_000, (GREEN, RED, RED)), (900, CLEAR)])
    assert run.monitor.mode == STARTING
    run.play([(200, CLEAR)])
    assert run.monitor.mode == RUNNING


def test_a_normal_day_does_not_trip() -> None:
    run = running().play(normal() * 20)
    assert (run.monitor.mode, run.monitor.reason) == (RUNNING, "")


FAULTS: dict[str, tuple[list[Step], str]] = {
    "green and green": ([(3_000, (GREEN, RED, RED)), (9, (GREEN, GREEN, RED))], "conflict: a"),
    "green and amber": (
        [*normal()[:2], (1_000, (AMBER, RED, RED)), (9, (AMBER, GREEN, RED))],
        "conflict: a and b",
    ),
    "amber and amber": ([(3_000, (GREEN, RED, RED)), (9, (AMBER, AMBER, RED))], "conflict"),
    "pedestrian green and cars green": (
        [(3_000, (GREEN, RED, GREEN)), (9, (RED, GREEN, GREEN))],
        "conflict: b and p",
    ),
    "a red lamp is broken": ([(3_000, (GREEN, RED, RED)), (9, (GREEN, 0, RED))], "dark: b"),
    "red and green in one head": ([(1_000, CLEAR), (9, (RED, RED | GREEN, RED))], "two lights: b"),
    "green and amber in one head": ([(1_000, CLEAR), (9, (GREEN | AMBER, RED, RED))], "two lights"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("look_ms", [10, 30, 99])
def test_a_wrong_picture_trips_in_time_and_not_before(name: str, look_ms: int) -> None:
    steps, reason = FAULTS[name]
    *before, (_, picture) = steps
    for length_ms, trips in ((NEVER_MS - 1, False), (ALWAYS_MS, True)):
        run = running()
        run.looks = iter(lambda: look_ms, 0)
        run.play(before)
        began_ms = run.now_ms
        run.play([(length_ms, picture)])
        assert (run.monitor.mode == TRIPPED) == trips, run.monitor.reason
        if trips:
            assert reason in run.monitor.reason
            assert NEVER_MS <= run.tripped_ms - began_ms <= ALWAYS_MS


@pytest.mark.parametrize("length_ms", [0, 500, 1_500, 2_500, 2_790])
def test_a_short_amber_trips(length_ms: int) -> None:
    run = running().play(normal()[1:2])
    run.play([(length_ms, (AMBER, RED, RED))])
    ended_ms = run.now_ms
    run.play([(ALWAYS_MS, CLEAR)])
    assert run.monitor.mode == TRIPPED
    assert ("short amber" if length_ms >= 500 else "no amber") in run.monitor.reason
    assert run.tripped_ms - ended_ms <= ALWAYS_MS


def test_an_amber_that_never_ends_trips() -> None:
    run = running().play([*normal()[1:2], (6_000, (AMBER, RED, RED))])
    assert "stuck: amber" in run.monitor.reason


@pytest.mark.parametrize("length_ms", [-150, 0, 500, 1_800])
def test_a_short_clearance_trips(length_ms: int) -> None:
    steps = normal()
    run = running().play(steps[1:3])
    if length_ms < 0:  # b begins while a is still amber, too briefly for a conflict
        run = running().play([steps[1], (2_850, steps[2][1]), (150, (AMBER, GREEN, RED))])
    else:
        run.play([(length_ms, CLEAR)])
    run.play([(2_000, (RED, GREEN, RED))])
    assert "short clearance: a and b" in run.monitor.reason


def test_each_direction_has_its_own_clearance() -> None:
    steps = normal()
    back: list[Step] = [(1_500, CLEAR), (2_000, (GREEN, RED, RED))]
    run = running().play([*steps[1:], *back])
    assert run.monitor.mode == RUNNING, run.monitor.reason
    run = running().play([*steps[1:3], (1_500, CLEAR), (2_000, (RED, GREEN, RED))])
    assert "short clearance: a and b" in run.monitor.reason


def test_backwards_is_no_sequence() -> None:
    run = running().play([*normal()[1:2], (1_000, (AMBER, RED, RED)), (1_000, (GREEN, RED, RED))])
    assert "sequence: a" in run.monitor.reason
    run = running().play([(1_000, (AMBER, RED, RED))])
    assert "sequence: a" in run.monitor.reason


def test_a_controller_that_hangs_trips() -> None:
    run = running().play(normal()[1:2])
    run.hangs = True
    began_ms = run.now_ms
    run.play([(500, (GREEN, RED, GREEN))])
    assert "silent" in run.monitor.reason
    assert run.tripped_ms - began_ms <= ALWAYS_MS


def test_lamps_that_cannot_be_read_trip_even_when_something_moves() -> None:
    run = running()
    for at in range(60):
        run.monitor.look(run.now_ms + 10 * at, 1_000 + at, None)
    assert "silent" in run.monitor.reason


def test_lamps_of_another_junction_are_no_lamps() -> None:
    run = running().play([(500, (RED, RED))])
    assert run.monitor.mode == TRIPPED


def test_a_junction_that_stands_still_trips() -> None:
    run = running().play([(limits.STUCK + 1_000, (GREEN, RED, RED))])
    assert "stuck" in run.monitor.reason


def test_flicker_trips_although_no_flash_of_it_is_long_enough() -> None:
    flicker: list[Step] = [(150, (GREEN, GREEN, RED)), (150, (GREEN, RED, RED))]
    run = running().play([(3_000, (GREEN, RED, RED)), *flicker * 12])
    assert "again and again: conflict" in run.monitor.reason


def test_a_late_look_goes_back_to_flashing_and_forgets_nothing_but_time() -> None:
    run = running().play(normal()[1:2])
    run.monitor.look(run.now_ms + limits.GAP_MAX + 10, 9_999, (GREEN, RED, GREEN))
    assert run.monitor.mode == STARTING
    tripped = running()
    tripped.monitor.trip("for good")
    tripped.monitor.look(tripped.now_ms + 60_000, 1, CLEAR)
    assert (tripped.monitor.mode, tripped.monitor.reason) == (TRIPPED, "for good")


looks = st.lists(st.integers(1, limits.GAP_MAX), min_size=1, max_size=50)


def forever(values: Sequence[int]) -> Iterator[int]:
    while True:
        yield from values


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(6_000, 20_000), st.integers(6_000, 20_000)), max_size=4),
    looks,
    st.data(),
)
def test_no_glitch_shorter_than_the_limit_ever_trips(
    cycles: list[tuple[int, int]], gaps: list[int], data: st.DataObject
) -> None:
    run = running()
    run.looks = forever(gaps)
    for a_ms, b_ms in cycles:
        for length_ms, lamps in normal(a_ms, b_ms):
            glitch_ms = data.draw(st.integers(1, NEVER_MS - 1))
            picture = data.draw(st.tuples(*[st.integers(0, 7)] * 3))
            # Away from the ends, so that it is the glitch and not the amber that is tested.
            run.play([(1_000, lamps), (glitch_ms, picture), (length_ms - 1_000 - glitch_ms, lamps)])
    assert run.monitor.mode == RUNNING, run.monitor.reason


@settings(max_examples=100)
@given(looks, st.integers(0, 5), st.tuples(*[st.integers(0, 7)] * 3), st.integers(300, 4_000))
def test_every_wrong_picture_trips_in_time_whatever_the_looks(
    gaps: list[int], after: int, picture: tuple[int, int, int], delay_ms: int
) -> None:
    wrong = any(bits not in (RED, AMBER, GREEN) for bits in picture) or (
        picture[1] != RED and (picture[0] != RED or picture[2] != RED)
    )
    run = running()
    run.looks = forever(gaps)
    steps = normal()[:after]
    run.play(steps)
    run.play([(min(delay_ms, 1_900), CLEAR)] if not steps else [])
    if run.monitor.mode != RUNNING:
        return
    began_ms = run.now_ms
    run.play([(ALWAYS_MS, picture)])
    if wrong:
        assert run.monitor.mode == TRIPPED
        assert run.tripped_ms - began_ms <= ALWAYS_MS


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 500), st.tuples(*[st.integers(0, 7)] * 3)), max_size=60),
    looks,
)
def test_whatever_comes_two_conflicting_groups_go_together_no_longer_than_allowed(
    steps: list[Step], gaps: list[int]
) -> None:
    """The permit is given only while RUNNING: measured against the lamps as they were."""
    run = running()
    run.looks = forever(gaps)
    together_ms = 0
    for length_ms, lamps in steps:
        a, b, p = (bits & (GREEN | AMBER) for bits in lamps)
        for _ in range(length_ms // 10):
            run.play([(10, lamps)])
            bad = bool((a and b) or (b and p)) and run.monitor.mode == RUNNING
            together_ms = together_ms + 10 if bad else 0
            assert together_ms <= ALWAYS_MS


def test_the_bound_of_the_reaction_follows_from_the_limits() -> None:
    assert limits.CONFIRM >= NEVER_MS
    assert limits.CONFIRM + 2 * limits.GAP_MAX <= ALWAYS_MS
    assert limits.SILENCE + 2 * limits.GAP_MAX <= ALWAYS_MS
    assert limits.PERMIT_AGE_MAX >= limits.GAP_MAX
