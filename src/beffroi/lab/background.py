"""The town's own map as GeoJSON: what the map page draws under the assets.

Properties: `class` in {street, river, building, square, pipe}, `name` when it has one, `rank` of a
street (0 road .. 3 lane). Degrees with six decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beffroi.lab.buildings import buildings
from beffroi.lab.town import Place, Town


def background(town: Town, pipes: Sequence[Sequence[Place]]) -> dict[str, Any]:
    """A FeatureCollection, ready for the setting `map_background`."""
    features = [_line(town, town.net.river, "river", town.river_name)]
    features.append(_area(town, town.square, "square", "place de la Mairie"))
    for street, name in zip(town.net.streets, town.street_names, strict=True):
        feature = _line(town, town.net.line(street), "street", name)
        feature["properties"]["rank"] = street.rank
        features.append(feature)
    features += [_line(town, pipe, "pipe", "") for pipe in pipes]
    features += [_area(town, house.corners, "building", house.name) for house in buildings(town)]
    return {"type": "FeatureCollection", "features": features}


def _line(town: Town, points: Sequence[Place], kind: str, name: str) -> dict[str, Any]:
    return _feature({"type": "LineString", "coordinates": town.frame.line(points)}, kind, name)


def _area(town: Town, corners: Sequence[Place], kind: str, name: str) -> dict[str, Any]:
    ring = town.frame.line([*corners, corners[0]])
    return _feature({"type": "Polygon", "coordinates": [ring]}, kind, name)


def _feature(geometry: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"class": kind}
    if name:
        properties["name"] = name
    return {"type": "Feature", "geometry": geometry, "properties": properties}
