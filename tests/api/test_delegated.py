"""A delegated competence from its decision to its end: who is in charge, what the token reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.ui.world import PASSPHRASE, World, world

from beffroi.api import accounts, sessions
from beffroi.api.tries import Tries
from beffroi.domains.base import Terms
from beffroi.hub.delegations import PREFIX, Delegations, hashed
from beffroi.hub.dossier.registers import RegisterError

BODY = "Syndicat des eaux"
FORM = {
    "domain": "water", "organisation": BODY, "act": "2026-11-3", "decided": "2026-11-01",
    "begins": "2026-11-02", "ends": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("delegated")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(town: World) -> Iterator[httpx.Client]:
    path = accounts.first_link(town.services) or ""
    user = accounts.accept(town.services, "first", path.rpartition("/")[2], "Chef", PASSPHRASE)
    token = sessions.start(town.services, user)
    headers = {"origin": town.url, "x-csrf-token": sessions.csrf_of(token)}
    with httpx.Client(
        base_url=town.url, headers=headers, cookies={sessions.COOKIE: token}
    ) as client:
        yield client


def desk(town: World) -> Delegations:
    office = town.services.office
    assert office is not None
    return Delegations(office.registers, town.services.store.assets, town.services.clock)


def in_charge(town: World, domain: str = "water") -> set[str]:
    return {one.authority for one in town.services.store.assets.assets(domain)}


def read(town: World, token: str) -> httpx.Response:
    headers = {b"authorization": f"Bearer {token}".encode(), b"accept": b"application/json"}
    return httpx.get(town.url + "/api/delegated", headers=headers)


def issued(admin: httpx.Client, ident: str) -> str:
    answer = admin.post(f"/people/delegations/{ident}/token")
    found = re.search(PREFIX + r"[\w-]{43}", answer.text)
    assert found, answer.text
    return found[0]


def test_from_decision_to_end(town: World, admin: httpx.Client) -> None:
    lamps = in_charge(town, "lighting")
    assert admin.post("/people/delegations", data=FORM).status_code == 303
    assert in_charge(town) == {BODY}
    valve = town.services.store.assets.asset("valve-1")
    assert valve is not None
    proposed = town.services.domains["water"].envelope(valve, Terms("c", "g", 1, 0, 0))
    assert proposed is not None
    assert proposed.authority == "syndicat-des-eaux"  # the rules that the root is asked to sign
    assert in_charge(town, "lighting") == lamps
    again = admin.post("/people/delegations", data=FORM | {"act": "autre"})
    assert again.status_code == 409
    assert "autre" in again.text  # what was typed is kept
    (one,) = [each for each in desk(town).all() if not each.ended_ms]
    token = issued(admin, one.id)
    told = read(town, token).json()
    assert (told["organisation"], told["domain"]) == (BODY, "water")
    assert told["count"] == len(told["alarms"]) > 0
    ours = {a.id for a in town.services.desk.open() if a.domain == "water"}
    assert {alarm["id"] for alarm in told["alarms"]} <= ours
    assert told["undecided"] == sum(
        alarm["severity"] == "grave" and not alarm["decided"] for alarm in told["alarms"]
    )
    assert admin.post(f"/people/delegations/{one.id}/end", data={"why": ""}).status_code == 409
    assert admin.post(f"/people/delegations/{one.id}/end", data={"why": "fin"}).status_code == 303
    assert in_charge(town) == {"commune"}
    assert read(town, token).status_code == 401
    page = admin.get("/people/delegations").text
    assert BODY in page  # ended ones stay visible


def test_every_change_is_in_the_evidence_log(town: World, admin: httpx.Client) -> None:
    made = desk(town).grant("boards", "Agglo", "D-1", "2026-01-01", 1, 0, "u-1")
    token = desk(town).issue(made.id, "u-1")
    desk(town).revoke(made.id, "u-1")
    desk(town).end(made.id, "fin", "u-1")
    (one,) = [each for each in desk(town).all() if each.id == made.id]
    assert [line.what for line in one.lines] == ["granted", "token", "token_revoked", "ended"]
    assert all(line.entry >= 0 for line in one.lines)
    assert token not in repr(one.lines)
    assert hashed(token) in repr(one.lines)


def test_a_replaced_or_revoked_token_is_worth_nothing(town: World, admin: httpx.Client) -> None:
    made = desk(town).grant("boards", "Agglo", "D-2", "2026-01-01", 1, 0, "u-1")
    first = issued(admin, made.id)
    second = issued(admin, made.id)
    assert (read(town, first).status_code, read(town, second).status_code) == (401, 200)
    assert admin.post(f"/people/delegations/{made.id}/revoke").status_code == 303
    assert read(town, second).status_code == 401
    desk(town).end(made.id, "fin", "u-1")
    with pytest.raises(RegisterError):
        desk(town).issue(made.id, "u-1")


def test_what_is_not_a_token_gets_one_answer(town: World) -> None:
    given = ["x", PREFIX, "Bearer", PREFIX + "A" * 43, "é" * 40, "a" * 6_000]
    answers = {read(town, token).text for token in given}
    assert len(answers) == 1
    assert httpx.get(town.url + "/api/delegated").status_code == 401


def test_the_token_opens_no_other_route(town: World, admin: httpx.Client) -> None:
    made = desk(town).grant("boards", "Agglo", "D-3", "2026-01-01", 1, 0, "u-1")
    headers = {"authorization": f"Bearer {issued(admin, made.id)}", "accept": "application/json"}
    for path in ("/api/me", "/api/alarms", "/api/assets", "/api/people", "/api/commands"):
        assert httpx.get(town.url + path, headers=headers).status_code == 401, path
    desk(town).end(made.id, "fin", "u-1")


def test_guessing_is_slow(town: World) -> None:
    town.app.state.delegated_tries = Tries(5)
    assert [read(town, "x").status_code for _ in range(6)] == [401] * 5 + [429]
