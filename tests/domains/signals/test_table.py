"""Junctions as tables: strict, faithful, and without any time that nobody may set."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domains.signals.small import any_junction, cross

from beffroi.domains.signal_junction import JunctionError
from beffroi.domains.signals.table import junction, junctions, table, toml

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_there_and_back(seed: int) -> None:
    made = any_junction(random.Random(seed))
    assert junction(table(made)) == made
    assert junction(json.loads(json.dumps(table(made)))).digest == made.digest
    assert junctions(toml(made)) == [made]


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ([], "amber_s"),
        (["group", 0], "amber_s"),
        (["conflict", 0], "clearance_s"),
        (["plan", 0], "all_red_s"),
        (["plan", 0, "stages", 0], "green_min_s"),
        ([], "wait_max_s"),
    ],
)
def test_times_of_the_law_cannot_be_set(where: list[str | int], key: str) -> None:
    data = table(cross())
    place = data
    for step in where:
        place = place[step]  # type: ignore[index]
    place[key] = 1
    with pytest.raises(JunctionError, match=f"{key} cannot be set"):
        junction(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Est-Ouest"]', '"Ouest"]'),
        ("metres = [15.0", "metres = [-1"),
        ("metres = [15.0", "metres = [1e9"),
        ("metres = [15.0", "metres = [nan"),
        ("speed_kmh = 50", "speed_kmh = 500"),
        ("speed_kmh = 50", "speed_kmh = 50.5"),
        ("seconds = 20", "seconds = true"),
        ("seconds = 20", "seconds = 0"),
        ('kind = "vehicle"', 'kind = "tank"'),
        ("local = 1", "local = 7"),
        ("id = 1", "id = 2"),
        ('name = "Croix"', 'name = "a\\u0007"'),
        ("local = 1", "colour = 1"),
        ("[[junction]]", "[junction]"),
        ("[[junction]]", "[["),
    ],
)
def test_a_bad_entry_is_named(old: str, new: str) -> None:
    text = toml(cross())
    assert old in text
    with pytest.raises(JunctionError) as caught:
        junctions(text.replace(old, new, 1))
    assert str(caught.value)


def test_two_of_the_same_name_are_one_too_many() -> None:
    with pytest.raises(JunctionError, match="same id"):
        junctions(toml(cross()) + toml(cross()))


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_nothing_else_than_its_own_error(data: object) -> None:
    for hostile in (data, {**table(cross()), "plan": data}, {**table(cross()), "group": data}):
        with pytest.raises(JunctionError):
            junction(hostile)


def test_a_distance_is_rounded_up() -> None:
    data = table(cross())
    data["conflict"][0]["metres"] = [15.01, 13]
    assert junction(data).conflicts[0, 1] == 151
    assert junction(data).conflicts[1, 0] == 130
