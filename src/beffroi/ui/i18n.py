"""Words, numbers and times in the reader's language. English is the key, `locale/fr.po` the answer.

Knows nothing of requests. The file is read once, without a compiled copy to forget.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent / "locale"


class Words:
    """gettext and ngettext over one .po file; an unknown key is answered by itself."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._one: dict[str, str] = {}
        self._many: dict[tuple[str, str], tuple[str, ...]] = {}
        path = LOCALE_DIR / f"{lang}.po"
        if path.exists():
            self._read(path)

    def gettext(self, key: str) -> str:
        return self._one.get(key) or key

    def ngettext(self, one: str, many: str, n: int) -> str:
        """French says "0 alarme", English "0 alarms"."""
        plural = n > 1 if self.lang == "fr" else n != 1
        known = self._many.get((one, many))
        return known[plural] if known else (many if plural else one)

    def table(self, keys: tuple[str, ...]) -> dict[str, str]:
        return {key: self.gettext(key) for key in keys}

    def _read(self, path: Path) -> None:
        with path.open("rb") as file:
            catalog = read_po(file, locale=self.lang)
        for message in catalog:
            if isinstance(message.id, (tuple, list)):
                one, many = message.id[0], message.id[1]
                self._many[(one, many)] = tuple(message.string or ())
            elif message.id:
                self._one[message.id] = str(message.string)


@cache
def words(lang: str) -> Words:
    return Words(lang)


def number(value: float | None, digits: int, lang: str) -> str:
    """With a decimal comma in French; an en dash when there is none."""
    if value is None:
        return "–"
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, format=pattern, locale=lang)


def moment(ms: int, lang: str, zone: str, length: str = "medium") -> str:
    """ "24 nov. 2026, 08:03" in the commune's time; "" for 0."""
    if not ms:
        return ""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    pattern = {"short": "d MMM HH:mm", "day": "d MMMM y"}.get(length, "d MMM y, HH:mm")
    return dates.format_datetime(at, pattern, tzinfo=ZoneInfo(zone), locale=lang)


def ago(ms: int, now_ms: int, lang: str) -> str:
    """ "il y a 5 minutes"; what is to come is said so too."""
    if not ms:
        return ""
    delta = timedelta(milliseconds=ms - now_ms)
    return dates.format_timedelta(
        delta, granularity="second", threshold=1.2, add_direction=True, locale=lang
    )


def span(ms: int, lang: str) -> str:
    """How long, without direction: "5 minutes"."""
    return dates.format_timedelta(timedelta(milliseconds=ms), threshold=1.2, locale=lang)
