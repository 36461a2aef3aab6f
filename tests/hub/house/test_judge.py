"""Which alarms of the house stand: each rule at its border, and how long a moment lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hub.house.facts import Machine, Papers, Witnessed
from beffroi.hub.house.judge import Moments, standing
from beffroi.hub.house.rules import RULES
from beffroi.model import limits

NOW = 1_800_000_000_000
DAY = 86_400_000
GB = 1024**3
WELL = Machine(disk_free_bytes=500 * GB, disk_total_bytes=1_000 * GB, monotonic_ms=1_000_000)
PAPERS = Papers(
    devices={"lamp-1": NOW + 300 * DAY},
    server_ends_ms=NOW + 200 * DAY,
    authority_ends_ms=NOW + 3_000 * DAY,
    trust_ends_ms=NOW + 100 * DAY,
    installed_ms=NOW - 100 * DAY,
    backup_ms=NOW - DAY,
    restored_ms=NOW - 50 * DAY,
)


def rules(machine=WELL, papers=PAPERS, witnessed=Witnessed(), moments=None, now_ms=NOW):
    found = standing(machine, papers, witnessed, moments or Moments(), now_ms)
    assert {rule for rule, _ in found} <= set(RULES)
    return {rule.removeprefix("house.") for rule, _ in found}


def test_when_all_is_well_nothing_is_said():
    assert rules() == set()
    assert rules(Machine(), Papers()) == set(), "what is not known is no alarm"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"broker_trouble": "out of space"}, "broker_trouble"),
        ({"disk_free_bytes": 99 * GB}, "disk_low"),
        ({"disk_free_bytes": 101 * GB}, None),
        ({"disk_free_bytes": 19 * GB}, "disk_full"),
        ({"disk_readonly": True}, "disk_readonly"),
        ({"disk_free_bytes": GB, "disk_total_bytes": 8 * GB}, "disk_low"),
        ({"disk_free_bytes": GB // 5, "disk_total_bytes": 8 * GB}, "disk_full"),
    ],
)
def test_the_machine(change, rule):
    assert rules(replace(WELL, **change)) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"devices": {"a": NOW + 20 * DAY}}, "certificate"),
        ({"devices": {"a": NOW + 22 * DAY}}, None),
        ({"devices": {"a": NOW - 1}}, "certificate_over"),
        ({"server_ends_ms": NOW + 29 * DAY}, "server_certificate"),
        ({"authority_ends_ms": NOW + 364 * DAY}, "authority"),
        ({"trust_ends_ms": NOW + 20 * DAY}, "trust_ends"),
        ({"trust_ends_ms": NOW - DAY}, "trust_ends"),
        ({"backup_ms": NOW - 9 * DAY}, "backup_old"),
        ({"backup_ms": 0, "restored_ms": 0}, "backup_never"),
        ({"restored_ms": 0}, "restore_never"),
        ({"backup_ms": 0, "installed_ms": NOW - DAY}, None),
    ],
)
def test_the_papers(change, rule):
    assert rules(papers=replace(PAPERS, **change)) == ({rule} if rule else set())


def test_the_witnesses():
    assert rules(witnessed=Witnessed("no answer")) == {"witnesses"}
    assert rules(witnessed=Witnessed("seen more", "seen more")) == {"rolled_back"}


def test_a_line_that_was_lost_once_or_twice_is_no_theft():
    moments = Moments()
    moments.takeover("g", 2, NOW)
    assert rules(moments=moments) == set()
    moments.takeover("g", 1, NOW + limits.TWINS_WINDOW_MS)
    assert rules(moments=moments) == set(), "too far apart"


def test_two_that_fight_are_told_until_they_are_quiet():
    moments = Moments()
    for second in range(3):
        moments.takeover("g", 1, NOW + second * 1_000)
    found = standing(WELL, PAPERS, Witnessed(), moments, NOW + 3_000)
    assert found == {("house.twins", "g"): {"device": "g", "times": 3}}
    moments.look(WELL, NOW + 3_000)
    moments.look(replace(WELL, monotonic_ms=2_000_000), NOW + 1_003_000)
    assert rules(moments=moments) == set()


def test_refusals_are_counted_by_device_and_forgotten():
    moments = Moments()
    moments.refusal("a", 3, NOW)
    moments.refusal("a", 4, NOW + 1)
    found = standing(WELL, PAPERS, Witnessed(), moments, NOW)
    assert found == {("house.refused", "a"): {"device": "a", "times": 7}}
    moments.look(WELL, NOW + limits.HOUSE_STANDS_MS + 1)
    assert rules(moments=moments) == set()


def test_lost_messages_are_those_since_the_last_look():
    moments = Moments()
    moments.look(replace(WELL, qos0_dropped=5), NOW)
    assert rules(moments=moments) == set(), "what was lost before the first look was told then"
    moments.look(replace(WELL, qos0_dropped=8, monotonic_ms=1_002_000), NOW + 2_000)
    assert standing(WELL, PAPERS, Witnessed(), moments, NOW)["house.dropped", ""] == {"count": 3}


@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000, 10 * 365 * DAY])
def test_f11_a_clock_that_jumps_is_told_and_then_forgotten(jump_ms):
    moments = Moments()
    moments.look(WELL, NOW)
    later = replace(WELL, monotonic_ms=WELL.monotonic_ms + 2_000)
    moments.look(later, NOW + 2_000)
    assert rules(later, moments=moments) == set()
    last = replace(WELL, monotonic_ms=WELL.monotonic_ms + 4_000)
    moments.look(last, NOW + 4_000 + jump_ms)
    found = standing(last, Papers(), Witnessed(), moments, NOW + 4_000 + jump_ms)
    assert set(found) == {("house.clock", "")}
    calm = replace(WELL, monotonic_ms=last.monotonic_ms + limits.HOUSE_STANDS_MS)
    moments.look(calm, NOW + 4_000 + jump_ms + limits.HOUSE_STANDS_MS)
    assert rules(calm, Papers(), moments=moments) == set()


def test_f12_a_clock_that_stands_still_is_told():
    moments = Moments()
    moments.look(WELL, NOW)
    later = replace(WELL, monotonic_ms=WELL.monotonic_ms + limits.CLOCK_JUMP_MS)
    moments.look(later, NOW)
    assert rules(later, moments=moments) == {"clock"}


def test_guards_that_disagree_for_a_while_are_believed():
    off = replace(WELL, guards_off_ms=(90_000, 91_000, 0))
    moments = Moments()
    moments.look(off, NOW)
    assert rules(off, moments=moments) == set(), "their words may have waited"
    later = replace(off, monotonic_ms=off.monotonic_ms + limits.CLOCK_OFF_LASTS_MS)
    moments.look(later, NOW + limits.CLOCK_OFF_LASTS_MS)
    assert rules(later, moments=moments) == {"clock"}
    one = replace(later, guards_off_ms=(90_000, 0, 0), monotonic_ms=later.monotonic_ms + 1_000)
    moments.look(one, NOW + limits.CLOCK_OFF_LASTS_MS + 1_000)
    assert rules(one, moments=moments) == set(), "one guard alone has the wrong clock itself"


def test_a_broker_that_is_away_is_told_after_a_minute():
    away = replace(WELL, broker_connected=False)
    moments = Moments()
    moments.look(away, NOW)
    assert rules(away, moments=moments) == set()
    later = replace(away, monotonic_ms=away.monotonic_ms + limits.BROKER_AWAY_MS)
    moments.look(later, NOW + limits.BROKER_AWAY_MS)
    assert rules(later, moments=moments) == {"broker_away"}
    moments.look(replace(WELL, monotonic_ms=later.monotonic_ms + 1), NOW + limits.BROKER_AWAY_MS)
    assert rules(moments=moments) == set()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["refusal", "takeover"]),
            st.text("ab", min_size=1, max_size=1),
            st.integers(1, 9),
            st.integers(-DAY, DAY),
        ),
        max_size=30,
    )
)
def test_whatever_happens_it_is_forgotten_in_the_end(steps):
    """Also when the clock goes back and forth: nothing stands for ever, nothing grows."""
    moments = Moments()
    for what, device, times, at in steps:
        getattr(moments, what)(device, times, NOW + at)
    for turn in (1, 2):
        moments.look(replace(WELL, monotonic_ms=turn * 10 * DAY), NOW + turn * 10 * DAY)
    assert not moments.refused
    assert not moments.twins
    assert not moments.taken
