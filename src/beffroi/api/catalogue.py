"""What the browser must know of the domains to draw and name values: kinds, properties, letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from beffroi.api.words import said
from beffroi.domains.base import Domain
from beffroi.model.asset import Kind, Property


def catalogue(domains: Mapping[str, Domain], lang: str) -> dict[str, Any]:
    """{domain: {label, letter, colour, kinds: {kind: {label, icon, headline, properties}}}}."""
    letters = marks({name: said(domain.label, lang) for name, domain in domains.items()})
    return {
        name: {
            "label": said(domain.label, lang),
            "letter": letters[name],
            "colour": domain.colour,
            "kinds": {kind.name: _kind(kind, lang) for kind in domain.kinds.values()},
        }
        for name, domain in domains.items()
    }


def marks(labels: Mapping[str, str]) -> dict[str, str]:
    """One or two letters for each label, all different: colour is never the only sign."""
    first = [_bare(label) for label in labels.values()]
    found: dict[str, str] = {}
    for name, label in labels.items():
        alone = first.count(_bare(label)) == 1
        short = label[:1].upper() if alone else label[:2].capitalize()
        while short in found.values():
            short = short[:1] + chr(ord(short[-1]) + 1)
        found[name] = short
    return found


def _bare(label: str) -> str:
    """The first letter without its accent: E and É are too alike on a small mark."""
    return unicodedata.normalize("NFD", label)[:1].upper()


def _kind(kind: Kind, lang: str) -> dict[str, Any]:
    return {
        "label": said(kind.label, lang),
        "icon": kind.icon,
        "headline": kind.headline,
        "properties": {prop.name: _property(prop, lang) for prop in kind.properties.values()},
    }


def _property(prop: Property, lang: str) -> dict[str, Any]:
    return {
        "name": prop.name,
        "label": said(prop.label, lang),
        "unit": prop.unit,
        "digits": prop.digits,
        "stale_s": prop.stale_s,
        "states": {str(k): said(v, lang) for k, v in prop.states.items()} if prop.states else None,
    }
