"""What the judge lets a hub do to a junction: select proven plans, slowly, and go to safety."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.domains.judged import EVERYBODY, MINUTE, TERMS, Bench, asset, bench, envelope_of, reason
from tests.domains.signals.small import cross

from beffroi.domains.signal_controller import Controller, cycle_s
from beffroi.domains.signal_junction import Plan, Stage
from beffroi.domains.signals import DOMAIN
from beffroi.domains.signals.acts import proven
from beffroi.domains.signals.table import table

DAY = [{"from": "07:00", "to": "09:00", "plan": 2}, {"from": "22:00", "to": "05:00", "plan": 2}]


def attrs(**more: Any) -> dict[str, Any]:
    made = cross(id="target-1")
    return {"junction": table(made), "proof": made.digest, "usual": [2], "day": DAY, **more}


def junction(minute: int = 12 * 60, **more: Any) -> Bench:
    return bench("signals", "junction", {"local_minute": minute}, **attrs(**more))


def test_the_hub_alone_follows_the_hours_of_the_plan() -> None:
    for minute in (7 * 60, 9 * 60 - 1, 22 * 60, 4 * 60):
        assert reason(junction(minute).ask("select_plan", "A", plan=2)) == "accepted"
    for minute in (7 * 60 - 1, 9 * 60, 12 * 60, 5 * 60):
        assert reason(junction(minute).ask("select_plan", "A", plan=2)) == "not_permitted_now"


def test_one_person_for_usual_plans_two_for_any_other_and_nothing_else() -> None:
    assert reason(junction().ask("select_plan", "B", plan=1)) == "accepted"
    assert reason(junction().ask("select_plan", "B", plan=2)) == "accepted"
    assert reason(junction().ask("select_plan", "B", plan=3)) == "class_too_low"
    assert reason(junction().ask("select_plan", "C", plan=3)) == "accepted"
    for plan in (0, 4, 255, -1, "2"):
        assert reason(junction().ask("select_plan", "C", plan=plan)) == "outside_envelope"


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("set_lamp", {"group": 0, "colour": "green"}),
        ("select_plan", {"plan": 1, "amber_s": 1}),
        ("select_plan", {}),
        ("all_green", {}),
        ("set_clearance", {"seconds": 0}),
        ("flash", {"group": 1}),
    ],
)
def test_no_lamp_amber_or_clearance_can_be_ordered(action: str, params: dict[str, Any]) -> None:
    refused = reason(junction().ask(action, "C", by=EVERYBODY, **params))
    assert refused in ("unknown_action", "outside_envelope")


def test_changes_keep_their_distance_and_their_number() -> None:
    made = junction()
    longest_s = cycle_s(Controller(cross()), 2)
    assert reason(made.ask("select_plan", "B", plan=2)) == "accepted"
    made.passes(3_000 * longest_s - 1)
    assert reason(made.ask("select_plan", "B", plan=1)) == "too_often"
    made.passes(1)
    assert reason(made.ask("select_plan", "B", plan=1)) == "accepted"
    for plan in (2, 1, 2, 1):
        made.passes(3_000 * longest_s)
        assert reason(made.ask("select_plan", "B", plan=plan)) == "accepted"
    made.passes(3_000 * longest_s)
    assert reason(made.ask("select_plan", "B", plan=2)) == "too_often"


def test_safety_stays_possible_without_a_lease_and_after_everything() -> None:
    made = junction()
    made.ask("select_plan", "B", plan=2)
    made.lease = False
    assert reason(made.ask("select_plan", "B", plan=1)) == "no_lease"
    assert reason(made.ask("local", "A")) == "accepted"
    assert reason(made.ask("flash", "A")) == "class_too_low"  # a hub alone darkens no town
    assert reason(made.ask("flash", "B")) == "accepted"
    assert made.envelope.fleet_targets_max == 3
    assert made.envelope.fleet_window_ms == 10 * MINUTE


def test_unproven_data_have_no_envelope() -> None:
    good = asset("signals", "junction", **attrs())
    assert DOMAIN.envelope(good, TERMS) is not None
    bad = cross(id="target-1", plans={1: Plan("", (Stage(frozenset({0, 1}), 20),))})
    for wrong in (
        {},
        attrs(proof=""),
        attrs(proof="0" * 64),
        {**attrs(), "junction": table(cross(local=2))},  # of other data
        {"junction": table(bad), "proof": bad.digest},  # the right digest, and no proof
        {"junction": "x", "proof": "x"},
        {"junction": None},
    ):
        assert DOMAIN.envelope(asset("signals", "junction", **wrong), TERMS) is None
    assert proven(good) is not None


def test_more_cycles_between_may_be_asked_for_and_fewer_may_not() -> None:
    few, many = junction(cycles_between=0), junction(cycles_between=10)
    spacing = [b.envelope.actions["select_plan"].spacing_ms_min for b in (junction(), few, many)]
    assert spacing[0] == spacing[1] < spacing[2]


@pytest.mark.parametrize(
    "day",
    [
        "x",
        [1],
        [{"from": "25:00", "to": "09:00", "plan": 2}],
        [{"plan": 2}],
        [{"from": "07:00", "to": "07:00", "plan": 2}],
        [{"from": "07:00", "to": "09:00", "plan": 3}],  # not a usual plan
        [{"from": "07:00", "to": "09:00", "plan": True}],
    ],
)
def test_hours_that_cannot_be_read_allow_nothing(day: object) -> None:
    for plan in (1, 2, 3):
        made = junction(8 * 60, day=day)
        assert reason(made.ask("select_plan", "A", plan=plan)) == "class_too_low"


def test_what_was_ordered_is_noted_for_the_watch() -> None:
    made = asset("signals", "junction", **attrs())
    assert DOMAIN.ordered(made, "select_plan", {"plan": 2}, b"", 0) == {"ordered_plan": 2.0}
    assert DOMAIN.ordered(made, "local", {}, b"", 0) == {"ordered_plan": 0.0}
    noted = DOMAIN.kinds["junction"].properties["ordered_plan"]
    assert noted.name in DOMAIN.kinds["junction"].derived


def test_the_sentence_names_the_place_and_the_plan() -> None:
    made = replace(asset("signals", "junction", **attrs()), name="Place de la Mairie")
    action = envelope_of(made).actions["select_plan"]
    assert action.say_fr.format(plan=2) == (
        "Carrefour Place de la Mairie : passer au plan de feux numéro 2"
    )
    assert (
        action.say_en.format(plan=2)
        == "Junction Place de la Mairie: change to signal plan number 2"
    )
