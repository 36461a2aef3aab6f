"""Boards' envelopes asked by the judge itself: what stands on a board is in the catalogue (M12)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domains.judged import EVERYBODY, MINUTE, Bench, bench, envelope_of, reason

from beffroi.domains.boards import acts
from beffroi.domains.boards.catalogue import (
    ALERT,
    CHARSET,
    LINE_CHARS_MAX,
    LINES_MAX,
    ROAD_CHARSET,
    TEMPLATES,
    CatalogueError,
    places,
    text_number,
    text_of,
)
from beffroi.kernel.verdict import Accepted
from beffroi.model.asset import Asset

PLACES = ["PLACE DE LA MAIRIE", "ÉCOLE"]
TWO = ("hub", "clerk", "prefect")
SAMPLE = {
    "place": "PLACE DE LA MAIRIE",
    "road": "D125A",
    "from_h": 24,
    "to_h": 24,
    "free": 999,
    "speed_kmh": 70,
}


def board(**attrs: Any) -> Bench:
    return bench("boards", "board", {"weekday": 4, "local_minute": 600}, places=PLACES, **attrs)


@pytest.mark.parametrize("one", TEMPLATES.values(), ids=lambda one: one.id)
def test_every_template_fits_the_board(one: Any) -> None:
    text = text_of({"template": one.id, **{k: SAMPLE[k] for k in one.fields}})
    lines = text.split("\n")
    assert 1 <= len(lines) <= LINES_MAX
    assert all(0 < len(line) <= LINE_CHARS_MAX for line in lines), lines
    assert set(text) - {"\n"} <= CHARSET


@settings(max_examples=100)
@given(
    st.sampled_from(["show", "alert"]),
    st.one_of(st.sampled_from(sorted(TEMPLATES)), st.text(max_size=12)),
    st.dictionaries(
        st.sampled_from([*SAMPLE, "text"]),
        st.one_of(st.text(max_size=20), st.integers(-5, 2_000), st.sampled_from(PLACES)),
        max_size=3,
    ),
    st.integers(-1, 800),
    st.lists(st.one_of(st.sampled_from(PLACES), st.text(max_size=25), st.integers()), max_size=4),
    st.sampled_from("ABC"),
)
def test_whatever_is_signed_only_the_catalogue_is_shown(
    action: str, template: str, fields: dict[str, int | str], minutes: int, known: list[Any],
    klass: str,
) -> None:  # fmt: skip
    one = Asset("target-1", "boards", "board", "P", 2, 48, authority="mairie",
                attrs={"places": known})  # fmt: skip
    params = {"template": template, **fields, "minutes": minutes}
    told = Bench(envelope_of(one)).ask(action, klass, EVERYBODY, **params)
    if not isinstance(told, Accepted):
        return
    found = TEMPLATES[template]
    assert (found.category == ALERT) == (action == "alert")
    assert fields.keys() == found.fields.keys()
    assert minutes <= (30 if action == "alert" else 720)
    assert told.klass == ("C" if action == "alert" else "B")
    assert set(text_of(params)) - {"\n"} <= CHARSET
    for name, value in fields.items():
        if name == "place":
            assert value in places(known)
        elif name == "road":
            assert set(str(value)) <= set(ROAD_CHARSET)
            assert len(str(value)) <= 5
        else:
            assert isinstance(value, int)


def alert(one: Bench, by: tuple[str, ...] = TWO, **more: Any) -> str:
    asked: dict[str, Any] = {"template": "alerte_crue", "minutes": 20, **more}
    return reason(one.ask("alert", "C", by, **asked))


def test_a_false_alert_needs_two_persons_of_two_organisations_and_a_witness() -> None:
    """M12: each way of being one too few, then the honest one."""
    assert alert(board(), ("hub",)) == "too_few_persons"
    assert alert(board(), ("hub", "clerk", "clerk-2")) == "same_person_twice"
    assert alert(board(), ("hub", "clerk", "engineer")) == "too_few_organisations"
    assert alert(board(), ("hub", "sealed", "sealed-2")) == "too_few_persons"
    assert alert(board(), ("hub", "clerk", "water")) == "wrong_role"
    assert alert(board(), witnesses=()) == "too_few_witnesses"
    assert alert(board(), minutes=31) == "outside_envelope"
    assert alert(board(), life_ms=31 * MINUTE) == "lives_too_long"
    assert alert(board(), template="travaux") == "outside_envelope"
    assert reason(board().ask("show", "C", TWO, template="alerte_crue", minutes=5)) == (
        "outside_envelope"
    )
    assert alert(board()) == "accepted"


def test_alerts_do_not_follow_each_other() -> None:
    one = board()
    assert alert(one) == "accepted"
    one.passes(9 * MINUTE)
    assert alert(one, template="evacuation", place="ÉCOLE") == "too_often"
    one.passes(2 * MINUTE)
    assert alert(one, template="evacuation", place="ÉCOLE") == "accepted"


def test_a_board_goes_blank_without_lease_or_approval() -> None:
    one = board()
    assert alert(one) == "accepted"
    one.lease = False
    assert reason(one.ask("blank", "A")) == "accepted"


def test_the_schedule_shows_the_market_by_itself_on_its_day_only() -> None:
    market = {"template": "marche", "days": [4], "from": "07:00", "to": "13:00"}
    one = board(schedule=[market, {"template": "alerte_crue", "from": "00:00", "to": "23:00"}])
    said = {"template": "marche", "place": "ÉCOLE", "from_h": 8, "to_h": 12, "minutes": 60}
    assert reason(one.ask("show", "A", **said)) == "accepted"
    one.facts["weekday"] = 5
    assert reason(one.ask("show", "A", **said)) == "not_permitted_now"
    one.facts |= {"weekday": 4, "local_minute": 12 * 60 + 1}
    assert reason(one.ask("show", "A", **said)) == "not_permitted_now"
    assert alert(one, ("hub",)) == "too_few_persons"  # no schedule ever shows an alert
    asked = one.ask("show", "A", template="alerte_crue", minutes=60)
    assert reason(asked) == "outside_envelope"


def test_every_template_can_be_asked_for_by_its_page() -> None:
    offered = acts.ACTS["board"]
    words = set(offered["show"].params["template"].words) | set(
        offered["alert"].params["template"].words
    )
    assert words == set(TEMPLATES)
    for one in TEMPLATES.values():
        act = "alert" if one.category == ALERT else "show"
        assert one.fields.keys() <= offered[act].params.keys()


def test_what_is_not_in_the_catalogue_is_an_error() -> None:
    with pytest.raises(CatalogueError, match="not in the catalogue"):
        text_of({"template": "attentat"})
    with pytest.raises(CatalogueError, match="needs place"):
        text_of({"template": "travaux"})


@given(st.text(max_size=40))
def test_a_text_is_a_number_that_a_reading_can_carry(text: str) -> None:
    number = text_number(text)
    assert float(number) == number
    assert 0 <= number < 2**48
    assert text_number(f"  {text.upper()}\n") == number or text.upper() != text.upper().upper()
    assert (number == 0) == (not text.split())
