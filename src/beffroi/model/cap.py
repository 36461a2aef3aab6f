"""A public alert in the words of the Common Alerting Protocol 1.2 (OASIS, 1 July 2010).

Plain values, what the standard demands of them, and which alerts are in force. Knows no XML and no
signature; decides nothing about what a town does with an alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
MSG_TYPE = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPE = ("Public", "Restricted", "Private")
CATEGORY = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
    "CBRNE", "Other",
)  # fmt: skip
RESPONSE = (
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
)  # fmt: skip
URGENCY = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITY = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTY = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_NAME = re.compile(r"[^\s,<&]{1,300}")  # of senders and messages: they are parted by commas

Point = tuple[float, float]  # latitude, longitude in degrees (WGS 84)


class CapError(ValueError):
    """Not a CAP 1.2 alert; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Area:
    """`circles`: centre and radius in km. `geocodes`: (system, code)."""

    description: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[tuple[Point, float], ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()

    @property
    def drawn(self) -> bool:
        return bool(self.polygons or self.circles)


@dataclass(frozen=True, slots=True)
class Info:
    """One language of an alert. Times are UTC milliseconds; None where nothing is said."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    responses: tuple[str, ...] = ()
    effective_ms: int | None = None
    onset_ms: int | None = None
    expires_ms: int | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """Which message is meant: the three together name it."""

    sender: str
    identifier: str
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Alert:
    identifier: str
    sender: str
    sent_ms: int
    status: str
    msg_type: str
    scope: str
    references: tuple[Ref, ...] = ()
    infos: tuple[Info, ...] = ()
    note: str = ""
    restriction: str = ""
    addresses: str = ""

    def __post_init__(self) -> None:
        """CapError, so that there is no value of this type that the standard forbids."""
        for name in (self.identifier, self.sender):
            _must(bool(_NAME.fullmatch(name)), f"{name!r} is no identifier or sender")
        _among(self.status, STATUS, "status")
        _among(self.msg_type, MSG_TYPE, "msgType")
        _among(self.scope, SCOPE, "scope")
        _must(bool(self.restriction) == (self.scope == "Restricted"), "restriction and scope")
        _must(bool(self.addresses) or self.scope != "Private", "a private alert has addresses")
        refers = self.msg_type in ("Update", "Cancel", "Ack", "Error")
        _must(bool(self.references) or not refers, f"{self.msg_type} without references")
        _must(bool(self.note) or self.msg_type != "Error", "an Error says what is wrong in note")
        for info in self.infos:
            _check(info)

    @property
    def ref(self) -> Ref:
        return Ref(self.sender, self.identifier, self.sent_ms)

    @property
    def expires_ms(self) -> int | None:
        """When its last part ends; None when one part has no end (or there is none)."""
        ends = [info.expires_ms for info in self.infos]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def _check(info: Info) -> None:
    _must(bool(info.categories), "an info without category")
    for one in info.categories:
        _among(one, CATEGORY, "category")
    for one in info.responses:
        _among(one, RESPONSE, "responseType")
    _must(bool(info.event.strip()), "an info without event")
    _among(info.urgency, URGENCY, "urgency")
    _among(info.severity, SEVERITY, "severity")
    _among(info.certainty, CERTAINTY, "certainty")
    for area in info.areas:
        for polygon in area.polygons:
            closed = len(polygon) >= 4 and polygon[0] == polygon[-1]
            _must(closed, "a polygon has four points at least, the last one as the first")
        for point in _points(area):
            _must(abs(point[0]) <= 90 and abs(point[1]) <= 180, f"{point} is no place")


def _points(area: Area) -> Iterable[Point]:
    for polygon in area.polygons:
        yield from polygon
    for centre, radius in area.circles:
        _must(0 <= radius <= 20_100, f"a circle of {radius} km")
        yield centre


def _must(holds: bool, text: str) -> None:
    if not holds:
        raise CapError(text)


def _among(value: str, known: Sequence[str], what: str) -> None:
    _must(value in known, f"{what} {value[:40]!r} is none of {', '.join(known)}")


def time_ms(text: str) -> int:
    """Of a CAP time: whole seconds and a numeric zone; the letter Z is not permitted."""
    _must(bool(_TIME.fullmatch(text)), f"{text[:40]!r} is no time like 2026-11-24T12:00:00+01:00")
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise CapError(f"{text!r} is no time") from error


def in_force(alerts: Iterable[Alert], now_ms: int) -> list[Alert]:
    """Those that still hold, newest first: neither ended nor replaced nor cancelled.

    Only its own sender replaces or cancels an alert, and only later than it was sent; the order of
    arrival makes no difference. An actual alert is not ended by an exercise.
    """
    known = {alert.ref: alert for alert in alerts}
    gone = {
        ref
        for alert in known.values()
        if alert.msg_type in ("Update", "Cancel") and alert.sent_ms <= now_ms
        for ref in alert.references
        if ref.sender == alert.sender
        and ref.sent_ms <= alert.sent_ms
        and ref != alert.ref
        and (ref not in known or known[ref].status == alert.status)
    }
    held = [
        alert
        for alert in known.values()
        if alert.msg_type in ("Alert", "Update")
        and alert.ref not in gone
        and alert.infos
        and (alert.expires_ms is None or now_ms < alert.expires_ms)
    ]
    return sorted(held, key=lambda alert: (-alert.sent_ms, alert.identifier))
