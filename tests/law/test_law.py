"""The law package: complete, marked, proofread, and never bolder than its sources."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi import law
from beffroi.law import Item, LawError, shown
from beffroi.law.load import _only

FILES = ("obligations", "deadlines", "dossier", "incidents", "limits", "glossary", "indicators",
         "maturity")  # fmt: skip


def texts() -> dict[str, str]:
    home = resources.files("beffroi.law") / "data"
    return {name: (home / f"{name}.yaml").read_text(encoding="utf-8") for name in FILES}


def items() -> list[Item]:
    return [
        *law.obligations(), *law.deadlines(), *law.incidents(), *law.stats(), *law.limits(),
        *law.indicators().values(), *law.maturity().facts,
    ]  # fmt: skip


def test_everything_is_there() -> None:
    assert len(law.indicators()) == 34
    assert [s.n for s in law.dossier().sections] == list(range(14))
    assert [level.n for level in law.maturity().levels] == [0, 1, 2, 3, 4]
    assert len(law.maturity().axes) == 6
    assert {rule.axis for rule in law.maturity().rules} == {a.id for a in law.maturity().axes}
    known = {one.id for one in law.obligations()}
    assert {one.law for one in law.deadlines()} <= known
    assert len(known) == len(law.obligations())


@given(st.text(min_size=1), st.text(max_size=20), st.sampled_from(["fr", "en", "de"]))
def test_what_nobody_checked_always_says_so(text: str, mark: str, lang: str) -> None:
    item = Item("x", text, mark)
    warned = shown(item, lang).endswith(("(à vérifier)", "(to be verified)"))
    assert warned == (mark not in ("V", "-"))
    assert shown(Item("x", text, mark, verified_on="2026-11-24"), lang) == text


def test_unverified_items_of_the_data_carry_the_warning() -> None:
    doubtful = [item for item in items() if not item.verified]
    assert len(doubtful) > 10
    assert all(shown(item).endswith("(à vérifier)") for item in doubtful)
    assert "NIS2-alerte" in {item.id for item in doubtful}


def test_no_share_of_mature_cities_is_in_the_data() -> None:
    """The 90 % and 40 % of the article could not be checked: they must not be printable."""
    text = texts()["maturity"].replace("\u00a0", " ")
    assert "90 %" not in text
    assert "40 %" not in text
    assert "43 %" not in text


def test_french_is_proofread() -> None:
    wrong = re.compile(r"s.effacé|auto-mesure|périmètre vise\b|Continuite|delai|arrete |memory")
    for name, text in texts().items():
        body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        assert not wrong.search(body), name
        assert not re.search(r"\w ; ", body), f"{name}: a plain space before ;"
        assert not re.search(r"\w \?", body), f"{name}: a plain space before ?"
        assert not re.search(r"(: M\)|\(M\))", body), f"{name}: a bare mark inside a text"


def test_an_odd_key_is_an_error() -> None:
    with pytest.raises(LawError, match="'x'"):
        _only({"id": 1, "x": 2}, {"id"}, "one")
