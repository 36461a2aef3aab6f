"""Bytes of strangers to an XML tree: bounded, UTF-8, without DTD, entities, network or files.

Refuses before it parses what could grow while being parsed. Knows nothing of alerts.
"""

from __future__ import annotations

import re

from lxml import etree

from beffroi.model.cap import CapError
from beffroi.model.limits import CAP_BYTES_MAX, CAP_ELEMENTS_MAX

_ENCODING = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_FORBIDDEN = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def parse(raw: bytes, *, bare: bool = False) -> etree._Element:
    """The root. `bare`: without the white space between elements. CapError."""
    if len(raw) > CAP_BYTES_MAX:
        raise CapError(f"{len(raw)} bytes, at most {CAP_BYTES_MAX}")
    if raw.count(b"<") > 2 * CAP_ELEMENTS_MAX:
        raise CapError(f"more than {CAP_ELEMENTS_MAX} elements")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise CapError("not in UTF-8") from error
    said = _ENCODING.match(raw.removeprefix(b"\xef\xbb\xbf"))
    if said and said[1].lower() not in (b"utf-8", b"us-ascii"):
        raise CapError("it says that it is not in UTF-8")
    if _FORBIDDEN.search(text):
        raise CapError("a DTD or an entity: refused unread")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=bare,
    )
    try:
        root: etree._Element = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise CapError(f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise CapError("a DTD or an entity: refused")
    return root
