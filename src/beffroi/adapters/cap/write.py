"""`model.cap.Alert` to the XML of CAP 1.2, in the order of its schema."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from lxml import etree

from beffroi.adapters.cap.xml import NS
from beffroi.model.cap import Alert, Area, Info, Point


def write(alert: Alert) -> etree._Element:
    """The root of a new document, unsigned."""
    root = etree.Element(f"{{{NS}}}alert", nsmap={None: NS})
    _put(root, "identifier", alert.identifier)
    _put(root, "sender", alert.sender)
    _put(root, "sent", _time(alert.sent_ms))
    _put(root, "status", alert.status)
    _put(root, "msgType", alert.msg_type)
    _put(root, "scope", alert.scope)
    _put(root, "restriction", alert.restriction)
    _put(root, "addresses", alert.addresses)
    _put(root, "note", alert.note)
    refs = (f"{ref.sender},{ref.identifier},{_time(ref.sent_ms)}" for ref in alert.references)
    _put(root, "references", " ".join(refs))
    for info in alert.infos:
        _info(etree.SubElement(root, f"{{{NS}}}info"), info)
    return root


def _info(node: etree._Element, info: Info) -> None:
    _put(node, "language", info.language)
    _each(node, "category", info.categories)
    _put(node, "event", info.event)
    _each(node, "responseType", info.responses)
    _put(node, "urgency", info.urgency)
    _put(node, "severity", info.severity)
    _put(node, "certainty", info.certainty)
    for name, when in (
        ("effective", info.effective_ms),
        ("onset", info.onset_ms),
        ("expires", info.expires_ms),
    ):
        _put(node, name, "" if when is None else _time(when))
    _put(node, "senderName", info.sender_name)
    _put(node, "headline", info.headline)
    _put(node, "description", info.description)
    _put(node, "instruction", info.instruction)
    for pair in info.parameters:
        _pair(node, "parameter", pair)
    for area in info.areas:
        _area(etree.SubElement(node, f"{{{NS}}}area"), area)


def _area(node: etree._Element, area: Area) -> None:
    _put(node, "areaDesc", area.description)
    _each(node, "polygon", (" ".join(map(_place, one)) for one in area.polygons))
    _each(node, "circle", (f"{_place(centre)} {radius:.3f}" for centre, radius in area.circles))
    for pair in area.geocodes:
        _pair(node, "geocode", pair)


def _pair(node: etree._Element, name: str, pair: tuple[str, str]) -> None:
    inner = etree.SubElement(node, f"{{{NS}}}{name}")
    for part, text in zip(("valueName", "value"), pair, strict=True):
        etree.SubElement(inner, f"{{{NS}}}{part}").text = text


def _each(node: etree._Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        _put(node, name, text)


def _put(node: etree._Element, name: str, text: str) -> None:
    if text:
        etree.SubElement(node, f"{{{NS}}}{name}").text = text


def _place(point: Point) -> str:
    return f"{point[0]:.6f},{point[1]:.6f}"


def _time(ms: int) -> str:
    """Whole seconds; CAP writes UTC as -00:00."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")
