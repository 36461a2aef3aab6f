"""Another body's account: nothing of an asset that is not its own, over any route, stream or link.

Every asset, alarm, device and command that is not the body's carries a mark; no answer to the body
may hold one. The links and forms that the body is shown are followed, all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.test_access import client
from tests.api.test_policies import declared
from tests.ui.cabinet import VALVE
from tests.ui.orders import seed_commands, until
from tests.ui.world import World, world

from beffroi.api import scope, sessions
from beffroi.hub.live import Event, Value
from beffroi.model.asset import Device
from beffroi.ports.store import User

BODY = "Syndicat des eaux du Val"
MARK, VALUE = "Zwölfmark", 7_313.731
ROLES = ("reader", "operator", "admin")
END = ("/sign-out", "/account/sign-out-everywhere", "/account/erase", "/account/passphrase")


class Case:
    """The town, and what is the body's (`own`) and not the body's (`far`) by name of parameter."""

    def __init__(self, town: World) -> None:
        self.town, services = town, town.services
        self.commands = seed_commands(town)
        store, alarms = services.store.assets, services.desk.open()
        mine = {VALVE, next(one.asset for one in alarms if one.domain == "water")}
        store.put_assets(
            [
                replace(one, authority=BODY)
                if one.id in mine
                else replace(one, name=f"{MARK} {one.name}"[:80], authority="commune")
                for one in store.assets()
            ]
        )
        store.put_devices([Device("capteur-a-eux", VALVE, gateway="gw-a-nous")])
        far = [one for one in store.assets() if one.id not in mine]
        services.live.load(
            (one.id, prop, Value(services.clock.now_ms(), VALUE, 0))
            for one in far
            for prop in services.domains[one.domain].kinds[one.kind].properties
        )
        self.mine = mine
        devices = {one.id: scope.measured_by(one) for one in store.devices()}
        closed = {ident for ident, seen in devices.items() if seen and not seen <= mine}
        rows = town.dispatch.book.store.commands()
        self.own = {
            "asset_id": sorted(mine),
            "target": [VALVE],
            "alarm_id": [one.id for one in alarms if one.asset in mine],
            "device_id": [ident for ident, seen in devices.items() if seen and seen <= mine],
            "command_id": [row.id for row in rows if row.target in mine],
        }
        self.far = {
            "asset_id": [one.id for one in far],
            "target": [one.id for one in far],
            "alarm_id": [one.id for one in alarms if one.asset not in mine],
            "device_id": sorted(closed),
            "command_id": [row.id for row in rows if row.target not in mine],
        }
        known = {ident for some in self.far.values() for ident in some}
        parts = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
        self.marked = re.compile(rf"{MARK}|(?<![\w-])(?:{parts})(?![\w-])|{VALUE}|7.313,73")

    def tell(self, events: list[Event]) -> None:
        """To the one page that listens, from the loop that it runs on."""
        live = self.town.services.live
        until(lambda: any(one._queue._loop for one in live._pages))  # type: ignore[attr-defined]
        (page,) = live._pages
        for event in events:
            page._queue._loop.call_soon_threadsafe(live.tell, event)  # type: ignore[attr-defined]

    def told(self, answer: httpx.Response) -> list[str]:
        """What of others is in an answer, beside what was asked with."""
        asked = set(self.marked.findall(str(answer.request.url)))
        where = repr(answer.headers.raw)
        return [one for one in self.marked.findall(answer.text + where) if one not in asked]

    def paths(self, pattern: str, held: dict[str, list[str]]) -> list[str]:
        """Of a route with each id in turn; "x" for parameters that name nothing of an asset."""
        found = [pattern]
        for name, idents in held.items():
            found = [
                path.replace(f"{{{name}}}", ident) for path in found
                for ident in (idents[:2] if f"{{{name}}}" in path else ["-"])
            ]  # fmt: skip
        return [re.sub(r"\{[^}]*\}", "comment", path) for path in found]


def entered(town: World, role: str, organisation: str) -> httpx.Client:
    """An account of its own for each role and body."""
    user = User(f"u-{role}-{len(organisation)}", f"{role} {organisation}", role,
                organisation=organisation)  # fmt: skip
    town.services.store.people.put_user(user)
    token = sessions.start(town.services, user)
    opened = client(town, **{"x-csrf-token": sessions.csrf_of(token)})
    opened.cookies.set(sessions.COOKIE, token)
    return opened


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with world(tmp_path_factory.mktemp("bodies"), commands=True) as made:
        yield Case(made)


@pytest.fixture(scope="module", params=ROLES)
def body(case: Case, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with closing(entered(case.town, request.param, BODY)) as opened:
        opened.timeout = httpx.Timeout(20)
        yield opened


def test_there_is_something_of_both(case: Case) -> None:
    """Else the rest would prove nothing."""
    assert all(case.own.values()), case.own
    assert all(case.far.values()), {name: len(some) for name, some in case.far.items()}
    with closing(entered(case.town, "admin", "commune")) as chief:
        for path in ("/list", "/api/map", "/api/assets", "/devices", "/commands", "/api/commands"):
            assert case.told(chief.get(path)), path


QUERY = ("asset", "target", "domain", "q", "prop", "after", "bbox", "start_ms", "end_ms", "state",
         "view", "service", "action", "level", "status")  # fmt: skip


def test_every_route_with_ids_of_ones_own_and_of_others(case: Case) -> None:
    """As the highest role: the table of the policies says that the others may less."""
    with closing(entered(case.town, "admin", BODY)) as body:
        _walk(case, body)


def _walk(case: Case, body: httpx.Client) -> None:
    opened = 0
    for method, pattern, _ in sorted(declared(case.town)):
        if pattern in END or pattern == "/events":
            continue
        far = any(f"{{{name}}}" in pattern for name in scope.THINGS)
        for held in (case.own, case.far):
            if method != "GET" and held is case.own:
                continue  # acts on one's own are the commune's rules, tested elsewhere
            for path in case.paths(pattern, held):
                answer = body.request(method, path)
                assert case.told(answer) == [], (method, path)
                opened += answer.status_code == 200
                if far and held is case.far:
                    assert answer.status_code in (403, 404), (method, path, answer.status_code)
    assert opened > 20


def test_the_map_is_as_wide_as_what_is_ones_own(case: Case) -> None:
    """The frame of the map would tell where others' assets stand."""
    store = case.town.services.store.assets
    mine = [one for one in store.assets() if one.id in case.mine]
    lon, lat = [one.lon for one in mine], [one.lat for one in mine]
    with closing(entered(case.town, "reader", BODY)) as opened:
        found = opened.get("/api/map").json()
    assert found["bounds"] == [min(lon), min(lat), max(lon), max(lat)]
    assert (found["count"], found["grouped"]) == (len(mine), False)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_search_finds_another_ones_asset(case: Case, data: st.DataObject) -> None:
    """Lists with what a search box, a filter or a guess may hold."""
    lists = [p for m, p, _ in declared(case.town) if m == "GET" and p in scope.LISTS]
    path = data.draw(st.sampled_from([p for p in sorted(lists) if p != "/events"]))
    words = st.one_of(
        st.sampled_from([MARK, MARK[:4], "", "water", "lighting", "closed", "all", "final", "mine",
                         "grave", "ok", "-180,-90,180,90", "0", "9999999999999"]),
        st.sampled_from([ident for some in case.far.values() for ident in some]),
        st.text(max_size=6),
    )  # fmt: skip
    asked = data.draw(st.dictionaries(st.sampled_from(QUERY), words, max_size=3))
    with closing(entered(case.town, "operator", BODY)) as opened:
        answer = opened.get(path, params=asked)
        # What was typed stays in its field; nothing else of others is there.
        typed = set(asked.values())
        assert [one for one in case.told(answer) if one not in typed] == [], (path, asked)


def test_the_stream_tells_of_ones_own_only(case: Case) -> None:
    services, far = case.town.services, case.far["asset_id"][0]
    own = case.own["asset_id"][0]
    with (
        closing(entered(case.town, "reader", BODY)) as opened,
        opened.stream("GET", "/events") as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        now = services.clock.now_ms() + 1000
        told = [
            Event("readings", {far: {"x": Value(now, VALUE, 0)}}),
            Event("readings", {far: {"x": Value(now, VALUE, 0)}, own: {"x": Value(now, 1, 0)}}),
            Event("alarm", {"asset": far, "id": "a-far"}),
            Event("alarm", {"asset": "", "id": "a-far"}),
            Event("alarm", {"asset": own, "id": "a-own"}),
            Event("command", {"target": far, "id": "c-far", "state": "sent"}),
            Event("command", {"target": own, "id": "c-own", "state": "sent"}),
            Event("inventory", {"device": case.far["device_id"][0]}),
            Event("later-kind", {"asset": own}),
            Event("resync", {"asset": far}),
        ]
        case.tell(told)
        heard = []
        for line in lines:
            heard.append(line)
            if line == "event: resync":
                break
        heard.append(next(lines))
    text = "\n".join(heard)
    assert case.marked.search(text) is None, text
    assert "a-far" not in text
    assert "later-kind" not in text
    assert [line for line in heard if line.startswith("event")] == [
        "event: readings", "event: alarm", "event: command", "event: inventory", "event: resync",
    ]  # fmt: skip
    assert json.loads(heard[heard.index("event: readings") + 1][6:]) == {own: {"x": [now, 1, 0]}}


class Shown(HTMLParser):
    """The links and forms of a page: (method, where, fields)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.leads: list[tuple[str, str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in had:
            self.leads.append(("GET", had["href"], {}))
        if tag == "form":
            self.leads.append((had.get("method", "get").upper(), had["action"], {}))
        if "data-options" in had:
            self.leads.append((OPTIONS[had["data-passkey"]], had["data-options"], {}))
        if tag in ("input", "select", "textarea", "button") and had.get("name") and self.leads:
            self.leads[-1][2].setdefault(had["name"], had.get("value", ""))


NO_KEY = "passkey_wrong"  # what a form says that no authenticator has filled
OPTIONS = {"get": "GET", "create": "POST"}  # how `web/src/passkey.ts` asks for them


def test_whatever_is_shown_leads_somewhere(case: Case, body: httpx.Client) -> None:
    """Every link and form from the first page on: none is refused, none leads to nothing."""
    waiting: list[tuple[str, str, dict[str, str]]] = [("GET", "/", {}), ("GET", "/account", {})]
    known: set[tuple[str, str]] = set()
    pages = acts = 0
    while waiting:
        method, where, fields = waiting.pop(0)
        parts = urlsplit(where)
        if parts.netloc or not where.startswith("/") or parts.path in END:
            continue
        key = (
            method,
            parts._replace(fragment="").geturl() + (urlencode(fields) * (method == "GET")),
        )
        if key in known:
            continue
        known.add(key)
        query = dict(parse_qsl(parts.query)) | (fields if method == "GET" else {})
        data = fields if method == "POST" else None
        answer = body.request(method, parts.path, params=query, data=data)
        refused = answer.status_code in (401, 403, 404, 405) and NO_KEY not in answer.text
        assert not refused, (method, where, answer.text[:300])
        assert case.told(answer) == [], (method, where)
        pages, acts = pages + (method == "GET"), acts + (method == "POST")
        if answer.is_redirect:
            waiting.append(("GET", urljoin(where, answer.headers["location"]), {}))
        elif "text/html" in answer.headers.get("content-type", ""):
            waiting += Shown(answer.text).leads
    assert pages > 15, known
    assert acts > 1
    assert {"/alarms", "/list", "/devices", "/devices/capteur-a-eux", "/commands"} <= {
        where for _, where in known
    }
