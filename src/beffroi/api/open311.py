"""The shapes of Open311 GeoReport v2: fields, dates, errors, XML. Knows no route and no store.

Specification: wiki.open311.org/GeoReport_v2 (2011). Where it leaves a choice,
`docs/reports.md` says what was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from beffroi.model.report import Report, ReportState

VERSION = "2"
STATUS = frozenset({"open", "closed"})
CLOSED = frozenset({
    ReportState.CLOSED, ReportState.REJECTED, ReportState.DUPLICATE, ReportState.WITHDRAWN,
})  # fmt: skip
# Name of the list and of one of its items in XML, by what is answered.
NAMES = {
    "services": ("services", "service"),
    "requests": ("service_requests", "request"),
    "errors": ("errors", "error"),
    "values": ("values", "value"),
    "attributes": ("attributes", "attribute"),
    "changeset": ("changeset", ""),
    "endpoints": ("endpoints", "endpoint"),
    "formats": ("formats", "format"),
}


class Open311Error(Exception):
    """What the standard answers with: an HTTP status and a text that says what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def status_of(report: Report) -> str:
    return "closed" if report.state in CLOSED else "open"


def moment(ms: int) -> str | None:
    """W3C date-time in UTC, None for "not yet"."""
    return f"{datetime.fromtimestamp(ms // 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}" if ms else None


def read_moment(text: str) -> int:
    """UTC ms of a date-time of the standard (a zone is needed); Open311Error 400."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return int(at.timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise Open311Error(400, "dates are written 2026-11-24T08:00:00Z") from None


def read_degrees(text: str, name: str, most: float) -> float:
    """A coordinate; Open311Error 400."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -most <= value <= most:
        raise Open311Error(400, f"{name} is a number of degrees from -{most:.0f} to {most:.0f}")
    return value


def xml(name: str, value: Any) -> bytes:
    """`value` (a list of tables, or a table) under the names of the standard."""
    root = Element(NAMES[name][0] if name in NAMES else name)
    _fill(root, name, value)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body


def _fill(parent: Element, name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _fill(SubElement(parent, str(key)), str(key), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        item = NAMES.get(name, ("", "item"))[1]
        for inner in value:
            _fill(SubElement(parent, item), item, inner)
    elif isinstance(value, bool):
        parent.text = "true" if value else "false"
    elif value is not None:
        parent.text = "".join(c for c in str(value) if _in_xml(c))


def _in_xml(c: str) -> bool:
    """XML 1.0 has no word for most control characters, nor for half a surrogate pair."""
    return c in "\t\n\r" or (ord(c) >= 0x20 and not 0xD800 <= ord(c) <= 0xDFFF and c not in "￾￿")
