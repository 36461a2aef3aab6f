"""One sentence about evidence, in French and English, and whether it is proven."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    PROVEN = "proven"
    NOT_PROVEN = "not_proven"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Said:
    """The same words in two languages."""

    fr: str
    en: str

    def __add__(self, other: Said) -> Said:
        return Said(self.fr + other.fr, self.en + other.en)

    def within(self, **parts: Said | str | int) -> Said:
        """With {names} replaced, each in its language."""
        return Said(
            self.fr.format(**{k: v.fr if isinstance(v, Said) else v for k, v in parts.items()}),
            self.en.format(**{k: v.en if isinstance(v, Said) else v for k, v in parts.items()}),
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """`code` names the rule; `index` the entry it is about, None for the file as a whole."""

    code: str
    state: State
    said: Said
    index: int | None = None

    @property
    def fr(self) -> str:
        return typeset(self.said.fr)

    @property
    def en(self) -> str:
        return self.said.en


@dataclass(slots=True)
class Report:
    """`ok`: nothing is broken, and every entry is proven to be in a log signed by a known key."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        broken = any(one.state is State.BROKEN for one in self.statements)
        return not broken and any(one.code == "entry.logged" for one in self.statements)

    @property
    def anchored(self) -> bool:
        """The keys are those of a roster that did not come with the file."""
        return any(one.code == "roster.given" for one in self.statements)

    def add(self, code: str, state: State, said: Said, index: int | None = None) -> None:
        self.statements.append(Statement(code, state, said, index))


def typeset(french: str) -> str:
    """With the no-break spaces that French wants before : ; ! ? and inside « »."""
    for mark in (":", ";", "!", "?", "»"):
        french = french.replace(f" {mark}", f"\u00a0{mark}")
    return french.replace("« ", "«\u00a0").replace("n° ", "n°\u00a0")


def plain(text: str) -> str:
    """Text of somebody else within our sentence: nothing that a terminal or a reader could take for
    the end of it."""
    return "".join(c if c.isprintable() and c not in "«»“”" else "\ufffd" for c in text)


_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_ENGLISH = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SECONDS_MAX = 253_402_300_799  # the year 9999


def moment(ms: int) -> Said:
    """A time of the world, in UTC, because a proof is read anywhere."""
    if ms // 1000 > _SECONDS_MAX:
        return Said(f"instant {ms} (hors calendrier)", f"instant {ms} (beyond the calendar)")
    at = dt.datetime.fromtimestamp(ms // 1000, dt.UTC)
    first = "1er" if at.day == 1 else str(at.day)
    return Said(
        f"{first} {_MONTHS[at.month - 1]} {at.year} à {at:%H:%M:%S} UTC",
        f"{at.day} {_ENGLISH[at.month - 1]} {at.year} at {at:%H:%M:%S} UTC",
    )
