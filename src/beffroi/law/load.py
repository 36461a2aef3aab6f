"""Reads the package's data files into values, once. An unknown or missing key is a LawError."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from beffroi.law.items import (
    AutoRule,
    Axis,
    Claim,
    Deadline,
    Dossier,
    Figure,
    Gate,
    Incident,
    Indicator,
    LawError,
    Level,
    LimitItem,
    Maturity,
    Obligation,
    Question,
    Section,
    Term,
)

Raw = Mapping[str, Any]


@cache
def obligations() -> tuple[Obligation, ...]:
    """Who must do what."""
    return tuple(
        Obligation(**_common(raw, "rule"), binds=raw["binds"], evidence=raw["evidence"])
        for raw in _list("obligations", "id binds rule evidence")
    )


@cache
def deadlines() -> tuple[Deadline, ...]:
    """The clocks of an incident."""
    keys = ("hours", "start", "condition", "law")
    return tuple(
        Deadline(**_common(raw, "name"), **{key: raw[key] for key in keys})
        for raw in _list("deadlines", "id name hours start condition law", source=False)
    )


@cache
def dossier() -> Dossier:
    """The outline of the diligence file."""
    raw = _read("dossier")
    _only(raw, {"title", "principles", "sections"}, "dossier")
    sections = tuple(
        Section(one["n"], one["title"], tuple(one["items"]), one["from"], one["law"])
        for one in raw["sections"]
    )
    return Dossier(raw["title"], tuple(raw["principles"]), sections)


@cache
def incidents() -> tuple[Incident, ...]:
    """The attacks that Beffroi is made against."""
    return tuple(
        Incident(**_common(raw, "facts"), stop=raw["stop"], detect=raw["detect"])
        for raw in _checked(_read("incidents")["incidents"], "id facts stop detect")
    )


@cache
def stats() -> tuple[Claim, ...]:
    """What is known of attacks on local authorities."""
    return _claims(_read("incidents")["stats"])


@cache
def limits() -> tuple[LimitItem, ...]:
    """Limits of law or good practice, by `domain` and id."""
    return tuple(
        LimitItem(
            id=raw["key"],
            text=str(raw["value"]),
            mark=raw["v"],
            source=raw["src"],
            verified_on=raw["verified_on"],
            domain=raw["dom"],
            note=raw["note"],
            remote=raw["remote"],
        )
        for raw in _list("limits", "dom key value note remote")
    )


@cache
def glossary() -> tuple[Term, ...]:
    """French and English words."""
    return tuple(Term(raw["fr"], raw["en"], raw["note"]) for raw in _read("glossary"))


@cache
def indicators() -> Mapping[str, Indicator]:
    """The 34 by id, in the order of the file."""
    found = {}
    words = "id family fr en unit unit_en formula formula_en better target public"
    for raw in _list("indicators", words):
        found[raw["id"]] = Indicator(
            **_common(raw, "fr"),
            en=raw["en"],
            unit=Figure(raw["unit"], raw["unit_en"]),
            formula=Figure(raw["formula"], raw["formula_en"]),
            better=raw["better"],
            target=raw["target"],
            public=raw["public"],
            family=raw["family"],
        )
    return found


@cache
def maturity() -> Maturity:
    """Questionnaire and method."""
    raw = _read("maturity")
    return Maturity(
        model=raw["model"],
        axes=tuple(
            Axis(one["id"], one["fr"], one["en"], Figure(one["gloss"], one["gloss_en"]))
            for one in raw["axes"]
        ),
        levels=tuple(
            Level(one["n"], one["fr"], one["en"], Figure(one["test"], one["test_en"]))
            for one in raw["levels"]
        ),
        gates=tuple(Gate(one["id"], one["fr"], one["en"]) for one in raw["gates"]),
        questions=tuple(
            Question(one["id"], one["fr"], one["en"], str(one["level"]), one.get("factor", ""))
            for one in raw["questions"]
        ),
        rules=tuple(_rule(one) for one in raw["rules"]),
        facts=_claims(raw["facts"]),
        fresh_days=int(raw["fresh_days"]),
    )


def _rule(raw: Raw) -> AutoRule:
    def pair(name: str) -> Figure:
        return Figure(raw.get(name, ""), raw.get(f"{name}_en", ""))

    return AutoRule(raw["id"], raw["axis"], pair("name"), pair("pilot"), pair("deployed"))


def _claims(raws: list[Raw]) -> tuple[Claim, ...]:
    return tuple(
        Claim(str(n), raw["t"], raw["v"], raw["src"], raw["verified_on"])
        for n, raw in enumerate(_checked(raws, "t"))
    )


def _common(raw: Raw, text: str) -> dict[str, Any]:
    return {
        "id": raw["id"],
        "text": raw[text],
        "mark": raw["v"],
        "source": raw.get("src", ""),
        "verified_on": raw["verified_on"],
    }


def _list(name: str, words: str, *, source: bool = True) -> list[Raw]:
    return _checked(_read(name), words, source=source)


def _checked(raws: list[Raw], words: str, *, source: bool = True) -> list[Raw]:
    keys = {*words.split(), "v", "verified_on", *(("src",) if source else ())}
    for raw in raws:
        _only(raw, keys, str(next(iter(raw.values()), "?")))
    return raws


def _only(raw: Raw, keys: set[str], where: str) -> None:
    if set(raw) != keys:
        odd = sorted(set(raw) ^ keys)
        raise LawError(f"law data, entry {where!r}: the keys {odd} are missing or unknown")


def _read(name: str) -> Any:
    text = (resources.files("beffroi.law") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)
