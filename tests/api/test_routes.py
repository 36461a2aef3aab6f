"""What the routes answer: map and groups, history, devices, limits, problems, planted cookies."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.ui.world import PASSPHRASE, World, world

from beffroi.api import accounts, inventory, sessions
from beffroi.hub.live import Value
from beffroi.model.asset import Asset, Commune, Device
from beffroi.model.limits import MAP_FEATURES_MAX, WEB_BODY_BYTES_MAX
from beffroi.model.reading import Row
from beffroi.ports.codec import Codec
from beffroi.ports.store import Batch, SeriesKey, User

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("routes"), seeded=False) as made:
        made.services.store.assets.put_commune(Commune("commune", "Essai", 800, 2.0, 48.0))
        made.services.store.assets.put_assets([asset(made, n) for n in range(3)])
        yield made


def asset(town: World, n: int) -> Asset:
    domain = next(iter(town.services.domains.values()))
    kind = next(iter(domain.kinds.values()))
    return Asset(f"a-{n}", domain.name, kind.name, f"Ouvrage {n}", 2 + n / 1e4, 48 + n / 2e4)


def headline(town: World) -> str:
    domain = next(iter(town.services.domains.values()))
    return next(iter(domain.kinds.values())).headline


@pytest.fixture(scope="module")
def admin(town: World) -> Iterator[httpx.Client]:
    path = accounts.first_link(town.services) or ""
    user = accounts.accept(town.services, "first", path.rpartition("/")[2], "Chef", PASSPHRASE)
    token = sessions.start(town.services, user)
    headers = {"origin": town.url, "x-csrf-token": sessions.csrf_of(token)}
    cookies = {sessions.COOKIE: token}
    with httpx.Client(base_url=town.url, headers=headers, cookies=cookies) as client:
        yield client


def test_the_map_holds_places_and_newest_values(town: World, admin: httpx.Client) -> None:
    now = town.services.clock.now_ms()
    town.services.live.load([("a-1", headline(town), Value(now, 7.5, 0))])
    body = admin.get("/api/map").json()
    assert body["grouped"] is False
    features = {f["properties"]["i"]: f for f in body["features"]}
    assert features["a-1"]["properties"]["v"] == 7.5
    assert "v" not in features["a-0"]["properties"]
    assert features["a-1"]["geometry"]["coordinates"] == [2.0001, 48.00005]
    only = admin.get("/api/map", params={"bbox": "2.00005,48,2.00015,48.1"}).json()
    assert [f["properties"]["i"] for f in only["features"]] == ["a-1"]
    assert admin.get("/api/map", params={"bbox": "1,2,3"}).status_code == 422


def test_history_is_points_for_a_day_and_hours_for_a_year(town: World, admin: httpx.Client) -> None:
    store, now = town.services.store, town.services.clock.now_ms()
    (series,) = store.readings.series_ids([SeriesKey("a-0", "", headline(town))])
    times = range(now - 40 * 24 * HOUR_MS, now, HOUR_MS // 2)
    rows = [Row(series, ts, float(n % 50), 0, ts) for n, ts in enumerate(times)]
    store.readings.commit(Batch(rows=rows))
    query: dict[str, Any] = {"prop": headline(town), "end_ms": now}
    day = admin.get("/api/assets/a-0/series", params=query | {"start_ms": now - 24 * HOUR_MS})
    assert day.json()["mode"] == "points"
    assert len(day.json()["t"]) == 48
    year = admin.get("/api/assets/a-0/series", params=query | {"start_ms": now - 9000 * HOUR_MS})
    assert year.json()["mode"] == "hours"
    assert max(year.json()["high"]) == 49
    assert admin.get("/api/assets/a-0/series", params=query | {"start_ms": now}).status_code == 422
    assert (
        admin.get("/api/assets/none/series", params=query | {"start_ms": now - 1}).status_code
        == 404
    )


def test_a_device_is_added_given_files_and_revoked(town: World, admin: httpx.Client) -> None:
    body = {"id": "dev-1", "asset": "a-2"}
    assert admin.post("/api/devices", json=body).status_code == 201
    assert admin.post("/api/devices", json=body).status_code == 409
    assert admin.post("/api/devices", json={"id": "Bad Id", "asset": "a-2"}).status_code == 422
    assert admin.post("/api/devices", json={"id": "dev-2", "asset": "no"}).status_code == 422
    assert admin.post("/api/devices", json=body | {"colour": "red"}).status_code == 422
    files = admin.post("/api/devices/dev-1/bundle")
    names = zipfile.ZipFile(io.BytesIO(files.content)).namelist()
    assert {"dev-1/device.key", "dev-1/device.crt", "dev-1/ca.crt"} <= set(names)
    assert admin.get("/api/devices/dev-1").json()["status"] == "enrolled"
    assert admin.get("/api/devices/dev-1/arrival").json()["arrived"] is False
    upkeep = {"maker": "Untel", "default_secret": "yes", "support_end": "2030-01-01"}
    noted = admin.put("/api/devices/dev-1/upkeep", json=upkeep).json()
    assert (noted["maker"], noted["default_secret"]) == ("Untel", True)
    assert admin.post("/api/devices/dev-1/revoke").status_code == 204
    assert admin.get("/api/devices/dev-1").json()["status"] == "revoked"


def test_a_device_gets_only_a_codec_that_is_allowed(town: World, admin: httpx.Client) -> None:
    store = town.services.store
    store.assets.put_devices([Device("lns-1", "", is_gateway=True)])
    body = {"id": "bay-1", "asset": "a-2", "way": "lorawan", "gateway": "lns-1"}
    body["dev_eui"] = "70B3D5E75E000001"
    refused = admin.post("/api/devices", json=body | {"codec": "f" * 64})
    assert (refused.status_code, refused.json()["code"]) == (422, "codec_unknown")
    store.assets.put_codec(Codec("a" * 64, "gone", "", 1, "admin"))
    assert admin.post("/api/devices", json=body | {"codec": "a" * 64}).status_code == 422
    store.assets.put_codec(Codec("b" * 64, "good", "function decodeUplink() {}", 1, "admin"))
    assert admin.post("/api/devices", json=body | {"codec": "b" * 64}).status_code == 201
    assert store.assets.device("bay-1").codec == "b" * 64


def test_a_spreadsheet_gets_no_formula(town: World, admin: httpx.Client) -> None:
    evil = Device("evil-csv", "a-0", maker="=HYPERLINK(1)")
    town.services.store.assets.put_devices([evil])
    text = admin.get("/devices.csv").text
    assert '"\'=HYPERLINK(1)"' in text


def test_problems_say_what_to_do(town: World, admin: httpx.Client) -> None:
    answer = admin.post("/api/alarms/none/close", json={})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unknown_alarm"
    unknown = admin.post("/api/alarms/none/explode", json={})
    assert unknown.status_code == 422
    assert "default-src 'none'" in unknown.headers["content-security-policy"]


def test_a_large_body_is_refused_with_and_without_its_length(
    town: World, admin: httpx.Client
) -> None:
    big = b"x" * (WEB_BODY_BYTES_MAX + 1)
    assert admin.post("/api/devices", content=big).status_code == 413

    def dripped() -> Iterator[bytes]:
        for at in range(0, len(big), 65_536):
            yield big[at : at + 65_536]

    json = {"content-type": "application/json"}
    assert admin.post("/api/devices", content=dripped(), headers=json).status_code == 413


def test_a_planted_session_is_not_adopted(town: World, admin: httpx.Client) -> None:
    planted = f"{town.services.clock.now_ms()}.planted-by-somebody"
    with httpx.Client(base_url=town.url, headers={"origin": town.url}) as victim:
        victim.cookies.set(sessions.COOKIE, planted)
        data = {"name": "Chef", "passphrase": PASSPHRASE}
        answer = victim.post("/sign-in", data=data)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert planted not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
    assert sessions.find(town.services, planted) is None


def test_status_and_openapi_need_a_session(town: World, admin: httpx.Client) -> None:
    assert httpx.get(town.url + "/healthz").json() == {"status": "ok"}
    assert httpx.get(town.url + "/api/openapi.json").status_code == 401
    assert "/api/map" in admin.get("/api/openapi.json").json()["paths"]
    assert admin.get("/api/status").json()["backlog"] == 0


def test_events_reach_an_open_page(town: World, admin: httpx.Client) -> None:
    with admin.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry")
        assert admin.post("/api/devices", json={"id": "dev-9", "asset": "a-0"}).status_code == 201
        for line in lines:
            if line.startswith("event:"):
                assert line == "event: inventory"
                break


def test_a_large_town_comes_in_groups(town: World, admin: httpx.Client) -> None:
    many = [asset(town, n) for n in range(MAP_FEATURES_MAX + 1)]
    town.services.store.assets.put_assets(many)
    body = admin.get("/api/map").json()
    assert body["grouped"] is True
    assert len(body["features"]) < 2_000
    assert sum(f["properties"]["c"] for f in body["features"]) == len(many)


BIG = 10**23  # no store and no clock has such a number


@pytest.mark.parametrize(
    "path",
    [
        "/api/alarms?state=closed&before_ms={}", "/alarms?view=closed&before={}", "/data?after={}",
        "/api/quarantine?after_id={}", "/api/privacy/accesses?before={}",
        "/privacy/accesses?before={}", "/api/reports/figures?since_ms={}",
        "/api/assets/a-0/hours?prop=x&start_ms={}&end_ms={}", "/api/commands?before_ms={}",
        "/api/assets/a-0/series?prop=x&start_ms={}&end_ms={}1", "/list?after={}",
        "/devices?start={}", "/commands?before={}", "/evidence?before={}",
    ],
)  # fmt: skip
def test_a_number_beyond_all_bounds_is_a_refusal_and_no_fault(
    admin: httpx.Client, path: str
) -> None:
    for number in (BIG, -BIG, -1):
        assert admin.get(path.replace("{}", str(number))).status_code == 422, number


@pytest.mark.parametrize("year", ["²", "9" * 5_000, "-1", "two"])
def test_a_year_that_is_none_is_told_in_the_reader_s_language(
    town: World, admin: httpx.Client, year: str
) -> None:
    given = {"csrf": admin.headers["x-csrf-token"], "name": "sets_open", "value": "1", "year": year}
    pages = {"accept": "text/html", "accept-language": "fr"}
    answer = admin.post("/indicators/entries", data=given, headers=pages)
    assert answer.status_code == 422
    assert "Écrivez l’année avec quatre chiffres." in answer.text


@pytest.mark.parametrize("path", ["/maturity", "/api/maturity", "/indicators", "/maire"])
def test_a_page_asks_the_store_for_one_thing_once(
    town: World, admin: httpx.Client, path: str
) -> None:
    """Once its figures are there: not each month, and not each list, reads its books again."""
    pages = {"accept": "text/html"}
    assert admin.get(path, headers=pages).status_code == 200
    asked: list[tuple[str, str]] = []

    def note(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if any(f"FROM {table}" in statement for table in ("register", "person")):
            asked.append((statement, repr(given)))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        admin.get(path, headers=pages)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked
    often = {one: asked.count(one) for one in asked if "person.id = ?" not in one[0]}
    assert max(often.values()) <= 2, often


def test_a_codec_that_is_not_there_is_not_removed(admin: httpx.Client) -> None:
    given = {"csrf": admin.headers["x-csrf-token"]}
    answer = admin.post("/data/codecs/feedbeef/remove", data=given)
    assert answer.status_code == 404


def test_a_new_passphrase_leaves_a_session_of_a_passkey_what_it_was(town: World) -> None:
    """Else a person whose role needs two factors would be locked out of all pages but one."""
    people = town.services.store.people
    user = User("u-key", "Clé Dubois", "operator", accounts.hash_of(PASSPHRASE))
    people.put_user(user)
    for verified in (True, False):
        token = sessions.start(town.services, user, verified=verified)
        given = {"old": PASSPHRASE, "new": PASSPHRASE, "csrf": sessions.csrf_of(token)}
        answer = httpx.post(
            f"{town.url}/account/passphrase",
            data=given,
            cookies={sessions.COOKIE: token},
            headers={"origin": town.url},
        )
        fresh = sessions.find(town.services, answer.cookies[sessions.COOKIE])
        assert fresh is not None
        assert fresh.verified is verified


def test_two_places_of_one_name_are_two_assets(town: World) -> None:
    known = asset(town, 0)
    made = [
        inventory.add_asset(town.services, known.domain, known.kind, "Place du puits", 2.0, 48.0)
        for _ in range(3)
    ]
    assert len({one.id for one in made}) == 3
