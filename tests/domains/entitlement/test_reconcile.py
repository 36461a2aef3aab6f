"""Paid against occupied minutes, doubles, and the days that are unusual."""

from __future__ import annotations

import json
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.entitlement import DOMAIN
from beffroi.domains.entitlement.reconcile import Span, balance, doubles
from beffroi.domains.single_use import Claim
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

H = 3_600
DAY = [Span(0, 12 * H)]
ZONE = Asset("zone-1", "entitlement", "zone", "Centre", 2, 48)
A, B = b"a" * 16, b"b" * 16


def test_who_paid_owes_nothing() -> None:
    found = balance([Span(H, 2 * H)], [Span(H, 2 * H)], DAY)
    assert found == (60, 60, 60, 0, 0)


def test_who_paid_too_little_owes_the_rest_and_nobody_pays_for_another() -> None:
    found = balance([Span(H, 2 * H)], [Span(H, 4 * H)], DAY)
    assert (found.unpaid_low_min, found.unpaid_high_min) == (120, 120)
    assert found.unpaid_low_pct == 100 * 120 / 180
    # two vehicles at once, one payment; a second payment at another hour does not help
    found = balance([Span(H, 2 * H), Span(5 * H, 6 * H)], [Span(H, 2 * H)] * 2, DAY)
    assert found.unpaid_low_min == 60


def test_outside_the_hours_and_within_the_free_minutes_nothing_is_due() -> None:
    assert balance([], [Span(13 * H, 15 * H)], DAY).unpaid_high_min == 0
    assert balance([], [Span(H, H + 20 * 60)], DAY, free_min=20).unpaid_high_min == 0
    assert balance([], [Span(H, H + 30 * 60)], DAY, free_min=20).unpaid_low_min == 10


def test_doubt_accuses_nobody() -> None:
    found = balance([], [Span(H, 2 * H, 0.7)], DAY)
    assert (found.unpaid_low_min, found.unpaid_high_min) == (0, 60)
    assert found.unpaid_low_pct == 0
    # walking to the machine takes two minutes
    assert balance([Span(H + 100, 2 * H)], [Span(H, 2 * H)], DAY).unpaid_low_min == 0


spans = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500), st.sampled_from([0.3, 0.6, 0.95])).map(
        lambda t: Span(min(t[:2]), max(t[:2]), t[2])
    ),
    max_size=6,
)


@given(spans, spans, spans)
def test_the_integral_is_the_sum_over_seconds(
    paid: list[Span], stays: list[Span], hours: list[Span]
) -> None:
    """Against the definition, second by second."""

    def at(second: int, some: list[Span], p: float = 0.0) -> int:
        return sum(one.start_s <= second < one.end_s and one.p >= p for one in some)

    early = [Span(one.start_s - 120, one.end_s) for one in paid]
    open_s = [s for s in range(500) if at(s, hours)]
    found = balance(paid, stays, hours)
    low = sum(max(0, at(s, stays, 0.9) - at(s, early)) for s in open_s) / 60
    high = sum(max(0, at(s, stays, 0.5) - at(s, paid)) for s in open_s) / 60
    assert abs(found.unpaid_low_min - low) < 1e-9
    assert abs(found.unpaid_high_min - high) < 1e-9
    assert found.unpaid_low_min <= found.unpaid_high_min <= found.occupied_high_min
    assert 0 <= found.unpaid_low_pct <= found.unpaid_high_pct <= 100


def test_two_verifiers_find_the_copied_title_together() -> None:
    one = [Claim(A, b"bay-1", 5), Claim(B, b"bay-2", 5)]
    other = [Claim(A, b"bay-7", 5), Claim(B, b"bay-2", 5)]
    (double,) = doubles({"north": one, "south": other})
    assert double == (A, (("north", b"bay-1"), ("south", b"bay-7")))
    assert doubles({"north": one}) == []


# --- the watch ---
DAY_MS = 86_400_000
T0 = 1_780_000_000_000


def days(shares: list[float]) -> list[tuple[int, str, bool]]:
    watch, found = DOMAIN.watch(ZONE, None), []
    for day, share in enumerate(shares):
        at = T0 + day * DAY_MS
        found += [
            (day, f.rule, f.active)
            for f in watch.step([Obs("unpaid_low_pct", "", at, share)]).findings
        ]
        watch = DOMAIN.watch(ZONE, json.loads(json.dumps(watch.dump())))
    return found


def test_free_parking_by_a_trick_shows_within_days() -> None:
    """M10: from one day on a third of the drivers pay nothing."""
    rng = random.Random(1)
    usual = [max(0.0, rng.gauss(12, 3)) for _ in range(60)]
    assert days(usual) == []
    found = days([*usual, *(max(0.0, rng.gauss(45, 5)) for _ in range(10))])
    assert found[0][1:] == ("entitlement.unpaid_unusual", True)
    assert 60 <= found[0][0] <= 62


def test_a_good_day_is_no_alarm() -> None:
    assert days([12.0] * 40 + [0.0] * 10) == []


def test_doubles_forgeries_and_broken_meters_are_told() -> None:
    meter = Asset("meter-1", "entitlement", "meter", "Horodateur", 2, 48)
    for asset, prop, values, rule in (
        (ZONE, "doubles", (0, 2), "doubles"),
        (meter, "forged", (2, 3), "forged"),
        (meter, "state", (1, 0), "out_of_order"),
        (meter, "door_open", (0, 1), "door_open"),
    ):
        watch = DOMAIN.watch(asset, None)
        found = [
            f
            for i, value in enumerate((values[0], values[0], *[values[1]] * 5))
            for f in watch.step([Obs(prop, "m", T0 + i * 1_200_000, float(value))]).findings
        ]
        assert [(f.rule, f.active) for f in found] == [(f"entitlement.{rule}", True)]


def test_rules_name_only_what_they_are_told() -> None:
    assert all(a != b for a, b in pairwise(sorted(DOMAIN.rules)))
