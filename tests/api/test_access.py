"""Closed by default: every route, whoever adds it, is tried without a session and as a reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from tests.ui.world import PASSPHRASE, World, world

from beffroi.api import accounts, sessions

PUBLIC = {
    "/alerts/feed",
    "/alerts/certificate.pem",
    "/alerts/{identifier}.xml",
    "/healthz",
    "/api/delegated",  # a token of its own
    "/sign-in",
    "/sign-in/second",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
    "/sign-in/oidc",
    "/sign-in/oidc/back",
    "/sign-out",
    "/language",
    "/welcome/{token}",
    "/invitation/{token}",
    "/links/{link}/{source}",
    "/links/witness/add-checkpoint",
    "/static",
    "/results",
    "/resultats",
    "/results/{ident}",
    "/api/consultations",
    "/consultations",
    "/consultations/{ident}",
    "/consultations/{ident}/count.json",
    "/consultations/{ident}/find",
    "/consultations/{ident}/vote",
    "/api/experiments",
    "/experiments",
    "/experiments/{ident}",
    "/experiments/{ident}/file.json",
    "/ideas",
    "/idees",
    "/donnees",
    "/open-data",
    "/open-data/{name}",
    "/open-data/{name}.{form}",
    "/open-data/catalog.{form}",
    "/signaler",
    "/report",
    "/signaler/details",
    "/signaler/{report_id}/confirm",
    "/signalements",
    "/signalements.geojson",
    "/signalements/fond.json",
    "/signalements/{report_id}",
    "/signalements/{report_id}/photo.jpg",
    "/suivi/{secret}",
    "/suivi/{secret}/add",
    "/suivi/{secret}/withdraw",
    "/open311/v2/discovery.{fmt}",
    "/open311/v2/services.{fmt}",
    "/open311/v2/services/{code}.{fmt}",
    "/open311/v2/requests.{fmt}",
    "/open311/v2/requests/{request_id}.{fmt}",
    "/code",
    "/code/{code}",
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("api"), seeded=False) as made:
        yield made


def routes(town: World) -> list[tuple[str, str]]:
    found = []

    def walk(listed: list[object]) -> None:
        for route in listed:
            path = getattr(route, "path", "")
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                if path and path not in PUBLIC:
                    found.append((method, re.sub(r"\{[^}]*\}", "x", path)))
            inner = getattr(route, "original_router", route)  # FastAPI keeps included routers
            walk(getattr(inner, "routes", None) or [])

    walk(list(town.app.routes))
    return [pair for pair in dict.fromkeys(found) if not pair[1].startswith("/static")]


def client(town: World, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=town.url, headers={"origin": town.url, **headers})


def signed_in(town: World, role: str) -> httpx.Client:
    """A client with the session of a new account of this role."""
    opened = client(town)
    admin = accounts.by_name(town.services.store.people, "Chef")
    if admin is None:
        path = accounts.first_link(town.services) or ""
        admin = accounts.accept(
            town.services, accounts.FIRST, path.rpartition("/")[2], "Chef", PASSPHRASE
        )
    name = f"{role} d’essai"
    if accounts.by_name(town.services.store.people, name) is None:
        path = accounts.invite(town.services, role, admin)
        token = path.rpartition("/")[2]
        accounts.accept(town.services, accounts.INVITE, token, name, PASSPHRASE)
    form = opened.get("/sign-in").text
    csrf = re.search(r'name="csrf" value="([^"]*)"', form)
    data = {"name": name, "passphrase": PASSPHRASE, "csrf": csrf[1] if csrf else "", "next": "/"}
    answer = opened.post("/sign-in", data=data)
    assert answer.status_code == 303, answer.text
    return opened


def test_there_is_something_to_walk(town: World) -> None:
    assert len(routes(town)) > 15


def test_no_route_answers_a_stranger(town: World) -> None:
    with client(town, accept="application/json") as stranger:
        for method, path in routes(town):
            answer = stranger.request(method, path)
            to_door = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            assert answer.status_code in (401, 403) or to_door, (method, path, answer.status_code)


OWN = {  # a reader's own account
    "/sign-out",
    "/account/passphrase",
    "/account/erase",
    "/account/second",
    "/account/second/on",
    "/account/second/off",
    "/account/sign-out-everywhere",
    "/account/sign-in-passkeys",
    "/account/sign-in-passkeys/options",
    "/account/sign-in-passkeys/remove",
    "/api/me/passphrase",
    "/api/me/erase",
}


def test_a_reader_changes_nothing(town: World) -> None:
    """With the right token: it must be the role that is refused, not the form."""
    with closing(signed_in(town, "reader")) as reader:
        token = next(c.value for c in reader.cookies.jar if c.name == sessions.COOKIE)
        reader.headers["x-csrf-token"] = sessions.csrf_of(token or "")
        for method, path in routes(town):
            if method not in ("GET", "HEAD", "OPTIONS") and path not in OWN:
                answer = reader.request(method, path, headers={"accept": "application/json"})
                assert answer.status_code == 403, (method, path, answer.status_code)
                assert answer.json()["code"] == "role", (method, path)


def test_a_change_needs_our_own_page(town: World) -> None:
    with closing(signed_in(town, "operator")) as operator:
        without_token = operator.post("/api/alarms/x/acknowledge", json={})
        assert without_token.status_code == 403
        operator.headers["origin"] = "https://evil.example"
        assert operator.post("/api/alarms/x/acknowledge", json={}).status_code == 403


def test_the_cookie_is_closed_and_the_session_ends(town: World) -> None:
    with closing(signed_in(town, "operator")) as operator:
        assert operator.get("/api/status").status_code in (200, 503)
        (cookie,) = [c for c in operator.cookies.jar if "session" in c.name or len(c.value) > 20]
        assert cookie.has_nonstandard_attr("HttpOnly")
        stolen = dict(operator.cookies)
        page = operator.get("/alarms").text
        csrf = re.search(r'name="csrf" value="([^"]*)"', page)
        assert csrf
        assert operator.post("/sign-out", data={"csrf": csrf[1]}).status_code == 303
        with client(town, accept="application/json") as thief:
            thief.cookies.update(stolen)
            assert thief.get("/api/status").status_code == 401


def test_another_host_name_is_refused(town: World) -> None:
    answer = httpx.get(town.url + "/healthz", headers={"host": "evil.example"})
    assert answer.status_code in (400, 421)


def test_the_pages_run_no_inline_code(town: World) -> None:
    policy = httpx.get(town.url + "/sign-in").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_guessing_a_passphrase_is_slowed(town: World) -> None:
    with client(town) as guesser:
        form = guesser.get("/sign-in").text
        csrf = re.search(r'name="csrf" value="([^"]*)"', form)
        statuses = []
        for n in range(12):
            data = {"name": "Personne", "passphrase": f"faux {n} faux faux"}
            data |= {"csrf": csrf[1] if csrf else "", "next": "/"}
            statuses.append(guesser.post("/sign-in", data=data).status_code)
        assert 429 in statuses
        assert 303 not in statuses
