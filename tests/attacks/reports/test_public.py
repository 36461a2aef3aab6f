"""What strangers may try with the public pages of reports (cases W1, W2, W4, W6, W8, M9)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from tests.api.test_access import client
from tests.api.test_reports import desk, lamp, newest, operator, send
from tests.ui.world import World, world

from beffroi.api.report_gate import Gate

XSS = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("attacked")) as made:
        yield made


@pytest.fixture(autouse=True)
def patient(town: World) -> None:
    town.app.state.report_gate = Gate(each=999, of_all=999, before_question=999, form_s_min=0)


def inert(text: str) -> None:
    assert "<img src=x" not in text
    assert "<script>alert" not in text


def test_scripts_in_every_field_stay_text(town: World) -> None:
    with client(town) as stranger, closing(operator(town)) as agent:
        page = stranger.get("/signaler/details", params={"topic": "hole", "where": XSS}).text
        inert(page)
        answer = send(town, stranger, text=XSS, topic="hole", where=XSS, spot=XSS)
        follow = answer.headers["location"].partition("?")[0]
        report = newest(town)
        here = f"/reports/{report.id}"
        inert(agent.get(here).text)
        for action, form in (
            ("accept", {}), ("publish", {"text": XSS, "place": XSS}), ("answer", {"text": XSS}),
            ("comment", {"text": XSS}), ("close", {}),
        ):  # fmt: skip
            assert agent.post(f"{here}/{action}", data=form).status_code == 303, action
        for path in (here, "/reports?view=over", f"/reports?topic={XSS}", f"/signaler?where={XSS}"):
            inert(agent.get(path).text)
        for path in (follow, "/signalements", f"/signalements/{report.id}"):
            inert(stranger.get(path).text)
        xml = stranger.get(f"/open311/v2/requests/{report.id}.xml")
        assert xml.headers["content-type"].startswith("text/xml")
        assert "<img" not in xml.text
        assert stranger.get("/signalements.geojson").headers["x-content-type-options"] == "nosniff"


def test_a_formula_in_the_export_is_text(town: World) -> None:
    with client(town) as stranger, closing(operator(town)) as agent:
        send(town, stranger)
        here = f"/reports/{newest(town).id}"
        agent.post(f"{here}/accept", data={})
        agent.post(f"{here}/publish", data={"text": '=HYPERLINK("http://evil")'})
        rows = list(csv.reader(io.StringIO(agent.get("/reports/export.csv").text), delimiter=";"))
        cells = [row[-1] for row in rows if "HYPERLINK" in row[-1]]
        assert cells
        assert all(cell.startswith("'") for cell in cells)


def test_a_status_link_cannot_be_guessed_or_derived(town: World) -> None:
    with client(town) as stranger:
        secret = send(town, stranger).headers["location"].split("/")[2].partition("?")[0]
        assert len(secret) >= 43  # 256 bits
        report = newest(town)
        for wrong in (report.id, secret[:-1], secret + "A", secret.swapcase(), "a" * 5_000, "%00"):
            assert stranger.get(f"/suivi/{wrong}").status_code == 404, wrong
            gone = stranger.post(f"/suivi/{wrong}/withdraw", data={"sure": "yes"})
            assert gone.status_code == 404
        for path in (f"/reports/{report.id}", f"/reports/{report.id}/photo.jpg"):
            assert stranger.get(path, headers={"accept": "*/*"}).status_code == 401
        for path in (f"/signalements/{report.id}", f"/signalements/{report.id}/photo.jpg"):
            assert stranger.get(path).status_code == 404
    with desk(town).store._db.engine.connect() as conn:  # type: ignore[attr-defined]
        kept = conn.exec_driver_sql("SELECT link_hash, doc FROM report").all()
    assert not any(secret in str(row) for row in kept)


def test_a_post_from_elsewhere_changes_nothing(town: World) -> None:
    with client(town) as stranger:
        follow = send(town, stranger).headers["location"].partition("?")[0]
        report = newest(town)
        stranger.headers["origin"] = "https://evil.example"
        for path in ("/signaler", f"{follow}/withdraw", f"/signaler/{report.id}/confirm"):
            assert stranger.post(path, data={"sure": "yes"}).status_code == 403
    with closing(operator(town)) as agent:
        del agent.headers["x-csrf-token"]
        assert agent.post(f"/reports/{report.id}/accept", data={}).status_code == 403
    assert newest(town).version == report.version


def test_a_flood_is_stopped_and_programs_do_not_get_in(town: World) -> None:
    gate = town.app.state.report_gate = Gate(each=3, of_all=5, before_question=2, form_s_min=3)
    with client(town) as stranger:
        quick = send(town, stranger)
        assert quick.status_code == 422, "faster than a person"
        town.app.state.report_gate._form_ms_min = 0
        filled = send(town, stranger, website="https://spam.example")
        assert filled.status_code == 422
        assert [send(town, stranger).status_code for _ in range(2)] == [303, 303]
        assert send(town, stranger).status_code == 303
        page = send(town, stranger)
        assert page.status_code == 422, "now a sum is asked"
        assert 'name="sum"' in page.text
    assert gate.form(town.services.clock.now_ms()).sum
    now_ms = town.services.clock.now_ms()
    with pytest.raises(Exception, match="Many reports"):
        gate.admit("127.0.0.1", now_ms)
    gate.admit("2001:db8::1", now_ms)
    gate.admit("10.0.0.8", now_ms)
    with pytest.raises(Exception, match="Very many reports"):
        gate.admit("10.0.0.9", now_ms)


def test_a_form_is_good_once(town: World) -> None:
    with client(town) as stranger:
        where = {"topic": "hole", "where": "rue"}
        page = stranger.get("/signaler/details", params=where).text
        token = re.search(r'name="token" value="([^"]*)"', page)
        assert token
        form = {**where, "token": token[1], "text": "Trou", "spot": "elsewhere"}
        assert stranger.post("/signaler", data=form).status_code == 303
        assert stranger.post("/signaler", data=form).status_code == 409
        for bad in ("", "0.a.b", "1." + token[1], token[1] + "0", "é.é.é"):
            assert stranger.post("/signaler", data={**form, "token": bad}).status_code == 409


def test_an_address_of_a_picture_is_never_fetched(town: World) -> None:
    import socket

    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(1.0)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/photo.jpg"
        form = {"service_code": "hole", "description": "Trou", "address_string": "rue Haute"}
        made = httpx.post(f"{town.url}/open311/v2/requests.json", data={**form, "media_url": url})
        assert made.status_code == 201
        with closing(operator(town)) as agent:
            assert url in agent.get(f"/reports/{newest(town).id}").text
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.timeout(60)  # what backtracks on these takes hours
@pytest.mark.parametrize("field", ["text", "where", "email", "spot"])
def test_long_and_evil_texts_cost_no_time(town: World, field: str) -> None:
    evil = ("a@" * 50_000 + "!", "a" * 100_000, "\u0301" * 50_000, "((((" * 20_000)
    with client(town) as stranger:
        for text in evil:
            answer = (
                send(town, stranger, **{"where": "rue", field: text})
                if field != "where"
                else (
                    stranger.get(
                        "/signaler/details", params={"topic": "lamp", "where": text[:6_000]}
                    )
                )
            )
            assert answer.status_code < 500


@pytest.mark.parametrize("email", ["a@b.fr\r\nBcc: x@y.fr", "a@b.fr, x@y.fr", "<a@b.fr>", "a@b"])
def test_no_header_is_added_through_an_address(town: World, email: str) -> None:
    with client(town) as stranger:
        answer = send(town, stranger, email=email)
    assert answer.status_code == 422
    assert not any("x@y.fr" in one.address for one in town.letters)


def test_only_what_stands_in_the_street_is_found_by_strangers(town: World) -> None:
    tank = next(a for a in town.services.store.assets.assets() if a.kind == "tank")
    with client(town) as stranger:
        for topic in ("water", "lamp", "hole"):
            page = stranger.get(
                "/signaler/details", params={"topic": topic, "where": tank.name}
            ).text
            assert f"asset:{tank.id}" not in page
            direct = {"topic": topic, "asset": tank.id, "where": "x"}
            assert f"asset:{tank.id}" not in stranger.get("/signaler/details", params=direct).text
        assert '"pipe"' not in stranger.get("/signalements/fond.json").text
    assert lamp(town)
