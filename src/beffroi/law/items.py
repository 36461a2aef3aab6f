"""What the law package hands out: frozen values, each with the mark of how well it is known.

Marks: "V" a text or a named secondary page was seen; "M" from memory; "-" our own rule or measure,
which needs no source. Anything else counts as not verified.
"""

from __future__ import annotations

from dataclasses import dataclass

NOT_VERIFIED = {"fr": "(à vérifier)", "en": "(to be verified)"}


class LawError(Exception):
    """A data file of the package is not as it must be: reinstall, or correct the named entry."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something said with a source. `text` is French; `verified_on` is an ISO date or ""."""

    id: str
    text: str
    mark: str
    source: str = ""
    verified_on: str = ""

    @property
    def verified(self) -> bool:
        """Whether it may be shown as it is: seen, our own, or checked since."""
        return self.mark in ("V", "-") or bool(self.verified_on)


def shown(item: Item, lang: str = "fr") -> str:
    """The text as a person may read it: an unverified one always carries the warning."""
    if item.verified:
        return item.text
    return f"{item.text}\u00a0{NOT_VERIFIED.get(lang, NOT_VERIFIED['en'])}"


@dataclass(frozen=True, slots=True)
class Claim(Item):
    """A plain statement with a source (facts about a study, statistics)."""


@dataclass(frozen=True, slots=True)
class Obligation(Item):
    """`text` is the rule; `binds` says whom; `evidence` what shows that it was done."""

    binds: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Deadline(Item):
    """`text` names it; `hours` count from `start`; it applies under `condition`. `law` is the id
    of an obligation. 0 hours: at once."""

    hours: int = 0
    start: str = ""
    condition: str = ""
    law: str = ""


@dataclass(frozen=True, slots=True)
class Incident(Item):
    """`text` tells what happened; `stop` what would have prevented it, `detect` what shows it."""

    stop: str = ""
    detect: str = ""


@dataclass(frozen=True, slots=True)
class LimitItem(Item):
    """A limit of law or good practice. `text` is its value as written; `note` explains, `remote`
    says what follows for orders from afar ("-": nothing). `domain` is a word of the source."""

    domain: str = ""
    note: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number inside an indicator's definition."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Indicator(Item):
    """`text` is its French name. `unit` and `formula` in both languages; `better` is "up", "down"
    or "" (no direction); `target` is where it should be, None when nothing says so."""

    en: str = ""
    unit: Figure = Figure("", "")
    formula: Figure = Figure("", "")
    better: str = ""
    target: float | None = None
    public: bool = False
    family: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One of the 14 of the diligence file. `origin` says which stores fill it."""

    n: int
    title: str
    items: tuple[str, ...]
    origin: str
    law: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The outline of the diligence file."""

    title: str
    principles: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary."""

    fr: str
    en: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """One of the six characteristics."""

    id: str
    fr: str
    en: str
    gloss: Figure


@dataclass(frozen=True, slots=True)
class Level:
    """A level 0-4 with the test that holds it."""

    n: int
    fr: str
    en: str
    test: Figure


@dataclass(frozen=True, slots=True)
class Gate:
    """A question that an initiative must pass to count."""

    id: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the commune. `level` is "1".."4", "vigilance" or "info"."""

    id: str
    fr: str
    en: str
    level: str
    factor: str = ""


@dataclass(frozen=True, slots=True)
class AutoRule:
    """A proof that the platform computes: `pilot` and `deployed` in words ("" when there is no
    such stage), on the axis `axis`."""

    id: str
    axis: str
    name: Figure
    pilot: Figure
    deployed: Figure


@dataclass(frozen=True, slots=True)
class Maturity:
    """The method of the self-assessment (European Parliament 2014, adapted to any commune)."""

    model: str
    axes: tuple[Axis, ...]
    levels: tuple[Level, ...]
    gates: tuple[Gate, ...]
    questions: tuple[Question, ...]
    rules: tuple[AutoRule, ...]
    facts: tuple[Claim, ...]
    fresh_days: int
