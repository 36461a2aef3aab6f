"""The policies against a table written by hand: every route, role, body and thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from typing import Any

import httpx
import pytest
from tests.api.test_access import client
from tests.ui.world import World, world

from beffroi.api import accounts, policies, policy_table, sessions
from beffroi.api.access import PUBLIC, action_of, role_needed
from beffroi.api.policies import NO_POLICY, PolicyError, What, Who, ask, decide, load
from beffroi.api.scope import LISTS, kind_of
from beffroi.ports.store import User

BODY = "Syndicat des eaux du Val"
RANK = {"reader": 0, "operator": 1, "admin": 2}
ABROAD = {  # (subject, least role): (kind of thing, roles), for a body that is not the commune
    ("alarms", "reader"): ({"List", "own"}, {"reader", "operator", "admin"}),
    ("assets", "reader"): ({"List", "own"}, {"reader", "operator", "admin"}),
    ("commands", "reader"): ({"List", "own"}, {"reader", "operator", "admin"}),
    ("devices", "reader"): ({"List", "own"}, {"reader", "operator", "admin"}),
    ("map", "reader"): ({"List"}, {"reader", "operator", "admin"}),
    ("alarms", "operator"): ({"own"}, {"operator", "admin"}),
    ("commands", "operator"): ({"own"}, {"operator", "admin"}),
}
OPEN_ABROAD = ("account", "alarms", "assets", "commands", "devices", "map")
THINGS = {
    "Town": What(),
    "List": What("List"),
    "own": What("Thing", BODY, "water"),
    "other": What("Thing", "commune", "water"),
    "third": What("Thing", "EPCI", "water"),
    "unknown": What("Thing"),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("policies")) as made:
        yield made


def oracle(role: str, body: str, active: bool, subject: str, least: str, thing: str) -> bool:
    """Written without a look at the policies: what the commune has been promised."""
    if not active:
        return False
    if subject == "account" and least == "reader":
        return True
    if subject == "account" and least == "operator":  # passkeys of one's own
        return role in ("operator", "admin")
    if body == "commune":
        return role in RANK and RANK[role] >= RANK[least]
    kinds, roles = ABROAD.get((subject, least), (set(), set()))
    return bool(body) and thing in kinds and role in roles


def declared(town: World) -> set[tuple[str, str, str]]:
    """(method, path as declared, least role) of every route that is not public."""
    found: set[tuple[str, str, str]] = set()

    def walk(listed: Any) -> None:
        for route in listed:
            endpoint, path = getattr(route, "endpoint", None), getattr(route, "path", "")
            for method in getattr(route, "methods", None) or () if endpoint else ():
                least = role_needed(endpoint, method)
                if least != PUBLIC:
                    found.add((method, path, least))
            walk(getattr(getattr(route, "original_router", route), "routes", None) or [])

    walk(town.app.routes)
    return found


def test_every_route_role_body_and_thing(town: World) -> None:
    seen = declared(town)
    assert len(seen) > 150
    actions = {action_of(path, least) for _, path, least in seen}
    bodies = ("commune", BODY, "")
    for action in actions:
        subject, least = action.split(".")
        for role, body, active, (name, what) in product(
            (*RANK, "mayor"), bodies, (True, False), THINGS.items()
        ):
            if body == "" and name == "List":
                continue  # a body without a name sees the list and none of its lines
            got = ask(Who(role, body, active), action, what).allowed
            want = oracle(role, body, active, subject, least, name)
            assert got is want, (action, role, body, active, name)


def test_every_subject_is_of_the_schema_and_used(town: World) -> None:
    used = {action_of(path, least).partition(".")[0] for _, path, least in declared(town)}
    assert used <= set(policies.subjects())
    assert {path for _, path, _ in declared(town)} >= set(LISTS)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('Action::"exports"', 'Action::"exprots"'),
        ("principal.role", "principal.rloe"),
        ("resource.authority", "resource.autority"),
        ("unless { principal.active }", 'unless { principal.active == "yes" }'),
        ("forbid", "forbidd"),
    ],
)
def test_a_typo_stops_the_start(right: str, wrong: str) -> None:
    assert right in policies.text()
    with pytest.raises(PolicyError, match=r"policies\.cedar"):
        load(policies.text().replace(right, wrong), policies._file("policies.cedarschema"))


def test_the_policy_that_decided_is_named() -> None:
    closed = ask(Who("admin", "commune", False), "town.reader", What())
    assert closed == (False, "closed-accounts-do-nothing")
    assert ask(Who("reader", "commune", True), "people.admin", What()) == (False, NO_POLICY)
    abroad = ask(Who("admin", BODY, True), "privacy.admin", What())
    assert abroad == (False, "never-another-body")


def test_a_forbid_wins_over_a_permit_that_somebody_adds() -> None:
    wide = policies.text() + "\npermit (principal, action, resource);\n"
    held = load(wide, policies._file("policies.cedarschema"))
    who = Who("admin", BODY, True)
    assert decide(held, who, "town.reader", What()).allowed
    for subject in ("people", "privacy", "registers", "exports", "mayor", "incidents"):
        assert not decide(held, who, f"{subject}.reader", What()).allowed
    assert not decide(held, Who("admin", "commune", False), "town.reader", What()).allowed


def entered(town: World, role: str, body: str) -> httpx.Client:
    user = User(f"u-{role}", f"{role} du syndicat", role, organisation=body)
    town.services.store.people.put_user(user)
    token = sessions.start(town.services, user)
    headers = {"accept": "application/json", "x-csrf-token": sessions.csrf_of(token)}
    opened = client(town, **headers)
    opened.cookies.set(sessions.COOKIE, token)
    return opened


def test_another_body_over_http(town: World) -> None:
    """Lists, single things and acts: its own only; what is not its own looks like nothing."""
    store = town.services.store
    alarms = [one for one in town.services.desk.open() if one.asset]
    mine = alarms[0].asset
    foreign = next(one for one in alarms if one.asset != mine)
    asset = store.assets.asset(mine)
    assert asset is not None
    store.assets.put_assets([replace(asset, authority=BODY)])
    with closing(entered(town, "admin", BODY)) as body:
        assert [one["id"] for one in body.get("/api/assets").json()] == [mine]
        seen = body.get("/api/alarms").json()
        assert seen
        assert {one["asset"] for one in seen} == {mine}
        page = body.get("/alarms", headers={"accept": "text/html"})
        assert page.status_code == 200
        links = set(re.findall(r'href="/alarms/([^"?#]+)"', page.text))
        assert links <= {one.id for one in town.services.desk.open() if one.asset == mine}
        assert body.get(f"/alarms/{alarms[0].id}").status_code == 200
        act = body.post(f"/api/alarms/{alarms[0].id}/comment", json={"text": "Vu."})
        assert act.status_code == 200, act.text
        for there, nowhere in (
            (f"/api/assets/{foreign.asset}", "/api/assets/none"),
            (f"/assets/{foreign.asset}", "/assets/none"),
            (f"/api/alarms/{foreign.id}", "/api/alarms/none"),
        ):
            one, other = body.get(there), body.get(nowhere)
            assert one.status_code == other.status_code == 404
            assert one.json()["code"] == other.json()["code"]
        assert body.post(f"/api/alarms/{foreign.id}/comment", json={"text": "x"}).status_code == 404
        for method, path, least in sorted(declared(town)):
            subject = action_of(path, least).partition(".")[0]
            if subject in OPEN_ABROAD:
                continue
            answer = body.request(method, re.sub(r"\{[^}]*\}", "x", path))
            assert answer.status_code in (403, 404), (method, path, answer.status_code)


def test_a_refusal_is_in_the_access_log(town: World) -> None:
    with closing(entered(town, "reader", BODY)) as body:
        for _ in range(30):
            assert body.get("/api/people").status_code == 403
    with town.services.store.people._db.read() as conn:
        rows = conn.exec_driver_sql(
            "SELECT subject FROM access_log WHERE action = 'refused' AND actor = 'u-reader'"
        )
        mine = rows.scalars().all()
    assert set(mine) == {"people.admin never-another-body"}
    assert 0 < len(mine) <= 20


def test_an_invitation_names_the_body(town: World) -> None:
    chief = User("u-chief", "Cheffe", "admin")
    token = accounts.invite(town.services, "operator", chief, BODY).rpartition("/")[2]
    made = accounts.accept(town.services, "invite", token, "Ines Val", "quatre mots sans aucun")
    assert (made.role, made.organisation) == ("operator", BODY)
    assert not accounts.administers(replace(made, role="admin"))


def test_the_table_for_an_auditor_is_whole_and_true(town: World) -> None:
    """Held against the hand-written promises, not against the policies."""
    table = policy_table.lines(town.app.routes)
    assert {(one.method, one.path) for one in table} == {m[:2] for m in declared(town)}
    for one in table:
        subject, least = one.action.split(".")
        kind = kind_of(one.path)
        mine, foreign = ("own", "other") if kind == "Thing" else (kind, kind)
        roles = tuple(r for r in RANK if oracle(r, "commune", True, subject, least, foreign))
        assert one.roles == roles, one
        assert one.own is oracle("operator", BODY, True, subject, least, mine), one
        assert one.others is (
            kind == "Thing" and oracle("operator", BODY, True, subject, least, foreign)
        ), one


def test_every_rule_has_its_sentence() -> None:
    ids = re.findall(r'@id\("([^"]+)"\)', policies.text())
    assert [name for name, _ in policy_table.rules()] == ids
    assert set(policy_table.SENTENCES) == set(ids)


def test_the_table_is_for_administrators(town: World) -> None:
    for role, status in (("admin", 200), ("operator", 403)):
        with closing(entered(town, role, "commune")) as opened:
            for path in ("/people/policies", "/people/policies.csv"):
                assert opened.get(path, headers={"accept": "text/html"}).status_code == status
    with closing(entered(town, "admin", "commune")) as opened:
        rows = opened.get("/people/policies.csv").text.splitlines()
    assert len(rows) == 1 + len(declared(town))
    assert '"GET";"/people/policies.csv";"people.admin";"";"";"x";"";""' in rows
