"""Alerts over real HTTP: feed, files and their limits; the operators’ page and its no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from tests.api.test_access import client, signed_in
from tests.ui.world import World, world

from beffroi.adapters.cap.atom import ATOM
from beffroi.adapters.cap.inbox import Inbox
from beffroi.adapters.cap.outbox import OwnAlerts
from beffroi.adapters.cap.signature import Authority, verified
from beffroi.api.tries import Tries
from beffroi.domains.base import Shown
from beffroi.domains.boards.announce import announce
from beffroi.evidence.entry import Draft
from beffroi.hub.advice import REFUSED, Advisor
from beffroi.hub.announcer import Announcer
from beffroi.model.asset import Asset
from beffroi.model.cap import Alert, Area, Info

BOARD = Asset("board-1", "boards", "board", "Mairie", 5.36, 43.76, attrs={"places": ["MAIRIE"]})
SENDER, METEO = "beffroi/essai", "meteo.example"
STORM = {"template": "alerte_orage", "minutes": 20}
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("alerts")
    with world(home / "town", seeded=False) as made:
        services = made.services
        services.store.assets.put_assets([BOARD])
        now_ms = services.clock.now_ms()
        out = OwnAlerts(home / "own", SENDER)
        for n, action in enumerate(("alert", "blank")):
            done = [Shown("alert", STORM, bytes(32), now_ms)]
            done += [Shown("blank", {}, bytes([n]) * 32, now_ms + 60_000)] if n else []
            for one in announce(BOARD, done, SENDER, "Essai"):
                if not out.has(one.identifier):
                    out.put(one.identifier, out.sign(one, now_ms))
            del action
        nothing: Any = None
        hands = services.store.assets, services.domains
        made.app.state.announcer = Announcer(
            out, nothing, *hands, lambda _: None, services.clock, SENDER
        )
        made.app.state.advisor = advisor_of(made, home / "alerts")
        made.app.state.said = said = []
        made.app.state.advisor._record = said.extend
        yield made


def advisor_of(made: World, folder: Path) -> Advisor:
    """With an alert of a weather office in force, and one file that nobody listed has signed."""
    services, now_ms = made.services, made.services.clock.now_ms()
    office = OwnAlerts(folder.parent / "office", METEO)
    Inbox(folder)
    listed = folder / "authorities" / "meteo"
    listed.mkdir()
    (listed / "sender").write_text(METEO)
    (listed / "c.pem").write_bytes(office.certificate(now_ms))
    here = Area("Commune", circles=(((43.76, 5.36), 5.0),))
    info = Info(
        ("Met",), "Orage", "Immediate", "Severe", "Observed", "fr-FR",
        expires_ms=now_ms + 3_600_000, headline=f"Orage violent {XSS}", areas=(here,),
    )  # fmt: skip
    alert = Alert("a-1", METEO, now_ms - 1_000, "Actual", "Alert", "Public", infos=(info,))
    (folder / "in" / "one.xml").write_bytes(office.sign(alert, now_ms))
    (folder / "in" / "evil.xml").write_bytes(b"<alert/>")
    hands = services.store.assets, services.domains, lambda _: None, services.clock
    advisor = Advisor(Inbox(folder), *hands, services.store.people)
    advisor.turn()
    return advisor


def test_anybody_fetches_the_feed_and_verifies_each_file(town: World) -> None:
    anybody = httpx.Client(base_url=town.url)
    feed = anybody.get("/alerts/feed")
    assert (feed.status_code, feed.headers["content-type"]) == (200, "application/atom+xml")
    assert "max-age=15" in feed.headers["cache-control"]
    again = anybody.get("/alerts/feed", headers={"if-none-match": feed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    pem = anybody.get("/alerts/certificate.pem").content
    links = etree.fromstring(feed.content).findall(f"{{{ATOM}}}entry/{{{ATOM}}}link")
    kinds = []
    for link in links:
        answer = anybody.get(link.get("href", ""))
        assert answer.headers["content-type"] == "application/cap+xml"
        assert "immutable" in answer.headers["cache-control"]
        us = [Authority(SENDER, (pem,))]
        kinds.append(verified(answer.content, us, town.services.clock.now_ms()).msg_type)
    assert kinds == ["Cancel", "Alert"]


@pytest.mark.parametrize("name", ["f" * 64, "..%2f..%2fown%2fkey", "x" * 81, "%00"])
def test_there_is_nothing_else(town: World, name: str) -> None:
    assert httpx.get(f"{town.url}/alerts/{name}.xml").status_code in (404, 422)


def test_who_asks_too_often_waits(town: World) -> None:
    kept, town.app.state.alert_tries = town.app.state.alert_tries, Tries(2)
    codes = [httpx.get(f"{town.url}/alerts/feed").status_code for _ in range(3)]
    town.app.state.alert_tries = kept
    assert codes == [200, 200, 429]


def test_the_page_is_for_operators_and_shows_texts_as_texts(town: World) -> None:
    assert client(town).get("/alerts").status_code == 401
    assert signed_in(town, "reader").get("/alerts").status_code == 403
    page = signed_in(town, "operator").get("/alerts").text
    assert XSS not in page
    assert "Orage violent &lt;img" in page
    assert METEO in page
    assert "evil.xml" in page
    assert "/act/board-1?action=alert&amp;p_" in page


def test_a_no_needs_a_reason_a_token_and_is_logged_once(town: World) -> None:
    operator = signed_in(town, "operator")
    page = operator.get("/alerts").text
    (path,) = set(re.findall(r'action="(/alerts/[0-9a-f]+/refuse)"', page))
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)
    assert csrf
    token = {"csrf": csrf[1]}
    assert operator.post(path, data={"reason": "pas ici"}).status_code == 403
    assert operator.post(path, data={**token, "reason": "  "}).status_code == 422
    assert operator.post(path, data={**token, "reason": "x" * 301}).status_code == 422
    unknown = operator.post("/alerts/0123/refuse", data={**token, "reason": "pas ici"})
    assert unknown.status_code == 404
    assert town.app.state.said == []
    answer = operator.post(path, data={**token, "reason": f"pas ici {XSS}"})
    assert answer.status_code == 303
    (draft,) = town.app.state.said
    assert isinstance(draft, Draft)
    assert (draft.kind, dict(draft.refs)) == (REFUSED, {})
    page = operator.get("/alerts").text
    assert "pas ici &lt;img" in page
    assert "/act/board-1?" not in page
    folder = town.app.state.advisor._bulletins
    hands = town.services.store.assets, town.services.domains, lambda _: None, town.services.clock
    later = Advisor(folder, *hands, town.services.store.people)  # the hub was started again
    assert next(iter(later.turned_down.values())).reason.startswith("pas ici")
