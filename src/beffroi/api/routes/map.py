"""The map's data: every asset in a box with its newest headline, or groups when there are many.

The hot route of the interface: plain values and msgspec, no model per asset.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import sight
from beffroi.api import town as towns
from beffroi.api.access import Me, Svc
from beffroi.api.catalogue import catalogue
from beffroi.api.condition import CALM
from beffroi.api.described import sends
from beffroi.api.problems import Refusal
from beffroi.api.town import Box, Index, Town
from beffroi.api.words import lang_of
from beffroi.hub.services import Services
from beffroi.model.limits import MAP_FEATURES_MAX

router = APIRouter(prefix="/api", tags=["map"])
GEOJSON = "application/geo+json"
_encode = msgspec.json.Encoder().encode


@router.get("/catalogue")
def read_catalogue(request: Request, services: Svc) -> Response:
    """Domains, kinds and properties with their names in the asked language."""
    body = _encode(catalogue(services.domains, lang_of(request)))
    return Response(body, media_type="application/json")


@router.get("/map", **sends(GEOJSON))
def read_map(
    request: Request, services: Svc, me: Me, bbox: str = "", domains: str = ""
) -> Response:
    """GeoJSON. `bbox`: west,south,east,north in degrees. `domains`: names, comma between.

    Features carry i (id), n (name), d (domain), k (kind), s (worst active alarm: -1..2), and of
    the headline t (ms), v (value), q (quality). `grouped`: features are groups {d, c, g, w}.
    """
    town: Town = request.app.state.town
    index = town.index()
    seen = sight.rows_seen(me.user, index)
    rows = index.inside(box_of(bbox), [d for d in domains.split(",") if d], seen)
    severities = town.severities()
    grouped = len(rows) > MAP_FEATURES_MAX
    if grouped:
        features = [_group_feature(group) for group in towns.groups(index, rows, severities)]
    else:
        features = [_feature(services, index, row, severities) for row in rows.tolist()]
    body = {
        "type": "FeatureCollection",
        "grouped": grouped,
        "count": len(rows),
        "bounds": index.bounds(seen),
        "now": services.clock.now_ms(),
        "features": features,
    }
    return Response(_encode(body), media_type=GEOJSON)


@router.get("/map/shapes", **sends(GEOJSON))
def read_shapes(request: Request, me: Me) -> Response:
    """GeoJSON of the lines and areas: streets, pipes, car parks. They change rarely."""
    town: Town = request.app.state.town
    index = town.index()
    seen = sight.rows_seen(me.user, index)
    features = [
        {
            "type": "Feature",
            "geometry": shape,
            "properties": {
                "i": asset,
                "n": index.names[index.rows[asset]],
                "d": index.domains[index.rows[asset]],
                "k": index.kinds[index.rows[asset]],
            },
        }
        for asset, shape in index.shapes.items()
        if seen[index.rows[asset]]
    ]
    body = _encode({"type": "FeatureCollection", "features": features})
    return Response(body, media_type=GEOJSON)


@router.get("/map/base", **sends(GEOJSON))
def read_base(services: Svc) -> Response:
    """GeoJSON drawn quietly under everything (streets, buildings): setting `map_background`."""
    base = services.store.people.setting("map_background")
    return Response(base or '{"type":"FeatureCollection","features":[]}', media_type=GEOJSON)


def box_of(text: str) -> Box | None:
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Refusal(
            422, "bbox", "`bbox` is four numbers: west,south,east,north in degrees."
        ) from None
    return Box(west, south, east, north)


def _feature(services: Services, index: Index, row: int, severities: Any) -> dict[str, Any]:
    asset, domain, kind = index.ids[row], index.domains[row], index.kinds[row]
    properties: dict[str, Any] = {
        "i": asset,
        "n": index.names[row],
        "d": domain,
        "k": kind,
        "s": severities.get(asset, CALM),
    }
    known = services.domains.get(domain)
    described = known.kinds.get(kind) if known else None
    value = services.live.values(asset).get(described.headline) if described else None
    if value is not None:
        properties.update(t=value.ts_ms, v=value.value, q=int(value.quality))
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": (float(index.lon[row]), float(index.lat[row])),
        },
        "properties": properties,
    }


def _group_feature(group: towns.Group) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": (group.lon, group.lat)},
        "properties": {"d": group.domain, "c": group.n, "g": group.grave, "w": group.warning},
    }
