"""CAP 1.2 XML to `model.cap.Alert` and back. What the schema does not know is an error.

Order and number of elements are those of the schema in section 3.4 of the standard. Resources
(pictures, sounds) are checked and dropped: nothing here ever fetches one.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from beffroi.adapters.cap.safe_xml import parse
from beffroi.model.cap import Alert, Area, CapError, Info, Point, Ref, time_ms
from beffroi.model.limits import CAP_INFOS_MAX, CAP_POINTS_MAX

NS = "urn:oasis:names:tc:emergency:cap:1.2"
DS = "http://www.w3.org/2000/09/xmldsig#"
# name and how often: "1", "?" at most once, "*" any number, "+" at least once
_ALERT = (
    "identifier 1 sender 1 sent 1 status 1 msgType 1 source ? scope 1 restriction ? addresses ? "
    "code * note ? references ? incidents ? info *"
)
_INFO = (
    "language ? category + event 1 responseType * urgency 1 severity 1 certainty 1 audience ? "
    "eventCode * effective ? onset ? expires ? senderName ? headline ? description ? "
    "instruction ? web ? contact ? parameter * resource * area *"
)
_AREA = "areaDesc 1 polygon * circle * geocode * altitude ? ceiling ?"
_RESOURCE = "resourceDesc 1 mimeType 1 size ? uri ? derefUri ? digest ?"
_PAIR = "valueName 1 value 1"

Fields = dict[str, list[etree._Element]]


def read(raw: bytes) -> Alert:
    """The alert that these bytes say, whoever wrote them. CapError."""
    return alert_of(parse(raw))


def alert_of(root: etree._Element) -> Alert:
    """Of a tree that was parsed safely (and, for a signed one, verified). CapError."""
    if root.tag != f"{{{NS}}}alert":
        raise CapError(f"{str(root.tag)[:80]!r} is not an alert of CAP 1.2")
    found = _fields(root, _ALERT)
    if len(found["info"]) > CAP_INFOS_MAX:
        raise CapError(f"more than {CAP_INFOS_MAX} infos")
    return Alert(
        identifier=_text(found, "identifier"),
        sender=_text(found, "sender"),
        sent_ms=time_ms(_text(found, "sent")),
        status=_text(found, "status"),
        msg_type=_text(found, "msgType"),
        scope=_text(found, "scope"),
        references=tuple(_ref(one) for one in _text(found, "references").split()),
        infos=tuple(_info(one) for one in found["info"]),
        note=_text(found, "note"),
        restriction=_text(found, "restriction"),
        addresses=_text(found, "addresses"),
    )


def _ref(text: str) -> Ref:
    parts = text.split(",")
    if len(parts) != 3:
        raise CapError(f"{text[:60]!r} is no reference: sender,identifier,sent")
    return Ref(parts[0], parts[1], time_ms(parts[2]))


def _info(node: etree._Element) -> Info:
    found = _fields(node, _INFO)
    for one in found["resource"]:
        _fields(one, _RESOURCE)
    for one in found["eventCode"]:
        _pair(one)
    return Info(
        categories=_all(found, "category"),
        event=_text(found, "event"),
        urgency=_text(found, "urgency"),
        severity=_text(found, "severity"),
        certainty=_text(found, "certainty"),
        language=_text(found, "language") or "en-US",
        responses=_all(found, "responseType"),
        effective_ms=_when(found, "effective"),
        onset_ms=_when(found, "onset"),
        expires_ms=_when(found, "expires"),
        sender_name=_text(found, "senderName"),
        headline=_text(found, "headline"),
        description=_text(found, "description"),
        instruction=_text(found, "instruction"),
        parameters=tuple(_pair(one) for one in found["parameter"]),
        areas=tuple(_area(one) for one in found["area"]),
    )


def _area(node: etree._Element) -> Area:
    found = _fields(node, _AREA)
    polygons = tuple(tuple(_points(text)) for text in _all(found, "polygon"))
    if sum(map(len, polygons)) > CAP_POINTS_MAX:
        raise CapError(f"more than {CAP_POINTS_MAX} points")
    circles = []
    for text in _all(found, "circle"):
        centre, _, radius = text.partition(" ")
        circles.append((_point(centre), _number(radius)))
    geocodes = tuple(_pair(one) for one in found["geocode"])
    return Area(_text(found, "areaDesc"), polygons, tuple(circles), geocodes)


def _pair(node: etree._Element) -> tuple[str, str]:
    found = _fields(node, _PAIR)
    return _text(found, "valueName"), _text(found, "value")


def _points(text: str) -> Iterator[Point]:
    for one in text.split():
        yield _point(one)


def _point(text: str) -> Point:
    lat, comma, lon = text.partition(",")
    if not comma:
        raise CapError(f"{text[:40]!r} is no place: latitude,longitude")
    return _number(lat), _number(lon)


def _number(text: str) -> float:
    """Plain decimals only: float() would also take "nan", "1e9" and "1_0"."""
    digits = text.removeprefix("-").replace(".", "", 1)
    if not digits.isascii() or not digits.isdigit() or len(text) > 30:
        raise CapError(f"{text[:40]!r} is no number")
    return float(text)


def _fields(node: etree._Element, grammar: str) -> Fields:
    """The children by name, in the order and number that the grammar says."""
    words = grammar.split()
    often = dict(zip(words[::2], words[1::2], strict=True))
    order = list(often)
    found: Fields = {name: [] for name in order}
    at = 0
    for child in node:
        if not isinstance(child.tag, str):  # a comment or an instruction for browsers
            continue
        name = child.tag.removeprefix(f"{{{NS}}}")
        if child.tag == f"{{{DS}}}Signature" and grammar is _ALERT:
            continue
        if name not in often or order.index(name) < at:
            raise CapError(f"{str(child.tag)[:80]!r} does not belong here")
        at = order.index(name)
        found[name].append(child)
    for name, many in often.items():
        count = len(found[name])
        if (many in "1+" and count == 0) or (many in "1?" and count > 1):
            raise CapError(f"{name} is there {count} times")
    return found


def _all(found: Fields, name: str) -> tuple[str, ...]:
    return tuple(_plain(one) for one in found[name])


def _text(found: Fields, name: str) -> str:
    return _plain(found[name][0]) if found[name] else ""


def _when(found: Fields, name: str) -> int | None:
    return time_ms(_text(found, name)) if found[name] else None


def _plain(node: etree._Element) -> str:
    """Comments inside a value would let two programs read two values."""
    if len(node):
        raise CapError(f"{str(node.tag)[:80]!r} holds more than text")
    return " ".join((node.text or "").split())
