"""A small RDF graph and its three written forms: Turtle, JSON-LD, RDF/XML.

Only what a catalogue needs: named nodes, typed nodes without name, plain, dated and language
texts. Every text is escaped by the rule of its form. Knows nothing of catalogues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

SPACES: Mapping[str, str] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
TYPE = "rdf:type"
_SHORT = re.compile(r"([a-z]+):([A-Za-z][A-Za-z0-9]*)")
_IRI = re.compile(r"[a-z][a-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]*", re.IGNORECASE)
_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class GraphError(ValueError):
    """A name that cannot be written safely."""


class Iri(NamedTuple):
    """A node with a name; `blank` ones are named within the graph only."""

    value: str
    blank: bool = False


class Text(NamedTuple):
    """A literal with a language or a type ("xsd:date"), or neither."""

    value: str
    lang: str = ""
    kind: str = ""


Term = Iri | Text


class Graph:
    """Triples by subject, in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: dict[Iri, list[tuple[str, Term]]] = {}
        self._blanks = 0

    def blank(self) -> Iri:
        self._blanks += 1
        return Iri(f"b{self._blanks}", blank=True)

    def add(self, subject: Iri, kind: str, *pairs: tuple[str, Term]) -> Iri:
        """A node of this class with its properties; further calls add to it."""
        for node in (subject, *(term for _, term in pairs)):
            if isinstance(node, Iri) and not node.blank and not _IRI.fullmatch(node.value):
                raise GraphError(f"{node.value!r} is no IRI")
        known = self._nodes.setdefault(subject, [])
        for pair in ((TYPE, Iri(_full(kind))), *pairs):
            if pair not in known:
                known.append(pair)
        return subject

    def turtle(self) -> str:
        """RDF 1.1 Turtle, UTF-8."""
        lines = [f"@prefix {name}: <{iri}> ." for name, iri in SPACES.items()]
        for subject, pairs in self._nodes.items():
            body = " ;\n    ".join(f"{_verb(verb)} {_turtle(term)}" for verb, term in pairs)
            lines.append(f"\n{_turtle(subject)}\n    {body} .")
        return "\n".join(lines) + "\n"

    def jsonld(self) -> str:
        """JSON-LD 1.1 in expanded form: it needs no context, so nobody fetches one."""
        nodes = []
        for subject, pairs in self._nodes.items():
            node: dict[str, object] = {"@id": _jsonld_id(subject)}
            for verb, term in pairs:
                if verb == TYPE and isinstance(term, Iri):
                    _listed(node, "@type", term.value)
                else:
                    _listed(node, _full(verb), _jsonld(term))
            nodes.append(node)
        return json.dumps(nodes, ensure_ascii=False, indent=1) + "\n"

    def xml(self) -> str:
        """RDF 1.1 XML."""
        spaces = "".join(f"\n  xmlns:{name}={quoteattr(iri)}" for name, iri in SPACES.items())
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<rdf:RDF{spaces}>"]
        for subject, pairs in self._nodes.items():
            name = "rdf:nodeID" if subject.blank else "rdf:about"
            lines.append(f"  <rdf:Description {name}={quoteattr(subject.value)}>")
            lines += [f"    {_element(verb, term)}" for verb, term in pairs]
            lines.append("  </rdf:Description>")
        return "\n".join([*lines, "</rdf:RDF>"]) + "\n"

    def __iter__(self) -> Iterator[tuple[Iri, str, Term]]:
        for subject, pairs in self._nodes.items():
            for verb, term in pairs:
                yield subject, verb, term


def _full(short: str) -> str:
    match = _SHORT.fullmatch(short)
    if match is None or match[1] not in SPACES:
        raise GraphError(f"{short!r} is no short name of ours")
    return SPACES[match[1]] + match[2]


def _verb(short: str) -> str:
    _full(short)
    return "a" if short == TYPE else short


def _turtle(term: Term) -> str:
    if isinstance(term, Iri):
        return f"_:{term.value}" if term.blank else f"<{term.value}>"
    text = "".join(_TURTLE_SIGNS.get(sign) or _turtle_sign(sign) for sign in term.value)
    if term.lang:
        return f'"{text}"@{term.lang}'
    return f'"{text}"^^{term.kind}' if term.kind else f'"{text}"'


_TURTLE_SIGNS = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _turtle_sign(sign: str) -> str:
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x20 else sign


def _jsonld_id(subject: Iri) -> str:
    return f"_:{subject.value}" if subject.blank else subject.value


def _jsonld(term: Term) -> dict[str, str]:
    if isinstance(term, Iri):
        return {"@id": _jsonld_id(term)}
    more = {"@language": term.lang} if term.lang else {}
    more |= {"@type": _full(term.kind)} if term.kind else {}
    return {"@value": term.value, **more}


def _listed(node: dict[str, object], key: str, value: object) -> None:
    listed = node.setdefault(key, [])
    assert isinstance(listed, list)  # noqa: S101 - ours
    listed.append(value)


def _element(verb: str, term: Term) -> str:
    _full(verb)
    if isinstance(term, Iri):
        name = "rdf:nodeID" if term.blank else "rdf:resource"
        return f"<{verb} {name}={quoteattr(term.value)}/>"
    more = f" xml:lang={quoteattr(term.lang)}" if term.lang else ""
    more += f" rdf:datatype={quoteattr(_full(term.kind))}" if term.kind else ""
    return f"<{verb}{more}>{_xml_text(term.value)}</{verb}>"


def _xml_text(text: str) -> str:
    return escape(_XML.sub("", text), {"\r": "&#13;"})
