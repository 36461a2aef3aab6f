"""Open data over real HTTP: closed by default, forms, pages, tags, the catalogue, bad requests."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pyarrow.parquet as parquet
import pyshacl
import pytest
import rdflib
from rdflib.compare import isomorphic
from tests.ui.world import World, world

from beffroi.hub.open_data import forms
from beffroi.model.limits import OPEN_K_MIN
from beffroi.model.sharing import Treatment

SHAPES = Path(__file__).parents[1] / "golden" / "dcat-ap-3-shapes.ttl"
PUBLISHED_SHAPES = "BEFFROI_DCAT_SHAPES"  # the official file (JSON-LD or Turtle), if one has it
FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("open")) as made:
        store = made.services.store
        first = store.assets.assets(people(made)[0])[0]
        store.assets.put_assets([replace(first, name=FORMULA, zone="<script>alert(1)</script>")])
        yield made


def people(town: World) -> tuple[str, str, str]:
    return next(
        (domain.name, kind, prop)
        for domain in town.services.domains.values()
        for kind, sharing in domain.sharing.items()
        for prop, treatment in sharing.hourly.items()
        if treatment is Treatment.PEOPLE
    )


def ident(town: World, end: str) -> str:
    domain, _, _ = people(town)
    return next(i for i in town.app.state.open_data.all if i.startswith(domain) and i.endswith(end))


def get(town: World, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{town.url}{path}", headers={"accept": "application/json", **headers})


def opened(town: World, *names: str) -> None:
    for name in names:
        town.app.state.open_data.decide(name, True, "u-1")


def test_everything_is_closed_until_somebody_opens_it(town: World) -> None:
    name = "alarms-by-month"
    for form in ("csv", "json"):
        closed, unknown = get(town, f"/open-data/{name}.{form}"), get(town, f"/open-data/no.{form}")
        assert closed.status_code == unknown.status_code == 404
    assert get(town, f"/open-data/{name}").status_code == 404
    opened(town, name)
    assert get(town, f"/open-data/{name}.csv").status_code == 200
    town.app.state.open_data.decide(name, False, "u-1")
    assert get(town, f"/open-data/{name}.csv").status_code == 404


def test_the_four_forms_say_the_same(town: World) -> None:
    name = ident(town, "-assets")
    opened(town, name)
    table = list(csv.DictReader(io.StringIO(get(town, f"/open-data/{name}.csv").text)))
    shapes = get(town, f"/open-data/{name}.geojson").json()["features"]
    pages = get(town, f"/open-data/{name}.json").json()
    columns = parquet.read_table(io.BytesIO(get(town, f"/open-data/{name}.parquet").content))
    ids = [row["id"] for row in table]
    assert ids == [one["properties"]["id"] for one in shapes] == columns["id"].to_pylist()
    assert ids == [row["id"] for row in pages["rows"]]
    assert shapes[0]["geometry"]["type"] == "Point"


def test_a_formula_in_a_name_is_inert(town: World) -> None:
    name = ident(town, "-assets")
    opened(town, name)
    table = list(csv.DictReader(io.StringIO(get(town, f"/open-data/{name}.csv").text)))
    assert "'" + FORMULA in {row["name"] for row in table}
    page = get(town, f"/open-data/{name}", accept="text/html").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_no_published_count_is_small(town: World) -> None:
    name = ident(town, "-hours")
    opened(town, name)
    rows = get(town, f"/open-data/{name}.json").json()["rows"]
    counts = [row["count"] for row in rows]
    assert None in counts
    assert min(count for count in counts if count is not None) >= OPEN_K_MIN
    assert all((row["count"] is None) == (row["hidden"] == 1) for row in rows)


def test_pages_are_cut_without_loss(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "OPEN_PAGE_ROWS_MAX", 7)
    town.app.state.open_data = type(town.app.state.open_data)(town.services)
    name = ident(town, "-hours")
    first = get(town, f"/open-data/{name}.json").json()
    rows = list(first["rows"])
    for number in range(2, first["pages"] + 1):
        rows += get(town, f"/open-data/{name}.json?page={number}").json()["rows"]
    table = list(csv.DictReader(io.StringIO(get(town, f"/open-data/{name}.csv").text)))
    assert first["pages"] > 2
    assert [row["hour"] for row in rows] == [row["hour"] for row in table]
    assert get(town, f"/open-data/{name}.json?page={first['pages'] + 1}").status_code == 404


def test_a_reader_who_has_it_already_gets_nothing(town: World) -> None:
    path = f"/open-data/{ident(town, '-assets')}.csv"
    once = get(town, path)
    again = get(town, path, **{"if-none-match": once.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert once.headers["access-control-allow-origin"] == "*"
    assert "max-age" in once.headers["cache-control"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("start=yesterday", 422), ("start=2026-02-30", 422), ("start=0001-01-01", 422),
     ("start=9999-01-01", 422), ("start=2001-01-01", 422), ("page=0", 404), ("page=x", 422),
     ("page=-1", 404), ("end=1970-01-01", 422)],
)  # fmt: skip
def test_bad_requests_are_refused_in_words(town: World, query: str, status: int) -> None:
    answer = get(town, f"/open-data/{ident(town, '-hours')}.json?{query}")
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_form_that_cannot_be_had_is_said_so(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ident(town, "-hours")
    assert get(town, f"/open-data/{name}.geojson").status_code == 406
    monkeypatch.setattr(forms.importlib.util, "find_spec", lambda _: None)
    answer = get(town, f"/open-data/{name}.parquet")
    assert answer.status_code == 406
    assert "pyarrow" in answer.json()["detail"]


def graphs(town: World) -> list[rdflib.Graph]:
    found = []
    for form, kind in (("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml")):
        text = get(town, f"/open-data/catalog.{form}").text
        found.append(rdflib.Graph().parse(data=text, format=kind))
    return found


def test_the_catalogue_is_the_same_graph_in_three_forms(town: World) -> None:
    opened(town, *town.app.state.open_data.all)
    commune = town.services.store.assets.commune()
    assert commune is not None
    odd = replace(commune, name='Saint-"Él\\i & <b>\n{}|^`')
    town.services.store.assets.put_commune(odd)
    turtle, jsonld, xml = graphs(town)
    town.services.store.assets.put_commune(commune)
    assert len(turtle) > 200
    assert isomorphic(turtle, jsonld)
    assert isomorphic(turtle, xml)
    assert rdflib.Literal(odd.name) in set(turtle.objects())


def conforms(graph: rdflib.Graph, shapes: rdflib.Graph) -> tuple[bool, str]:
    ok, _, words = pyshacl.validate(graph, shacl_graph=shapes, advanced=False)
    return bool(ok), str(words)


def test_the_catalogue_conforms_to_shapes_of_our_own(town: World) -> None:
    """Written from DCAT-AP 3.0: what is mandatory, and of which class things are."""
    opened(town, *town.app.state.open_data.all)
    town.app.state.open_data.configure("etalab-2.0", "mairie@example.org")
    shapes = rdflib.Graph().parse(SHAPES)
    ok, words = conforms(graphs(town)[0], shapes)
    assert ok, words
    broken = graphs(town)[0]
    dct = rdflib.Namespace("http://purl.org/dc/terms/")
    broken.remove((None, dct.title, None))
    assert not conforms(broken, shapes)[0]  # the shapes can fail


@pytest.mark.skipif(PUBLISHED_SHAPES not in os.environ, reason=f"set {PUBLISHED_SHAPES}")
def test_the_catalogue_conforms_to_the_published_shapes(town: World) -> None:
    opened(town, *town.app.state.open_data.all)
    path = os.environ[PUBLISHED_SHAPES]
    kind = "json-ld" if path.endswith("jsonld") else "turtle"
    ok, words = conforms(graphs(town)[0], rdflib.Graph().parse(path, format=kind))
    assert ok, words


def test_a_host_that_is_no_address_makes_no_catalogue(town: World) -> None:
    for host in ('localhost:1"><x', "localhost:99999999", "localhost: 1"):
        answer = get(town, "/open-data/catalog.ttl", host=host)
        assert answer.status_code in (400, 421)


def test_one_address_cannot_ask_without_end(town: World) -> None:
    tries = town.app.state.open_tries
    town.app.state.open_tries = type(tries)(3)
    statuses = [get(town, "/open-data/catalog.ttl").status_code for _ in range(5)]
    town.app.state.open_tries = tries
    assert statuses == [200, 200, 200, 429, 429]


def test_json_is_json(town: World) -> None:
    opened(town, "reports")
    body = get(town, "/open-data/reports.json").text
    assert json.loads(body)["rows"] == []
