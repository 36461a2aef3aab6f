"""F11, F12, F15: clocks that jump, stand still or lie; a guard that slept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guard.kit import HUB_KEY, NOW_MS, Clock, Rig

from beffroi.guard.effects import Instant
from beffroi.guard.limits import CLOCK_TOLERANCE_MS
from beffroi.guard.timekeeping import OwnTime

HOUR_MS = 3_600_000
JUMPS_MS = {"+1 h": HOUR_MS, "-1 h": -HOUR_MS, "+10 y": 87_600 * HOUR_MS, "1970": -NOW_MS}


@pytest.mark.parametrize("jump_ms", JUMPS_MS.values(), ids=JUMPS_MS)
def test_a_wall_clock_that_jumps_leaves_the_safe_direction_only(rig, jump_ms):
    true_ms = rig.clock.wall_ms
    rig.clock.wall_ms += jump_ms
    rig.send(now_ms=true_ms)
    rig.send(klass="A", action="on", params={}, keys=(HUB_KEY,), now_ms=true_ms)
    assert rig.hub.take() == [
        ("refused", "", "clock"),
        ("refused", "lamp-1", "no_lease"),
        ("done", "lamp-1", ""),
    ]


@pytest.mark.parametrize("jump_ms", JUMPS_MS.values(), ids=JUMPS_MS)
def test_a_jump_does_not_revive_an_expired_command(rig, jump_ms):
    wire = rig.wire(expires_ms=rig.clock.wall_ms + 5_000)
    rig.clock.sleep(5_000)
    rig.clock.wall_ms += jump_ms
    rig.worker.command(wire)
    assert rig.hub.take()[-1] == ("refused", "lamp-1", "expired")


def test_a_clock_that_comes_back_ends_the_doubt(rig):
    rig.clock.wall_ms += HOUR_MS
    rig.worker.tick()
    rig.clock.wall_ms -= HOUR_MS
    rig.send()
    assert rig.hub.take() == [("refused", "", "clock"), ("done", "lamp-1", "")]


def test_a_clock_jumping_back_a_hundred_times_is_said_once_each_time_and_nothing_moves(rig):
    for _ in range(100):
        rig.clock.wall_ms -= HOUR_MS
        rig.send(now_ms=NOW_MS)
        rig.clock.sleep(100)
    assert rig.acts().count("dim") == 0


def test_a_frozen_wall_clock_does_not_stretch_a_lease_nor_a_life(rig):
    wire = rig.wire()
    for _ in range(400):
        rig.clock.mono_ms += 100  # the wall clock stands still
        rig.worker.tick()
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()
    rig.clock.mono_ms += 30_000
    rig.worker.command(wire)
    assert rig.hub.take() == [("refused", "lamp-1", "expired")]


@pytest.mark.parametrize("off_ms", [-CLOCK_TOLERANCE_MS - 1, CLOCK_TOLERANCE_MS + 1, HOUR_MS])
def test_a_lease_with_another_time_does_not_count_and_is_reported_once(rig, off_ms):
    for _ in range(4):
        rig.clock.sleep(9_000)
        rig.lease(at_ms=rig.clock.wall_ms + off_ms)
    rig.worker.tick()
    got = rig.hub.take()
    assert got.count(("refused", "", "lease_time")) == 1
    assert ("fallback", "lamp-1", "lease_lost") in got


def test_a_wall_clock_set_right_is_followed_when_three_leases_agree(tmp_path):
    """The battery was empty: it starts in 1970, then time comes from the network."""
    rig = Rig(tmp_path, clock=Clock(wall_ms=1_000))
    rig.clock.wall_ms = NOW_MS
    for _ in range(3):
        rig.send(now_ms=NOW_MS)
        rig.clock.sleep(100)
        rig.lease()
    rig.hub.take()
    rig.send()
    assert rig.hub.take() == [("done", "lamp-1", "")]


def test_time_never_goes_back_before_what_was_agreed_even_if_hub_and_clock_say_so(rig):
    """Root on the hub and a forged time server, together."""
    wire = rig.wire(expires_ms=rig.clock.wall_ms + 5_000)
    rig.clock.sleep(10_000)
    rig.lease()
    rig.clock.wall_ms -= HOUR_MS
    for _ in range(10):
        rig.clock.sleep(1_000)
        rig.lease()
    rig.worker.command(wire)
    assert rig.hub.take()[-1] == ("refused", "lamp-1", "expired")


def test_the_floor_outlives_a_restart(rig):
    rig.lease()
    rig.send()
    seen_ms = rig.core._time.seen_ms
    assert seen_ms >= NOW_MS
    rig.clock.wall_ms -= 30 * 24 * HOUR_MS
    again = rig.again()
    assert again.core.now_ms(rig.clock()) >= seen_ms
    again.store.close()


def test_a_guard_that_slept_longer_than_its_lease_falls_back_before_anything_else(rig):
    rig.send()
    rig.hub.take()
    late = rig.wire(params={"level_pct": 77})
    rig.clock.sleep(31_000)
    rig.worker.command(late)
    assert rig.hub.take() == [
        ("refused", "lamp-1", "no_lease"),
        ("fallback", "lamp-1", "lease_lost"),
        ("fallback", "lamp-2", "lease_lost"),
    ] or rig.acts() == ["fall_back", "dim", "fall_back"]
    assert 77 not in [sets.get("level_pct") for _, sets in rig.drivers["lamp-1"].effects]


steps = st.lists(
    st.tuples(
        st.integers(0, 3_600_000),  # time that truly passes
        st.one_of(st.just(0), st.integers(-(10**13), 10**13)),  # what a hand does to the wall clock
        st.one_of(st.none(), st.integers(0, 10**13)),  # what a hub says it is
    ),
    max_size=30,
)


@given(wall_ms=st.integers(-(10**15), 10**15), seen_ms=st.integers(0, NOW_MS), steps=steps)
def test_whatever_clocks_say_time_never_goes_below_the_floor_and_the_floor_never_sinks(
    wall_ms, seen_ms, steps
):
    mono_ms = 10_000
    own = OwnTime(Instant(wall_ms, mono_ms), seen_ms)
    floor_ms = seen_ms
    for passed_ms, jump_ms, said_ms in steps:
        mono_ms, wall_ms = mono_ms + passed_ms, wall_ms + passed_ms + jump_ms
        at = Instant(wall_ms, mono_ms)
        if said_ms is not None:
            own.agree(at, said_ms)
        assert own.seen_ms >= floor_ms
        floor_ms = own.seen_ms
        assert own.at_ms(at) >= floor_ms
