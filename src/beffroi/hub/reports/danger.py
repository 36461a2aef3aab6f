"""Does a report tell of a danger, and until when must it be made safe? Pure.

Words are looked for as stems in a text without accents: a plain search, whose time grows with the
length of the text and nothing else. A false alarm costs somebody a look; a missed one costs more,
so a negation ("pas dangereux") does not silence a word: the moderator does.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from beffroi.model.limits import DANGER_WORDS_H
from beffroi.model.measure import HOUR_MS
from beffroi.model.report import Topic

# At the beginning of a word. French, then English.
STEMS = (
    "danger", "electrocut", "electris", "court-circuit", "explos", "incendie", "enflamm", "fumee",
    "en feu", "prend feu", "pris feu", "depart de feu", "odeur de gaz", "fuite de gaz",
    "sent le gaz", "effondr", "ecroul", "affaiss",
    "menace de tomber", "va tomber", "risque de tomber", "bless", "accident", "chute", "hopital",
    "samu", "pompier", "fil nu", "fils nus", "fil denude", "fils denude", "cable arrache",
    "cables arrache", "cable a nu", "cables a nu", "sous tension", "trou beant", "regard ouvert",
    "plaque manquante", "verglas", "glissant", "inond", "urgent", "urgence", "amiante", "seringue",
    "noyade", "noyer", "intoxi",
    "hazard", "unsafe", "electric shock", "electrocution", "bare wire", "live wire", "on fire",
    "caught fire",
    "smoke", "gas leak", "smell of gas", "smell gas", "collaps", "injur", "hurt", "fell ",
    "falling", "open manhole", "missing cover", "black ice", "slippery", "flood", "urgen", "needle",
    "poison",
)  # fmt: skip


class Judged(NamedTuple):
    """`why`: "topic", "words" or ""; `deadline_ms`: 0 when there is no danger."""

    danger: bool
    why: str
    deadline_ms: int


def judge(topic: Topic | None, text: str, received_ms: int) -> Judged:
    """The shorter of what category and words ask for."""
    hours = topic.danger_h if topic else 0
    if hours:
        return Judged(True, "topic", received_ms + hours * HOUR_MS)
    if tells_of_danger(text):
        return Judged(True, "words", received_ms + DANGER_WORDS_H * HOUR_MS)
    return Judged(False, "", 0)


def tells_of_danger(text: str) -> bool:
    words = f" {plain(text)} "
    return any(f" {stem}" in words for stem in STEMS)


def plain(text: str) -> str:
    """Lower case without accents; whatever is no letter, digit or hyphen becomes one space."""
    bare = unicodedata.normalize("NFKD", text.replace("’", "'").casefold())
    kept = (c if c.isalnum() or c == "-" else " " for c in bare if not unicodedata.combining(c))
    return " ".join("".join(kept).split())
