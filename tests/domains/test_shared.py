"""What the domains' watches share: tables of rules and kinds, units, latches."""

from __future__ import annotations

import string

import pytest

from beffroi.domains.base import DecodeError
from beffroi.domains.kind_table import KindTableError, properties
from beffroi.domains.latch import Latches
from beffroi.domains.registry import domains
from beffroi.domains.rule_table import RuleTableError, parse
from beffroi.domains.units import scaled
from beffroi.domains.usual import Tuning, Usual

OURS = ("water", "lighting", "signals")


@pytest.mark.parametrize("name", OURS)
def test_every_rule_speaks_both_languages_with_the_same_facts(name: str) -> None:
    for rule in domains()[name].rules.values():
        facts = [
            {field for _, field, _, _ in string.Formatter().parse(text) if field}
            for text in (rule.text.fr, rule.text.en)
        ]
        assert facts[0] == facts[1], rule.id
        assert rule.advice.fr
        assert rule.advice.en
        assert rule.source


def test_a_malformed_table_names_the_rule() -> None:
    with pytest.raises(RuleTableError, match="tank_low"):
        parse("x", "tank_low | WARNING | local\n- un seul texte")
    with pytest.raises(RuleTableError, match="repeat"):
        parse("x", "a | INFO | local\n- a\n- b\n- c\n- d\na | INFO | local\n- a\n- b\n- c\n- d")
    with pytest.raises(KindTableError, match="level_m"):
        properties("level_m | Niveau | Level | m | low | 60 | 2")


def test_a_text_or_boolean_is_not_a_measurement() -> None:
    table = {"flow_m3_h": ("flow_l_s", 1 / 3.6)}
    assert scaled({"flow_m3_h": 36, "on": True}, table) == {
        "flow_l_s": pytest.approx(10),
        "on": True,
    }
    for bad in ("36", True, None, [1]):
        with pytest.raises(DecodeError, match="flow_m3_h"):
            scaled({"flow_m3_h": bad}, table)
    with pytest.raises(DecodeError, match="too large"):
        scaled({"flow_m3_h": 10**400}, table)


def test_a_latch_needs_two_observations_and_forgets_an_interruption() -> None:
    latch = Latches("a")
    assert not latch.feed("r", 0, True, on_s=60)
    assert not latch.feed("r", 30_000, False, on_s=60)
    assert not latch.feed("r", 61_000, True, on_s=60)
    assert not latch.feed("r", 90_000, None, on_s=60)
    assert latch.feed("r", 121_000, True, on_s=60)
    assert [f.active for f in latch.take()] == [True]
    assert not latch.take()


def test_a_latch_waits_for_its_time() -> None:
    latch = Latches("a")
    assert not latch.feed("r", 0, True, on_s=60)
    assert not latch.feed("r", 59_999, True, on_s=60)
    assert latch.feed("r", 60_000, True, on_s=60)


def test_a_rise_is_not_learnt_until_patience_ends() -> None:
    tuning = Tuning(learn=10, share=0.1, floor_share=0.05, floor=0.1, slack=0.5, bar=5, patience=50)
    usual = Usual()
    for i in range(40):
        usual.step("", 10 + 0.1 * (i % 3), tuning)
    before = usual.mean[""]
    for _ in range(50):
        usual.step("", 14.0, tuning)
    assert usual.excess > tuning.bar
    assert usual.mean[""] == pytest.approx(before, abs=0.5)
    for _ in range(30):
        usual.step("", 14.0, tuning)
    assert usual.excess == 0
    assert usual.mean[""] == pytest.approx(14.0)
