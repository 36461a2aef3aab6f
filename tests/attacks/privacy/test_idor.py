"""W4: other people's ids, on every route that takes one, by nobody and by each role.

The oracle is the table below, written by hand and by nothing in the program: who may, at the least.
A route that is not in it fails the test, so a new one is looked at before it is let in. Beneath the
least role nothing is answered and nothing changes; what only its owner may have reaches nobody.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from sqlalchemy import select
from tests.api.test_access import PASSPHRASE, client, signed_in
from tests.api.test_reports import jpeg, newest, send
from tests.ui.world import World, world

from beffroi.adapters.sql import schema
from beffroi.api import accounts, own_data, second_factor, sessions
from beffroi.api.report_gate import Gate
from beffroi.hub.privacy.bulk import By

LEAST = {
    "public": """
        GET /alerts/{identifier}.xml          POST /links/{link}/{source}
        GET /open311/v2/discovery.{fmt}       GET /open311/v2/services.{fmt}
        GET /open311/v2/services/{code}.{fmt} GET /open311/v2/requests.{fmt}
        GET /open311/v2/requests/{request_id}.{fmt}  POST /open311/v2/requests.{fmt}
        GET /open-data/catalog.{form}         GET /open-data/{name}.{form}  GET /open-data/{name}
        GET /consultations/{ident}            GET /consultations/{ident}/count.json
        POST /consultations/{ident}/vote      POST /consultations/{ident}/find
        GET /experiments/{ident}              GET /experiments/{ident}/file.json
        GET /welcome/{token}                  POST /welcome/{token}
        GET /invitation/{token}               POST /invitation/{token}
        GET /code/{code}                      GET /results/{ident}
        POST /signaler/{report_id}/confirm    GET /suivi/{secret}
        POST /suivi/{secret}/add              POST /suivi/{secret}/withdraw
        GET /signalements/{report_id}         GET /signalements/{report_id}/photo.jpg
    """,
    "reader": """
        GET /api/assets/{asset_id}            GET /api/assets/{asset_id}/series
        GET /api/assets/{asset_id}/hours      GET /api/alarms/{alarm_id}
        GET /api/indicators/{ident}           GET /api/devices/{device_id}
        GET /api/devices/{device_id}/arrival  GET /api/commands/{command_id}
        GET /api/plans/{plan_id}              GET /api/reports/{report_id}
        GET /assets/{asset_id}                GET /assets/{asset_id}/card
        GET /incidents/{case_id}              GET /alarms/{alarm_id}
        GET /commands/{command_id}            GET /plans/{plan_id}
        GET /trust/{target}                   GET /devices/{device_id}
        GET /indicators/{ident}               GET /reports/{report_id}
        GET /town-hall/experiments/{ident}
    """,
    "operator": """
        POST /api/alarms/{alarm_id}/{action}  PUT /api/devices/{device_id}/upkeep
        POST /api/devices/{device_id}/invite  POST /api/devices/{device_id}/bundle
        POST /api/devices/{device_id}/revoke  POST /api/commands/{command_id}/cancel
        GET /api/commands/{command_id}/passkey    POST /api/commands/{command_id}/passkey
        GET /api/commands/{command_id}/request    POST /api/commands/{command_id}/signature
        POST /api/plans/{plan_id}/run         DELETE /api/passkeys/{passkey_id}
        GET /api/reports/{report_id}/sent     POST /api/reports/{report_id}/{action}
        GET /assets/{asset_id}/extract        GET /assets/{asset_id}/extract.pdf
        POST /incidents/{case_id}/{action}    POST /alarms/{alarm_id}/{action}
        POST /alerts/{key}/refuse             POST /commands/{command_id}/cancel
        POST /commands/{command_id}/passkey   POST /commands/{command_id}/signature
        GET /commands/{command_id}/evidence   GET /act/{target}  POST /act/{target}
        POST /plans/{plan_id}/run             POST /devices/{device_id}/upkeep
        POST /devices/{device_id}/files       POST /devices/{device_id}/revoke
        GET /add/wait/{device_id}             GET /add/wait/{device_id}/state
        GET /reports/{report_id}/photo.jpg    POST /reports/{report_id}/{action}
    """,
    "admin": """
        DELETE /api/assets/{asset_id}         DELETE /api/sources/{name}
        PUT /api/people/{user_id}             POST /api/people/{user_id}/erase
        GET /api/privacy/people/{subject}     POST /api/privacy/exports/{request_id}/confirm
        POST /api/privacy/exports/{request_id}/take  POST /api/plans/{plan_id}/stop
        PUT /api/persons/{user_id}            POST /api/lab/attacks/{name}
        GET /api/lab/attacks/{name}/proof     POST /api/open-data/{name}/{action}
        GET /dossier/{job_id}.pdf             GET /registers/{book}  POST /registers/{book}
        POST /registers/{book}/{record}/erase GET /plans/{plan_id}/edit
        POST /plans/{plan_id}/stop            POST /trust/persons/{user_id}
        POST /data/codecs/{sha256}/remove     POST /data/webhooks/{name}/delete
        POST /people/delegations/{ident}/{action}    POST /people/{user_id}/active
        POST /people/{user_id}/second-factor-off     POST /lab/attacks/{name}
        POST /privacy/exports/{request_id}/confirm   POST /privacy/exports/{request_id}/take
        POST /people/{user_id}/erase          POST /data/open/{name}
        POST /town-hall/consultations/{ident}/{action}
        POST /town-hall/experiments/{ident}/{action}
    """,
}
RANK = ("public", "reader", "operator", "admin")
TABLE = {
    pair: role
    for role, text in LEAST.items()
    for pair in re.findall(r"(GET|POST|PUT|DELETE) (/\S+)", text)
}
WORDS, MAIL, NAME = "Mots de Wilhelmine Oststrasse", "wilhelmine.o@exemple.fr", "Wilhelmine"
STILL = (
    "person", "report", "report_event", "report_photo", "asset", "device", "link", "alarm",
    "alarm_event", "setting", "register", "consultation", "codec", "command", "passkey",
)  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("others")) as made:
        made.app.state.report_gate = Gate(
            each=9**9, of_all=9**9, before_question=9**9, form_s_min=0
        )
        yield made


def parameterised(town: World) -> list[tuple[str, str]]:
    found = []

    def walk(listed: list[object]) -> None:
        for route in listed:
            path = getattr(route, "path", "")
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                if "{" in path and method != "HEAD":
                    found.append((method, path))
            walk(getattr(getattr(route, "original_router", route), "routes", None) or [])

    walk(list(town.app.routes))
    return list(dict.fromkeys(found))


class Victims:
    """One of everything that somebody else owns, and the bytes that only they may have."""

    def __init__(self, town: World) -> None:
        services, now = town.services, town.services.clock.now_ms()
        with closing(signed_in(town, "admin")):
            chief = accounts.by_name(services.store.people, "Chef")
        with client(town) as stranger:
            answer = send(town, stranger, jpeg(), text=WORDS, email=MAIL, topic="lamp")
        self.secret = re.search(r"/suivi/([^?/#]+)", answer.headers["location"])[1]
        self.report = newest(town)
        self.user = chief
        self.subject = self.report.subject
        own_data.subject_for(services, chief.id)
        self.seed = second_factor.begin(services, chief)
        self.invitation = accounts.invite(services, "admin", chief).rpartition("/")[2]
        asked = services.privacy.bulk.ask("reports", "pour l’essai de ce jour", By(chief.id), now)
        alarm = services.desk.open()[0]
        device = services.store.assets.devices(limit=1)[0].id
        self.ids = {
            "asset_id": alarm.asset, "alarm_id": alarm.id, "device_id": device,
            "report_id": self.report.id, "request_id": asked.id, "user_id": chief.id,
            "subject": self.subject, "secret": secrets.token_urlsafe(32), "fmt": "json",
            "form": "json", "code": "lamp", "link": "http", "source": "x", "name": "reports",
            "token": secrets.token_urlsafe(32), "action": "accept", "book": "risk",
        }  # fmt: skip
        self.private = [WORDS, MAIL, self.secret, self.seed, self.invitation, chief.password_hash]

    def path(self, template: str) -> str:
        if template.startswith("/open311/v2/requests/"):
            return template.format(request_id=self.report.id, fmt="json")
        named = re.findall(r"{(\w+)}", template)
        return template.format(**{one: self.ids.get(one, "x") for one in named})


@pytest.fixture(scope="module")
def victims(town: World) -> Victims:
    return Victims(town)


def state(town: World) -> str:
    """Everything that somebody could have changed."""
    seen = hashlib.sha256()
    with town.services.store.database.read() as conn:
        for name in STILL:
            if name in schema.metadata.tables:
                table = schema.metadata.tables[name]
                rows = conn.execute(select(table).order_by(*table.primary_key.columns)).all()
                seen.update(repr([tuple(row) for row in rows]).encode())
    vault = town.services.privacy.vault
    seen.update(repr([(one.subjects, one.fields) for one in vault.held()]).encode())
    return seen.hexdigest()


def actor(town: World, role: str) -> httpx.Client:
    if role == "public":
        return client(town, accept="application/json")
    made = signed_in(town, role)
    token = next(c.value for c in made.cookies.jar if c.name == sessions.COOKIE)
    made.headers.update(
        {"x-csrf-token": sessions.csrf_of(token or ""), "accept": "application/json"}
    )
    return made


def test_every_route_with_an_id_was_looked_at(town: World) -> None:
    found = set(parameterised(town))
    assert found - TABLE.keys() == set(), "say in the table who may, at the least"
    assert len(found) > 80


@pytest.mark.parametrize("role", RANK[:3])
def test_beneath_the_least_role_nothing_is_told_or_changed(
    town: World, victims: Victims, role: str
) -> None:
    with closing(actor(town, role)) as stranger:
        before = state(town)
        tried = 0
        for method, template in parameterised(town):
            least = TABLE.get((method, template), "public")
            if RANK.index(least) <= RANK.index(role):
                continue
            answer = stranger.request(method, victims.path(template))
            door = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            assert answer.status_code in (401, 403) or door, (method, template, answer.status_code)
            told = [one for one in victims.private if one in answer.text]
            assert told == [], (method, template)
            tried += 1
        assert tried > 10
        assert state(town) == before


@pytest.mark.parametrize("role", RANK)
def test_what_one_may_read_tells_nothing_that_is_another_persons(
    town: World, victims: Victims, role: str
) -> None:
    """Words and address of a report before it is moderated: operators, and who has its link."""
    hidden = victims.private if role in ("public", "reader") else victims.private[2:]
    with closing(actor(town, role)) as stranger:
        for method, template in parameterised(town):
            least = TABLE.get((method, template), "public")
            if method != "GET" or RANK.index(least) > RANK.index(role):
                continue
            if template == "/api/privacy/people/{subject}":
                continue  # an administrator's answer to the person's own request; it is counted
            answer = stranger.get(victims.path(template))
            told = [one for one in hidden if one.encode() in answer.content]
            assert told == [], (template, role)
            if role in ("public", "reader") and template.endswith("photo.jpg"):
                assert answer.status_code in (403, 404), template


def test_a_secret_is_not_replaced_by_what_is_known(town: World, victims: Victims) -> None:
    """Ids, hashes and pieces of a secret open nothing; nor does somebody else's secret."""
    known = [victims.report.id, victims.subject, sessions.hashed(victims.secret)]
    known += [victims.secret[:-1], victims.secret.swapcase(), victims.secret + "A"]
    with client(town) as stranger:
        before = state(town)
        for one in known:
            assert stranger.get(f"/suivi/{one}").status_code in (404, 410), one
            for act in ("add", "withdraw"):
                answer = stranger.post(f"/suivi/{one}/{act}", data={"text": "x"})
                assert answer.status_code in (403, 404, 410), (one, act)
            assert stranger.post(f"/invitation/{one}", data={
                "name": "Intrus", "passphrase": PASSPHRASE}).status_code == 410  # fmt: skip
        assert state(town) == before
        followed = stranger.get(f"/suivi/{victims.secret}")  # and it does open
        assert (followed.status_code, victims.report.id in followed.text) == (200, True)
    with closing(actor(town, "operator")) as agent:  # the words are there to be found
        assert WORDS in agent.get(f"/api/reports/{victims.report.id}/sent").text


def test_equals_do_not_own_each_others_things(town: World, victims: Victims) -> None:
    """Of the same role: an export that another asked for, one's own erasure in another's name."""
    with ExitStack() as open_:
        admin = open_.enter_context(closing(actor(town, "admin")))
        taken = admin.post(f"/api/privacy/exports/{victims.ids['request_id']}/take")
        assert (taken.status_code, MAIL in taken.text) == (409, False)
        mine = admin.get("/api/me/data").json()
        assert mine["account"]["id"] != victims.user.id
        assert victims.user.id not in admin.get("/api/me/data.zip").text
        erased = admin.post("/api/me/erase", json={"passphrase": "faux"})
        assert erased.status_code == 403
    assert town.services.store.people.user(victims.user.id).active
