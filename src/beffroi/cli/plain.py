"""Text from elsewhere, made safe to show on a terminal and hard to mistake for our own.

Control characters, escapes, invisible and direction-changing characters are shown by their number,
so that nobody signs what a terminal was made to hide. Look-alike letters of other alphabets are
named too. Knows nothing of what the text means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from beffroi.kernel.limits import SENTENCE_CHARS_MAX

_SPACES = frozenset(" \u00a0\u202f")  # French needs both no-break spaces
_PLACE = re.compile(r"\{([A-Za-z0-9._:-]+)\}")
_MARKS_MAX = 2  # accents over one letter


def plain(text: str) -> str:
    """One line. What cannot be seen is written `<U+202E>`."""
    shown, marks = [], 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        hidden = kind[0] in "CZ" and char not in _SPACES
        shown.append(f"<U+{ord(char):04X}>" if hidden or marks > _MARKS_MAX else char)
    return "".join(shown)


def quoted(value: int | str) -> str:
    """A value of a command, so that no text can pretend to be part of our sentence."""
    if isinstance(value, int):
        return str(value)
    inner = "".join(f"<U+{ord(c):04X}>" if c in '«»"<>' else c for c in value)
    return f"« {plain(inner)} »"


def foreign(text: str) -> bool:
    """Holds letters that are not Latin: one of them may look like one of ours."""
    return any(c.isalpha() and "LATIN" not in unicodedata.name(c, "") for c in text)


def filled(sentence: str, params: Mapping[str, int | str]) -> str:
    """A signed sentence with the parameters in their places, in one pass: what a value holds is
    never read as a place. A place without a value says so."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return quoted(params[name]) if name in params else f"<{name} ?>"

    head = sentence[:SENTENCE_CHARS_MAX]
    parts, at = [], 0
    for match in _PLACE.finditer(head):
        parts += [plain(head[at : match.start()]), value(match)]
        at = match.end()
    return "".join([*parts, plain(head[at:])])
