"""A list of alerts as an Atom feed (RFC 4287) whose entries point at the signed files.

The feed itself is not signed: what counts is each file, verified by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree

from beffroi.model.cap import Alert

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"


def atom(alerts: Sequence[Alert], sender: str, base: str) -> bytes:
    """`alerts` newest first; `base` is our address."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _put(root, "id", f"{base}/alerts/feed")
    _put(root, "title", f"CAP 1.2 — {sender}")
    _put(root, "updated", _time(alerts[0].sent_ms if alerts else 0))
    _put(etree.SubElement(root, f"{{{ATOM}}}author"), "name", sender)
    _link(root, "self", f"{base}/alerts/feed", "application/atom+xml")
    for alert in alerts:
        entry = etree.SubElement(root, f"{{{ATOM}}}entry")
        address = f"{base}/alerts/{alert.identifier}.xml"
        _put(entry, "id", address)
        _put(entry, "title", _title(alert))
        _put(entry, "updated", _time(alert.sent_ms))
        _link(entry, "alternate", address, CAP_TYPE)
        _put(entry, "summary", _summary(alert))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def _title(alert: Alert) -> str:
    what = alert.infos[0].event if alert.infos else alert.references[0].identifier[:12]
    return f"{alert.status} {alert.msg_type}: {what}"


def _summary(alert: Alert) -> str:
    if not alert.infos:
        return f"{alert.msg_type} {' '.join(ref.identifier for ref in alert.references)}"
    until = "" if alert.expires_ms is None else f" ({_time(alert.expires_ms)})"
    return f"{alert.infos[0].headline}{until}"


def _put(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _link(parent: etree._Element, rel: str, href: str, media: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}link", rel=rel, href=href, type=media)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat()
