"""Facts come from devices; the words must survive them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hub.alarms.kit import WARNING, alarm

from beffroi.hub.alarms.text import render
from beffroi.model.asset import Label


@pytest.mark.parametrize(
    ("facts", "fr", "en"),
    [
        ({"pressure_bar": 2.04}, "Pression 2,0 bar", "Pressure 2.0 bar"),
        ({}, "Pression – bar", "Pressure – bar"),
        ({"pressure_bar": "high"}, "Pression high bar", "Pressure high bar"),
        ({"pressure_bar": float("nan")}, "Pression nan bar", "Pressure nan bar"),
    ],
)
def test_facts_fill_the_text(facts: dict[str, float | str], fr: str, en: str) -> None:
    assert render(alarm(facts=facts), WARNING, "fr") == fr
    assert render(alarm(facts=facts), WARNING, "en") == en


@pytest.mark.parametrize("text", ["{", "{}", "{0}", "{pressure_bar.__class__}", "{a[b]}", "100 %"])
def test_an_odd_template_neither_crashes_nor_leaks(text: str) -> None:
    odd = replace(WARNING, text=Label(text, text))
    line = render(alarm(facts={"pressure_bar": 1.0}), odd, "fr")
    assert "class" not in line or line == text


def test_a_group_says_how_many() -> None:
    group = alarm(members=12, facts={"members": 12.0})
    assert render(group, WARNING, "fr") == "12 alarmes de la même règle : Pression – bar"
    assert render(group, WARNING, "en") == "12 alarms of the same rule: Pressure – bar"
