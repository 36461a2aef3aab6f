"""One attack, one incident: each rule by example and from its edge; then by property."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hub.coordination.detector import (
    QUIET_MS,
    SLOW_MS,
    SWEEP_MS,
    WINDOW_MS,
    Detector,
    Incident,
    reason,
)
from beffroi.hub.coordination.signs import HOSTILE, Sign, SignKind, of_refusal
from beffroi.kernel.verdict import Reason
from beffroi.lab.worlds.months import ATTACKS, FLEETS, attacked, normal
from beffroi.model.limits import INCIDENT_SIGNS_MAX

K = SignKind
T0 = 1_790_000_000_000


def sign(kind: SignKind, service: str, n: int = 0, at: int = 0, actor: str = "") -> Sign:
    return Sign(T0 + at, kind, service, f"{service}-{n}", actor)


def run(signs: Sequence[Sign], fleets: dict[str, int] | None = None) -> Incident | None:
    detector = Detector(fleets or FLEETS)
    found = None
    for one in signs:
        found = detector.step(one) or found
    return found


def test_breadth_needs_two_services_and_something_hostile() -> None:
    two = [sign(K.TAMPERED, "mains"), sign(K.FORGED, "lights", at=1_000)]
    found = run(two)
    assert found is not None
    assert (found.why, found.services) == ("breadth", ("mains", "lights"))
    assert run([sign(K.TAMPERED, "mains"), sign(K.TAMPERED, "mains", 1)]) is None
    storm = [sign(K.DANGER, s, n) for s in FLEETS for n in range(20)]
    assert run(storm) is None


def test_the_same_sign_again_weighs_nothing() -> None:
    again = [sign(K.FORGED, "lights", at=n) for n in range(50)]
    assert run([*again, sign(K.STALE, "mains", at=60)]) is None


def test_a_window_ends() -> None:
    late = [sign(K.TAMPERED, "mains"), sign(K.FORGED, "lights", at=WINDOW_MS)]
    assert run(late) is None


def test_mass_is_three_targets_of_one_service() -> None:
    three = [sign(K.FORGED, "junctions", n, n * 1_000) for n in range(3)]
    found = run(three)
    assert found is not None
    assert found.why == "mass"
    assert run(three[:2]) is None
    scanners = [sign(K.IDENTITY, "junctions", n) for n in range(9)]
    assert run(scanners) is None, "a scanner at the broker touches no target"


def test_a_sweep_is_one_person_in_a_minute_who_was_refused() -> None:
    changes = [
        sign(K.CHANGED, "lights", actor="p1"),
        sign(K.CHANGED, "mains", at=SWEEP_MS, actor="p1"),
    ]
    refused = sign(K.BEYOND, "paths", at=-1_000, actor="p1")
    found = run([refused, *changes])
    assert found is not None
    assert found.why == "sweep"
    assert run(changes) is None
    assert run([sign(K.BEYOND, "paths", at=-1_000, actor="p2"), *changes]) is None
    slower = [changes[0], sign(K.CHANGED, "mains", at=SWEEP_MS + 1, actor="p1")]
    assert run([refused, *slower]) is None
    other = [changes[0], sign(K.CHANGED, "mains", at=1, actor="p9")]
    assert run([refused, *other]) is None


def test_a_patient_attacker_is_seen_within_hours() -> None:
    step = SLOW_MS // 3
    slow = [sign(K.TAMPERED, s, at=n * step) for n, s in enumerate(("lights", "mains", "panels"))]
    found = run(slow)
    assert found is not None
    assert found.why == "slow"
    assert found.began_ms == T0, "its story begins with the first sign"
    assert run(slow[:2]) is None


def test_a_fleet_that_changes_outside_every_plan() -> None:
    changes = [sign(K.CHANGED, "lights", n, n, f"p{n % 3}") for n in range(8)]
    found = run(changes, {"lights": 24})
    assert found is not None
    assert found.why == "fleet"
    assert run(changes[:7], {"lights": 24}) is None


def test_it_goes_on_and_ends_once() -> None:
    detector = Detector(FLEETS)
    for n in range(3):
        detector.step(sign(K.FORGED, "junctions", n, n))
    grown = detector.step(sign(K.DANGER, "mains", at=60_000))
    assert grown is not None
    assert [s.service for s in grown.signs] == ["junctions"] * 3 + ["mains"]
    assert detector.tick(T0 + 60_000 + QUIET_MS) is None
    over = detector.tick(T0 + 60_001 + QUIET_MS)
    assert over is not None
    assert over.over
    assert detector.incident is None
    assert detector.tick(T0 + 60_002 + QUIET_MS) is None


def test_a_flood_of_signs_is_counted_not_kept() -> None:
    detector = Detector(FLEETS)
    for n in range(INCIDENT_SIGNS_MAX + 100):
        detector.step(sign(K.FORGED, "lights", n, n))
    incident = detector.incident
    assert incident is not None
    assert len(incident.signs) == INCIDENT_SIGNS_MAX
    assert incident.more + len(incident.signs) == INCIDENT_SIGNS_MAX + 100


def test_every_refusal_has_been_thought_of() -> None:
    """A new reason of the judge must be put into one of the classes by a person."""
    harmless = {r for r in Reason if of_refusal(r) is None}
    assert harmless == {
        Reason.OTHER_START,
        Reason.NO_LEASE,
        Reason.EXPIRED,
        Reason.NOT_YET,
        Reason.OTHER_ENVELOPE,
        Reason.ROSTER_EXPIRED,
        Reason.ENVELOPE_EXPIRED,
        Reason.TOO_FEW_WITNESSES,
        Reason.NOT_PERMITTED_NOW,
    }
    assert of_refusal(Reason.BAD_SIGNATURE) is K.FORGED
    assert of_refusal(Reason.REPLAYED) is K.STALE
    assert of_refusal(Reason.OUTSIDE_ENVELOPE) is K.BEYOND


signs = st.builds(
    sign,
    st.sampled_from(SignKind),
    st.sampled_from(list(FLEETS)),
    st.integers(0, 5),
    st.integers(0, WINDOW_MS - 1),
    st.sampled_from(["", "p1", "p2"]),
)


@given(st.lists(signs, max_size=20), signs)
def test_more_signs_never_hide_an_attack(some: list[Sign], one: Sign) -> None:
    now = T0 + WINDOW_MS - 1
    if reason(some, now, FLEETS):
        assert reason([*some, one], now, FLEETS)


harmless_signs = st.builds(
    sign,
    st.sampled_from(sorted(set(SignKind) - HOSTILE)),
    st.sampled_from(list(FLEETS)),
    st.integers(0, 5),
    st.integers(0, WINDOW_MS - 1),
)


@given(st.lists(harmless_signs, max_size=30))
def test_without_anything_hostile_only_a_fleet_is_strange(some: list[Sign]) -> None:
    assert reason(some, T0 + WINDOW_MS - 1, FLEETS) in ("", "fleet")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_in_a_month_is_seen(name: str) -> None:
    month, began_ms = attacked(41, name)
    detector = Detector(FLEETS)
    seen = [s for s in month if detector.step(s) and began_ms <= s.at_ms < began_ms + SLOW_MS]
    assert seen


def test_months_of_normal_life_raise_little() -> None:
    """A short form of bench/coordination.py."""
    incidents = set()
    for seed in range(12):
        detector = Detector(FLEETS)
        for one in normal(seed):
            if found := detector.step(one):
                incidents.add((seed, found.began_ms))
    assert len(incidents) <= 6
