"""Every word of the pages exists in French."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment

import beffroi.api
import beffroi.ui
from beffroi.ui.i18n import words
from beffroi.ui.script_words import SCRIPT_WORDS

UI = Path(beffroi.ui.__file__ or "").parent
API = Path(beffroi.api.__file__ or "").parent
TEMPLATES = sorted((UI / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_a_template_is_translated(path: Path) -> None:
    french = words("fr")
    env = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for line, _, message in env.extract_translations(path.read_text()):
        if isinstance(message, tuple):
            one, many = message[0], message[1]
            assert (one or "", many or "") in french._many, f"{path.name}:{line} {message}"
        else:
            assert french._one.get(message or ""), f"{path.name}:{line} {message!r}"


# Names and signs that are the same in every language.
SAME = {
    "Beffroi", "English", "Français", "LoRaWAN", "ChirpStack", "ChirpStack v4", "The Things Stack",
    "The Things Stack v3", "DevEUI", "EUPL-1.2", "ms", "N", "E", "Authorization: Bearer",
    "d/", "/batch", "mosquitto_pub -h", "links", "/links/", "readings", "device",
}  # fmt: skip


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_a_template_has_no_literal_text(path: Path) -> None:
    source = re.sub(r"<(pre|code)\b.*?</\1>", "", path.read_text(), flags=re.S)
    source = re.sub(r"{% block body_class %}.*?{% endblock %}", "", source)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", "\0", source, flags=re.S)
    spoken = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"\0]*)"', source)
    texts = [*spoken, *re.sub(r"<[^>]*>", "\0", source).split("\0")]
    found = {text.strip(" \n·,:/–…()-") for text in texts}
    assert {t for t in found if re.search(r"[^\W\d_]", t)} <= SAME | {"70B3D57ED0000001"}


def test_the_scripts_words_are_those_they_use() -> None:
    scripts = "".join(path.read_text() for path in (UI / "web" / "src").glob("*.ts"))
    used = set(re.findall(r'words\(\s*"([^"]+)"', scripts))
    assert used <= set(SCRIPT_WORDS)
    assert {w for w in SCRIPT_WORDS if f'"{w}"' not in scripts} == set()


def test_the_scripts_words_are_translated() -> None:
    assert [w for w in SCRIPT_WORDS if not words("fr")._one.get(w)] == []


# Errors of the hub that pages show with their own words, and where the words stand among what
# they are called with.
SHOWN = {
    "Refusal": 2, "EntryError": 1, "MaturityError": 1, "ConsultationError": 1, "ExperimentError": 1,
    "TwinError": 0, "RegisterError": 1, "BusyError": 0, "PeriodError": 0,
}  # fmt: skip
PARTS = (API, UI, API.parent / "hub" / "indicators", API.parent / "hub" / "maturity",
         API.parent / "hub" / "consultations", API.parent / "hub" / "experiments",
         API.parent / "hub" / "dossier", API.parent / "hub" / "open_data")  # fmt: skip


def refusal_texts() -> set[str]:
    """Those that are the same each time; what is put together with a fact cannot be a key."""
    found = set()
    for path in (path for part in PARTS for path in part.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                place = SHOWN.get(getattr(node.func, "id", ""))
                text = node.args[place] if place is not None and len(node.args) > place else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found.add(text.value)
    return found


def test_refusals_are_translated() -> None:
    texts = refusal_texts()
    assert len(texts) > 10
    untranslated = {t for t in texts if not words("fr")._one.get(t)}
    assert untranslated <= {"{text}"}  # its text is a key of its own: see `refused_text`


def test_french_keeps_placeholders_and_its_spaces() -> None:
    for key, text in words("fr")._one.items():
        assert key.count("{") == text.count("{"), key
        assert not any(f" {sign}" in text for sign in ";:!?»%"), f"breakable space in {text!r}"
