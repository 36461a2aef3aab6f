"""Reads the properties of a domain from a table of text. Knows no domain.

    name | French | English | unit | low | high | digits | stale_h | states
    running | Marche | Running | | 0 | 1 | 0 | 2 | 0 à l’arrêt/stopped, 1 en marche/running

The last two columns may be left out (two hours, no states). A malformed line stops the import.
"""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.model.asset import Label, Property


class KindTableError(Exception):
    """The table of a domain is malformed; the text gives the line."""


def properties(table: str) -> dict[str, Property]:
    """{name: Property}, in order."""
    made = [_property(line) for line in table.strip().splitlines()]
    if len({item.name for item in made}) < len(made):
        raise KindTableError("a property is there twice")
    return {item.name: item for item in made}


def pick(table: Mapping[str, Property], names: str) -> dict[str, Property]:
    """Some of them, by names parted by spaces."""
    return {name: table[name] for name in names.split()}


def _property(line: str) -> Property:
    try:
        name, fr, en, unit, low, high, digits, *rest = (part.strip() for part in line.split("|"))
        stale_s = int(float(rest[0]) * 3_600) if rest else 7_200
        states = _states(rest[1]) if len(rest) > 1 else None
        bounds = float(low), float(high)
        return Property(name, Label(fr, en), unit, *bounds, stale_s, int(digits), states)
    except (ValueError, IndexError) as bad:
        raise KindTableError(f"cannot read the property {line!r}") from bad


def _states(text: str) -> dict[int, Label]:
    found = {}
    for part in text.split(","):
        code, _, names = part.strip().partition(" ")
        fr, en = names.split("/")
        found[int(code)] = Label(fr, en)
    return found
