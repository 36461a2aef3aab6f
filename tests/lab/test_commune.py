"""The procedural commune: the same every time, sound, and made of what the domains know."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.registry import domains
from beffroi.domains.signals.acts import proven
from beffroi.lab.commune import LabCommune, TownError, commune
from beffroi.lab.geometry import METRES_PER_DEGREE
from beffroi.model.limits import NAME_CHARS_MAX

DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
COMMUNES = st.tuples(st.integers(500, 6_000), st.integers(0, 2**31))


@pytest.mark.parametrize("inhabitants", [500, 800, 20_000])
def test_same_arguments_same_commune(inhabitants: int) -> None:
    one, two = commune(inhabitants, 7), commune(inhabitants, 7)
    assert one.assets == two.assets
    assert one.devices == two.devices
    assert json.dumps(one.background) == json.dumps(two.background)


def test_other_seed_other_commune() -> None:
    one, two = commune(800, 1), commune(800, 2)
    assert {(a.lon, a.lat) for a in one.assets}.isdisjoint((a.lon, a.lat) for a in two.assets)


@settings(max_examples=25, deadline=None)
@given(COMMUNES)
def test_books_are_sound(pair: tuple[int, int]) -> None:
    made = commune(*pair)
    assets = {asset.id: asset for asset in made.assets}
    devices = {device.id: device for device in made.devices}
    assert len(assets) == len(made.assets)
    assert len(devices) == len(made.devices)
    for device in made.devices:
        assert DEVICE_ID.fullmatch(device.id)
        assert device.asset in assets
        assert device.gateway == "" or devices[device.gateway].is_gateway
        for asset, prop in device.points.values():
            known = domains()[assets[asset].domain].kinds[assets[asset].kind]
            assert prop in known.properties
            assert prop not in known.derived
    for asset in made.assets:
        assert asset.kind in domains()[asset.domain].kinds
        assert len(asset.id) <= NAME_CHARS_MAX
        assert _metres_from_centre(made, asset.lon, asset.lat) < 1.7 * made.town.net.radius_m
        json.dumps(dict(asset.attrs))


def _metres_from_centre(made: LabCommune, lon: float, lat: float) -> float:
    east = (lon - made.commune.lon) * METRES_PER_DEGREE * math.cos(math.radians(made.commune.lat))
    return math.hypot(east, (lat - made.commune.lat) * METRES_PER_DEGREE)


@settings(max_examples=15, deadline=None)
@given(COMMUNES)
def test_ratios_are_those_of_a_town(pair: tuple[int, int]) -> None:
    made = commune(*pair)
    kinds = Counter(asset.kind for asset in made.assets)
    assert 5 < made.commune.inhabitants / kinds["luminaire"] < 9
    assert kinds["bay"] >= 6
    assert kinds["tank"] >= 1
    assert kinds["counter"] >= 3
    assert 3.5 < made.commune.inhabitants / len(made.devices) < 5


@settings(max_examples=15, deadline=None)
@given(COMMUNES)
def test_streets_hang_together(pair: tuple[int, int]) -> None:
    """From the square one can walk to every crossing, and no two stretches lie on each other."""
    net = commune(*pair).town.net
    seen, todo = {0}, [0]
    while todo:
        for other in net.links[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    assert len(seen) == len(net.xy)
    edges = [tuple(sorted((a, b))) for a, links in enumerate(net.links) for b in links if a < b]
    assert len(edges) == len(set(edges))


@settings(max_examples=10, deadline=None)
@given(COMMUNES)
def test_names_are_distinct(pair: tuple[int, int]) -> None:
    made = commune(*pair)
    names = [name for name in made.town.street_names if "hors agglomération" not in name]
    complements = [name.split(" ", 1)[1] for name in names]
    assert len(set(names)) == len(names)
    assert max(Counter(complements).values()) <= 2


def test_background_is_geojson_of_the_agreed_classes() -> None:
    made = commune(800, 3)
    classes = Counter(f["properties"]["class"] for f in made.background["features"])
    assert set(classes) == {"street", "river", "building", "square", "pipe"}
    named = {f["properties"].get("name") for f in made.background["features"]}
    assert {"Église", "Mairie", "École", made.town.river_name} <= named
    for feature in made.background["features"]:
        shape = feature["geometry"]
        points = shape["coordinates"][0] if shape["type"] == "Polygon" else shape["coordinates"]
        assert all(len(point) == 2 for point in points)
        if shape["type"] == "Polygon":
            assert points[0] == points[-1]


@pytest.mark.parametrize("inhabitants", [0, 499, 1_000_001])
def test_size_out_of_bounds_is_refused(inhabitants: int) -> None:
    with pytest.raises(TownError, match="500"):
        commune(inhabitants, 1)


def test_the_inventory_has_something_to_say() -> None:
    """One default secret, one nobody checked, some expired support: the posture page is alive."""
    devices = commune(800, 1).devices
    assert any(device.default_secret for device in devices)
    assert any(device.default_secret is None for device in devices)
    assert any(device.support_end < "2026" for device in devices)
    assert sum(device.support_end < "2026" for device in devices) < len(devices) / 5


@settings(max_examples=4, deadline=None)
@given(COMMUNES)
def test_every_junction_is_proven(pair: tuple[int, int]) -> None:
    """The engineer's data of the lab pass the same proof as everybody's."""
    found = [asset for asset in commune(*pair).assets if asset.domain == "signals"]
    assert found
    assert all(proven(asset) for asset in found)
