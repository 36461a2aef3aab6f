"""Voting over real HTTP: from question to count, and the ways to abuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.ui.world import World, world

from beffroi.api.routes.consultations import Booth
from beffroi.evidence.entry import read_entry
from beffroi.hub.consultations import tally
from beffroi.hub.consultations.desk import Consultations
from beffroi.model.limits import VOTING_TRIES_PER_10_MIN_MAX

XSS = "<script>alert(1)</script>"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("vote"), seeded=False) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh_booth(town: World) -> None:
    town.app.state.booth = Booth(town.services)


def desk(town: World) -> Consultations:
    found: Consultations = town.app.state.booth.desk
    return found


def started(town: World, title: str = "Place du marché") -> tuple[str, list[str]]:
    now = town.services.clock.now_ms()
    one = desk(town).draft(title, XSS, ["Oui", XSS], now + DAY_MS, now)
    codes = desk(town).codes(one.id, 3)
    desk(town).open(one.id, now)
    return one.id, codes


def post(town: World, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
    sent = {"origin": town.url, "accept": "text/html", **headers}
    return httpx.post(f"{town.url}{path}", data=data, headers=sent)


def test_a_vote_its_receipt_and_the_count(town: World) -> None:
    ident, codes = started(town)
    data = {"code": codes[0], "choice": "0", "word": "coquelicot"}
    answer = post(town, f"/consultations/{ident}/vote", data)
    assert answer.status_code == 200
    receipt = re.search(r"<code>([A-Z0-9-]{26,})</code>", answer.text)
    assert receipt
    assert "no-store" in answer.headers["cache-control"]
    assert httpx.get(f"{town.url}/consultations/{ident}/count.json").status_code == 409
    again = post(town, f"/consultations/{ident}/vote", data)
    assert again.status_code == 409
    assert receipt[1] not in again.text
    desk(town).close(ident, town.services.clock.now_ms() + 2 * DAY_MS)
    body = httpx.get(f"{town.url}/consultations/{ident}/count.json").content
    assert all(one.holds for one in tally.verify(body))
    words = {"receipt": receipt[1], "word": "coquelicot"}
    assert "notice-ok" in post(town, f"/consultations/{ident}/find", words).text
    words["word"] = "autre"
    assert "notice-ok" not in post(town, f"/consultations/{ident}/find", words).text


def test_before_there_is_a_root_of_trust_the_log_vouches_too(town: World) -> None:
    """The evidence log is opened from the first day: an opening is in it like everything else."""
    assert town.services.dispatch is None
    ident, _ = started(town)
    one, log = desk(town).store.consultation(ident), town.services.journal
    assert one is not None
    assert log is not None
    assert one.origin == log.origin
    entry = read_entry(log.entry(one.opened))
    assert (entry.kind, entry.subject.hex()) == ("consultation.opened", one.promise)


def test_another_site_cannot_vote_for_anybody(town: World) -> None:
    ident, codes = started(town)
    data = {"code": codes[0], "choice": "0"}
    answer = post(town, f"/consultations/{ident}/vote", data, origin="https://evil.example")
    assert answer.status_code == 403
    assert httpx.post(f"{town.url}/consultations/{ident}/vote", data=data).status_code == 403
    assert desk(town).store.ballots(ident) == []


def test_words_of_a_consultation_are_inert(town: World) -> None:
    ident, _ = started(town, f"Titre {XSS}")
    for path in ("/consultations", f"/consultations/{ident}"):
        text = httpx.get(town.url + path, headers={"accept": "text/html"}).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_guessing_codes_is_slowed_and_never_told_apart(town: World) -> None:
    ident, codes = started(town)
    statuses = []
    for number in range(VOTING_TRIES_PER_10_MIN_MAX + 2):
        data = {"code": f"AAAA-BBBB-CCCC-{number:04d}", "choice": "0"}
        statuses.append(post(town, f"/consultations/{ident}/vote", data).status_code)
    assert statuses[:VOTING_TRIES_PER_10_MIN_MAX] == [409] * VOTING_TRIES_PER_10_MIN_MAX
    assert statuses[-2:] == [429, 429]
    data = {"code": codes[0], "choice": "0"}
    assert post(town, f"/consultations/{ident}/vote", data).status_code == 429
    assert desk(town).store.codes(ident).used == []


def test_a_draft_is_not_there_for_the_public(town: World) -> None:
    now = town.services.clock.now_ms()
    one = desk(town).draft("Secret", "", ["a", "b"], now + DAY_MS, now)
    for path in (f"/consultations/{one.id}", f"/consultations/{one.id}/count.json"):
        assert httpx.get(town.url + path).status_code == 404
    vote = post(town, f"/consultations/{one.id}/vote", {"code": "A", "choice": "0"})
    assert vote.status_code == 404
    listed = httpx.get(f"{town.url}/api/consultations").json()
    assert one.id not in {row["id"] for row in listed}
