"""Every "no" of the dispatcher, every state and reason exists in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import beffroi.hub.dispatch as home
from beffroi.hub.dispatch.rules import RULES
from beffroi.hub.dispatch.words import CAUSES, REASONS, STATES, cause, reason_text
from beffroi.kernel.verdict import Reason
from beffroi.ports.commands import State
from beffroi.ui.i18n import words


def denials() -> set[str]:
    found = set()
    for path in Path(home.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            denied = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "deny"
            if denied and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):  # type: ignore[attr-defined]
                found.add(str(node.args[1].value))  # type: ignore[attr-defined]
    return found


def test_denials_are_translated() -> None:
    texts = denials()
    assert len(texts) > 25
    assert [text for text in texts if not words("fr")._one.get(text)] == []


def test_what_guards_write_beside_a_receipt_has_words() -> None:
    guard = Path(home.__path__[0]).parents[1] / "guard"
    text = "".join((guard / name).read_text() for name in ("core.py", "watch.py"))
    calls = r"(?:fail|fall|_tell|_trouble)\(\s*[\w.]+, (?:post, )?\"(\w+)\"|reason=\"(\w+)\""
    codes = {first or second for first, second in re.findall(calls, text)}
    assert len(codes) > 10
    assert codes - set(CAUSES) == set()
    for code in CAUSES:
        assert reason_text(code).fr.endswith(".")
        assert not cause(code).fr.endswith(".")
    assert cause("not_permitted_now").fr == "l’état de l’équipement ne le permet pas"
    assert cause("a sentence of its own").en == "a sentence of its own"


def test_states_and_reasons_have_words() -> None:
    assert set(STATES) == set(State)
    assert set(Reason) <= set(REASONS)
    for label in (*STATES.values(), *REASONS.values()):
        assert label.fr
        assert label.en


def test_rules_say_what_to_do_in_both_languages() -> None:
    for name, rule in RULES.items():
        assert name.startswith("commands.")
        for label in (rule.text, rule.advice):
            assert label.fr != label.en
            assert label.fr.count("{") == label.en.count("{"), name
