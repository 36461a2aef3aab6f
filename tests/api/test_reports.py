"""The way of a report over real HTTP: the public form, the status page, the town hall, Open311."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import httpx
import pytest
from lxml import etree
from PIL import Image
from tests.api.test_access import client, signed_in
from tests.ui.world import World, world

from beffroi.api import sessions
from beffroi.api.report_gate import Gate
from beffroi.hub.reports.desk import ReportDesk
from beffroi.model.finding import Severity
from beffroi.ports.reports import Wanted

XSS = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("reports")) as made:
        yield made


@pytest.fixture(autouse=True)
def patient(town: World) -> None:
    """A test fills forms faster than a person and more often than a household."""
    town.app.state.report_gate = Gate(
        each=10_000, of_all=10_000, before_question=9_999, form_s_min=0
    )
    town.letters.clear()


def desk(town: World) -> ReportDesk:
    found = town.services.reports
    assert found is not None
    return found


def jpeg() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "MAISON DE JEANNE"
    exif[0x8825] = {1: "N", 2: (50.0, 30.0, 0.0)}
    Image.effect_noise((900, 600), 40).convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


def lamp(town: World) -> object:
    return next(a for a in town.services.store.assets.assets() if a.kind == "luminaire")


def send(town: World, stranger: httpx.Client, photo: bytes = b"", **typed: str) -> httpx.Response:
    """Both steps, as a browser without scripts does them."""
    asked = {"topic": "lamp", "where": lamp(town).name, **typed}
    step = stranger.get("/signaler/details", params={k: asked[k] for k in ("topic", "where")})
    token = re.search(r'name="token" value="([^"]*)"', step.text)
    spot = re.search(r'name="spot"[^>]*? value="([^"]*)"', step.text)
    assert token, step.text[:2_000]
    form = {"text": "La lampe est éteinte.", "token": token[1], **asked}
    form.setdefault("spot", spot[1] if spot else "elsewhere")
    files = {"photo": ("p.jpg", photo, "image/jpeg")} if photo else None
    return stranger.post("/signaler", data=form, files=files)


def operator(town: World) -> httpx.Client:
    made = signed_in(town, "operator")
    token = next(c.value for c in made.cookies.jar if c.name == sessions.COOKIE)
    made.headers["x-csrf-token"] = sessions.csrf_of(token or "")
    return made


def newest(town: World) -> object:
    return desk(town).store.reports(Wanted(limit=1))[0]


def test_from_the_telephone_to_the_answer(town: World) -> None:
    with client(town) as stranger, closing(operator(town)) as agent:
        answer = send(
            town, stranger, jpeg(), email="jeanne@example.fr", text="Éteinte, chez Jeanne"
        )
        assert answer.status_code == 303, answer.text[:3_000]
        follow = answer.headers["location"].partition("?")[0]
        report = newest(town)
        assert report.asset == lamp(town).id
        assert report.subject
        page = stranger.get(follow)
        assert "Jeanne" not in page.text, "the status page shows nothing of what was sent"
        assert len(page.content) < 100_000
        assert stranger.get(f"/signalements/{report.id}").status_code == 404
        assert report.id not in stranger.get("/signalements.geojson").text
        seen = agent.get(f"/reports/{report.id}").text
        assert "chez Jeanne" in seen
        here = f"/reports/{report.id}"
        told = {"text": "Lampe éteinte", "place": "rue du Lavoir", "photo": "yes"}
        for action, form in (
            ("accept", {}), ("publish", told),
            ("answer", {"text": "Réparée jeudi."}), ("close", {}),
        ):  # fmt: skip
            assert agent.post(f"{here}/{action}", data=form).status_code == 303, action
        page = stranger.get(follow).text
        assert "Réparée jeudi." in page
        public = stranger.get(f"/signalements/{report.id}")
        assert "Lampe éteinte" in public.text
        assert "Jeanne" not in public.text
        photo = stranger.get(f"/signalements/{report.id}/photo.jpg").content
        assert b"JEANNE" not in photo
        assert b"Exif" not in photo
    assert [one.kind for one in town.letters] == [
        "report.received", "report.accept", "report.answer", "report.close",
    ]  # fmt: skip
    assert {one.address for one in town.letters} == {"jeanne@example.fr"}
    assert all(follow in one.body and "Jeanne" not in one.body for one in town.letters)


def test_a_danger_about_a_lamp_is_an_alarm_of_lighting_until_it_is_safe(town: World) -> None:
    asset = lamp(town)
    with client(town) as stranger, closing(operator(town)) as agent:
        assert send(town, stranger, topic="wires", text="Porte ouverte").status_code == 303
        report = newest(town)

        def alarm() -> object:
            return next(
                a for a in town.services.desk.open()
                if a.asset == asset.id and a.facts.get("report") == report.id
            )  # fmt: skip

        raised = alarm()
        assert (raised.domain, raised.severity) == (asset.domain, Severity.GRAVE)
        assert report.deadline_ms == report.received_ms + 2 * 3_600_000
        refused = agent.post(f"/reports/{report.id}/accept", data={})
        assert refused.status_code == 303
        refused = agent.post(f"/reports/{report.id}/close", data={})
        assert refused.status_code == 409
        safe = agent.post(f"/reports/{report.id}/safe", data={"text": "barrière"})
        assert safe.status_code == 303
        assert not alarm().active


def test_what_nobody_confirmed_is_not_counted_twice_and_me_too_is(town: World) -> None:
    with client(town) as stranger:
        send(town, stranger)
        report = newest(town)
        where = {"topic": "lamp", "where": lamp(town).name}
        page = stranger.get("/signaler/details", params=where).text
        assert f"/signaler/{report.id}/confirm" in page
        token = re.search(r'name="token" value="([^"]*)"', page)
        assert token
        form = {"token": token[1]}
        assert stranger.post(f"/signaler/{report.id}/confirm", data=form).status_code == 200
        assert stranger.post(f"/signaler/{report.id}/confirm", data=form).status_code == 409
    assert desk(town).store.report(report.id).supports == 1


def test_withdrawn_is_erased(town: World) -> None:
    with client(town) as stranger:
        answer = send(town, stranger, jpeg(), email="paul@example.fr", text="chez Paul")
        follow = answer.headers["location"].partition("?")[0]
        report = newest(town)
        words = desk(town).words(report, "u-test")
        assert words.text == "chez Paul"
        assert stranger.post(f"{follow}/withdraw", data={}).status_code == 422
        assert stranger.post(f"{follow}/withdraw", data={"sure": "yes"}).status_code == 303
        assert stranger.get(follow).status_code == 200
    assert desk(town).words(report, "u-test").text == ""
    assert desk(town).sent_photo(report, "u-test") is None
    assert newest(town).subject == ""


def test_the_author_adds_words_and_words_of_danger_count(town: World) -> None:
    with client(town) as stranger:
        follow = send(town, stranger).headers["location"].partition("?")[0]
        report = newest(town)
        assert not report.danger
        added = stranger.post(f"{follow}/add", data={"text": "Des fils nus pendent du mât !"})
        assert added.status_code == 303
    after = newest(town)
    assert (after.danger, after.danger_why) == (True, "words")
    assert desk(town).words(after, "u-test").added == ["Des fils nus pendent du mât !"]


# --- Open311 -------------------------------------------------------------------------------------
def open311(town: World, **form: str) -> httpx.Response:
    place = town.services.store.assets.commune()
    given = {"service_code": "hole", "description": "Trou", "lat": str(place.lat)}
    given |= {"long": str(place.lon), **form}
    return httpx.post(f"{town.url}/open311/v2/requests.json", data=given)


def test_open311_from_report_to_answer(town: World) -> None:
    services = httpx.get(f"{town.url}/open311/v2/services.json").json()
    assert {"hole", "lamp", "other"} <= {one["service_code"] for one in services}
    made = open311(town, email="x@example.fr", media_url="http://127.0.0.1:1/x.jpg")
    assert made.status_code == 201, made.text
    report_id = made.json()[0]["service_request_id"]
    one = httpx.get(f"{town.url}/open311/v2/requests/{report_id}.json").json()[0]
    assert (one["status"], one["description"], one["lat"]) == ("open", "", None)
    listed = httpx.get(f"{town.url}/open311/v2/requests.json").json()
    assert report_id not in {item["service_request_id"] for item in listed}
    with closing(operator(town)) as agent:
        agent.post(f"/reports/{report_id}/accept", data={})
        agent.post(f"/reports/{report_id}/publish", data={"text": "Nid-de-poule"})
    listed = httpx.get(f"{town.url}/open311/v2/requests.json").json()
    mine = next(item for item in listed if item["service_request_id"] == report_id)
    assert mine["description"] == "Nid-de-poule"


def test_open311_xml_has_the_names_of_the_standard(town: World) -> None:
    root = etree.fromstring(httpx.get(f"{town.url}/open311/v2/services.xml").content)
    assert root.tag == "services"
    assert {child.tag for child in root} == {"service"}
    fields = {child.tag for child in root[0]}
    assert {"service_code", "service_name", "description", "metadata", "type"} <= fields
    made = httpx.post(f"{town.url}/open311/v2/requests.xml", data={"service_code": "zzz"})
    assert made.status_code == 404
    root = etree.fromstring(made.content)
    assert [child.tag for child in root] == ["error"]
    assert {child.tag: child.text for child in root[0]}["code"] == "404"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"service_code": ""}, 400),
        ({"service_code": "nothing"}, 404),
        ({"description": ""}, 400),
        ({"description": "x" * 2_001}, 400),
        ({"lat": "nan"}, 400),
        ({"lat": "95"}, 400),
        ({"lat": "", "long": ""}, 400),
        ({"lat": "10", "long": "10"}, 400),
        ({"email": "a@b.fr\r\nBcc: x@y.fr"}, 400),
        ({"jurisdiction_id": "paris.fr"}, 404),
    ],
)
def test_open311_errors_have_its_shape(town: World, form: dict[str, str], status: int) -> None:
    answer = open311(town, **form)
    assert answer.status_code == status
    (error,) = answer.json()
    assert error["code"] == status
    assert error["description"]


def test_open311_keys_when_the_commune_asks_for_them(town: World) -> None:
    before = town.app.state.web
    town.app.state.web = replace(before, open311_keys=(sha256(b"sesame").hexdigest(),))
    try:
        assert open311(town).status_code == 403
        assert open311(town).json()[0]["code"] == 403
        url = f"{town.url}/open311/v2/requests.json?api_key=sesame"
        form = {"service_code": "hole", "description": "Trou", "address_string": "rue Haute"}
        assert httpx.post(url, data=form).status_code == 201
    finally:
        town.app.state.web = before


def test_the_api_of_the_desk(town: World) -> None:
    with client(town) as stranger, closing(operator(town)) as agent:
        send(town, stranger, text="Lampe")
        report = newest(town)
        path = f"/api/reports/{report.id}"
        assert agent.get(f"{path}/sent").json()["text"] == "Lampe"
        assert agent.post(f"{path}/accept", json={}).json()["state"] == "accepted"
        assert agent.post(f"{path}/accept", json={}).status_code == 409
        assert agent.get("/api/reports/figures").json()["received"] > 0
        assert json.loads(agent.get("/api/reports?view=open").text)
        with closing(signed_in(town, "reader")) as reader:
            assert reader.get(path).status_code == 200
            assert reader.get(f"{path}/sent").status_code == 403
            assert "Lampe</p>" not in reader.get(f"/reports/{report.id}?sent=1").text
            assert reader.get(f"/reports/{report.id}/photo.jpg").status_code == 403
