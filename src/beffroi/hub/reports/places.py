"""Finds a place from words: a number on a lamp post, the name of a street or of a building. Pure.

Looks only among names that anybody can read in the street. Proposes; the inhabitant chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from beffroi.hub.reports.danger import plain
from beffroi.model.asset import Asset

FOUND_MAX = 8
_NAMED = ("street", "square", "building", "river")
# Words that every address has: they tell no street from another.
_COMMON = frozenset(
    (
        *("rue", "de", "la", "le", "les", "du", "des", "d", "l", "avenue", "av", "boulevard", "bd"),
        *("chemin", "place", "impasse", "allee", "route", "n"),
    )
)


class Spot(NamedTuple):
    """A place to choose. `asset` is "" for a street or a building."""

    name: str
    lon: float
    lat: float
    asset: str = ""


def find(words: str, assets: Iterable[Asset], background: Mapping[str, Any] | None) -> list[Spot]:
    """Best first, at most FOUND_MAX. Every word that tells something must occur in the name, or
    all words of the name in what was written ("12 rue des Lilas" finds "rue des Lilas")."""
    asked = set(plain(words).split())
    telling = asked - _COMMON
    if not telling:
        return []
    scored: list[tuple[float, int, Spot]] = []
    for n, spot in enumerate(_spots(assets, background)):
        score = _score(telling, spot.name)
        if score > 0:
            scored.append((-score, n, spot))
    scored.sort(key=lambda item: item[:2])
    return [spot for _, _, spot in scored[:FOUND_MAX]]


def _score(telling: set[str], name: str) -> float:
    has = set(plain(name).split()) - _COMMON
    if not has:
        return 0.0
    both = len(telling & has)
    if both == len(telling) or both == len(has):
        return both + both / (len(telling | has))
    return 0.0


def _spots(assets: Iterable[Asset], background: Mapping[str, Any] | None) -> Iterator[Spot]:
    for asset in assets:
        yield Spot(asset.name, asset.lon, asset.lat, asset.id)
    seen = set()
    for feature in (background or {}).get("features", ()):
        try:
            known = feature["properties"]
            name, kind = known.get("name", ""), known.get("class", "")
            if not name or kind not in _NAMED or name in seen:
                continue
            lon, lat = _middle(feature["geometry"])
        except (KeyError, TypeError, IndexError, ValueError):
            continue  # a background drawn elsewhere may hold anything
        seen.add(name)
        yield Spot(name, lon, lat)


def _middle(geometry: Mapping[str, Any]) -> tuple[float, float]:
    line = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        line = line[0]
    lon, lat = line[len(line) // 2][:2]
    return float(lon), float(lat)
