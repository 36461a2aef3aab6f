"""What somebody sends as a report, checked before anything is kept. Pure.

Refuses in words that say what to do; drops characters that cannot be seen, so that nothing hides in
a text. No regular expression looks at what strangers wrote: nothing here takes longer than reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from beffroi.hub.reports.lifecycle import Refused
from beffroi.hub.reports.nearby import metres
from beffroi.model.asset import Commune
from beffroi.model.limits import (
    EMAIL_CHARS_MAX,
    PERSON_CHARS_MAX,
    REPORT_FAR_M,
    REPORT_PLACE_CHARS_MAX,
    REPORT_TEXT_CHARS_MAX,
)
from beffroi.model.report import Topic

_NOT_IN_ADDRESS = frozenset(' ,;:<>()[]\\"')


@dataclass(frozen=True, slots=True)
class Sent:
    """As it came in. `place` is in the sender's words; `lon`, `lat` None when not given."""

    topic: str
    text: str
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    asset: str = ""
    email: str = ""
    name: str = ""
    phone: str = ""
    media_url: str = ""  # kept as words, never fetched
    photo: bytes = b""
    lang: str = "fr"
    source: str = "web"


def checked(sent: Sent, topics: Mapping[str, Topic], commune: Commune | None) -> Sent | Refused:
    """The same with clean texts, or why it is not taken."""
    clean = replace(
        sent,
        text=visible(sent.text),
        place=one_line(sent.place),
        email=sent.email.strip(),
        name=one_line(sent.name),
        phone=one_line(sent.phone),
        media_url=one_line(sent.media_url),
        lang="en" if sent.lang == "en" else "fr",
    )
    return _wrong(clean, topics, commune) or clean


def _wrong(sent: Sent, topics: Mapping[str, Topic], commune: Commune | None) -> Refused | None:
    if sent.topic not in topics:
        return Refused("topic", "Choose what it is about.")
    if not sent.text:
        return Refused("text_missing", "Say in a few words what you have seen.")
    if len(sent.text) > REPORT_TEXT_CHARS_MAX:
        return Refused("text_long", "The text is too long.")
    if len(sent.place) > REPORT_PLACE_CHARS_MAX or len(sent.media_url) > REPORT_TEXT_CHARS_MAX:
        return Refused("place_long", "The place is described in too many words.")
    if max(len(sent.name), len(sent.phone)) > PERSON_CHARS_MAX:
        return Refused("name_long", "The name or the telephone number is too long.")
    if sent.email and not is_address(sent.email):
        return Refused("email", "This e-mail address cannot be right. Correct it or leave it out.")
    return _nowhere(sent, commune)


def _nowhere(sent: Sent, commune: Commune | None) -> Refused | None:
    if (sent.lon is None) != (sent.lat is None):
        return Refused("place", "Latitude and longitude are numbers in degrees.")
    if sent.lon is None or sent.lat is None:
        if not sent.place and not sent.asset:
            return Refused("place_missing", "Say where it is: an address, a number or a place.")
        return None
    if not (-180 <= sent.lon <= 180 and -90 <= sent.lat <= 90):
        return Refused("place", "Latitude and longitude are numbers in degrees.")
    if commune and metres(sent.lon, sent.lat, commune.lon, commune.lat) > REPORT_FAR_M:
        return Refused("far", "This place is not in the commune.")
    return None


def visible(text: str) -> str:
    """Line breaks and what can be seen; no controls, no marks that turn the direction of text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c == "\n" or c.isprintable()).strip()


def one_line(text: str) -> str:
    return " ".join(visible(text).split())


def is_address(text: str) -> bool:
    """Something that a mail server could take: one @, a domain with a dot, nothing that could end
    a header or add a recipient."""
    local, at, domain = text.rpartition("@")
    odd = any(not c.isprintable() or c in _NOT_IN_ADDRESS or c == "@" for c in local + domain)
    dotted = "." in domain and not domain.startswith(".") and not domain.endswith(".")
    return bool(at and local and dotted) and not odd and len(text) <= EMAIL_CHARS_MAX
