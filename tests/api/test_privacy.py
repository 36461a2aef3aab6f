"""Personal data over HTTP: one's own, other people's, exports by two, and what erasing leaves."""

from __future__ import annotations

import base64
import io
import re
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.ui.world import PASSPHRASE, World, world

from beffroi.adapters.log.fsck import fsck
from beffroi.adapters.log.log import Log
from beffroi.adapters.notify.outbox import Outbox
from beffroi.api import accounts, command_views, second_factor, sessions
from beffroi.hub.privacy import bulk, egress
from beffroi.hub.privacy.keeper import Keeper
from beffroi.ports.notify import Notice
from beffroi.ports.store import User

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("privacy")


@pytest.fixture(scope="module")
def town(home: Path) -> Iterator[World]:
    with world(home, seeded=False) as made:
        path = accounts.first_link(made.services) or ""
        token = path.rpartition("/")[2]
        accounts.accept(made.services, accounts.FIRST, token, "Chef", PASSPHRASE)
        yield made


def keeper(town: World) -> Keeper:
    assert town.services.privacy is not None
    return town.services.privacy


def account(town: World, name: str, role: str) -> User:
    known = accounts.by_name(town.services.store.people, name)
    if known is not None:
        return known
    admin = accounts.by_name(town.services.store.people, "Chef")
    assert admin is not None
    token = accounts.invite(town.services, role, admin).rpartition("/")[2]
    return accounts.accept(town.services, accounts.INVITE, token, name, PASSPHRASE)


def session(town: World, user: User) -> httpx.Client:
    token = sessions.start(town.services, user)
    headers = {
        "origin": town.url,
        "x-csrf-token": sessions.csrf_of(token),
        "accept": "application/json",
    }
    return httpx.Client(base_url=town.url, headers=headers, cookies={sessions.COOKIE: token})


def inhabitant(town: World, **fields: str) -> str:
    vault, now = keeper(town).vault, town.services.clock.now_ms()
    subject = vault.subject("reports", now)
    for name, value in fields.items():
        vault.put(subject, "reports", name, value.encode(), now, now + 90 * DAY_MS)
    return subject


# --- erasure -------------------------------------------------------------------------------------
def forms(text: str) -> set[bytes]:
    """The ways in which a text may lie in a file."""
    found = set()
    for shape in {text, text.lower(), text.upper(), unicodedata.normalize("NFD", text)}:
        raw = shape.encode()
        found |= {raw, raw.hex().encode(), shape.encode("utf-16-le"), quote(shape).encode()}
        found.add(shape.encode("ascii", "backslashreplace"))
        for skip in range(3):  # base64 in each alignment, without its uncertain ends
            coded = base64.b64encode(b"\0" * skip + raw).strip(b"=")
            found.add(coded[(skip * 8 + 5) // 6 + 1 : -2])
    return {one for one in found if len(one) >= 6}


def hits(folder: Path, texts: list[str]) -> list[tuple[str, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "personal.sqlite" for path in files)
    wanted = {form for text in texts for form in forms(text)}
    return [
        (str(path.relative_to(folder)), form)
        for path in files
        for form in wanted
        if form in path.read_bytes()
    ]


def test_after_erasure_no_byte_of_the_person_is_left_and_the_log_verifies(
    town: World, home: Path
) -> None:
    chef, keep = account(town, "Chef", "admin"), keeper(town)
    log = Log(home / "own-evidence", "essai", seed=bytes(range(32)))
    before, keep.evidence = keep.evidence, log
    words = "lampadaire cassé devant chez Zénobie Quintrelle"
    mail, phone = "zenobie.quintrelle@exemple.fr", "0699887766"
    subject = inhabitant(town, email=mail, words=words, phone=phone)
    agent = account(town, "Ysoline Brackmard", "operator")
    people = town.services.store.people
    people.put_user(replace(agent, email="ysoline.brackmard@exemple.fr"))
    agent = people.user(agent.id) or agent
    command_views.put_person(town.services, agent.id, agent.name)  # as the roster names it
    second_factor.begin(town.services, agent)
    outbox = Outbox(home / "outbox.jsonl")
    now = town.services.clock.now_ms()
    outbox.send(Notice("", mail, "Votre signalement", words, "r-1", "answered", now))
    outbox.send(Notice(agent.id, agent.email, "Alarme", f"Pour {agent.name}", "a-1", "raised", now))
    outbox.send(Notice("u-other", "autre@exemple.fr", "Alarme", "Rien", "a-2", "raised", now))
    backup = home / "backups" / "one.sqlite"
    town.services.store.backup(str(backup))
    with session(town, chef) as admin:
        assert admin.get(f"/api/privacy/people/{subject}").json()["email"] == mail
        inhabitants, staff = [words, mail, phone], [agent.name, agent.email]
        assert hits(home, inhabitants)  # the outbox: the search finds what there is
        assert hits(home, staff)
        assert not [one for one, _ in hits(home, inhabitants) if "outbox" not in one]
        erased = admin.post("/api/privacy/erase", json={"subject": subject})
        assert erased.json() == {"fields": 3}
        assert admin.get(f"/api/privacy/people/{subject}").status_code == 404
        assert admin.post(f"/api/people/{agent.id}/erase").status_code == 204
    assert hits(home, inhabitants) == []  # backups included: their key was never in one
    left = hits(home, staff)
    assert {one for one, _ in left} <= {"backups/one.sqlite"}  # until its stated life ends
    assert "autre@exemple.fr" in (home / "outbox.jsonl").read_text()
    gone = people.user(agent.id)
    assert gone == User(agent.id, f"({agent.id})", "reader", active=False)
    log.close()
    keep.evidence = before
    assert fsck(home / "own-evidence").sound
    assert any(line.action == "erase" for line in keep.vault.accesses(20, subject=subject))


# --- one's own -----------------------------------------------------------------------------------
def test_a_person_sees_and_takes_their_own_data_and_nobody_else_s(town: World) -> None:
    one, other = account(town, "Nestor Vial", "reader"), account(town, "Maud Pons", "reader")
    second_factor.begin(town.services, one)
    command_views.put_person(town.services, one.id, "nestor")
    with session(town, one) as mine:
        found = mine.get("/api/me/data").json()
        assert found["person_in_roster"] == "nestor"
        assert found["account"]["name"] == "Nestor Vial"
        assert found["vault"]["secret.totp_new"] == "kept, not handed out"
        text = mine.get("/api/me/data").text
        assert one.password_hash not in text
        assert other.id not in text
        assert other.name not in text
        archive = zipfile.ZipFile(io.BytesIO(mine.get("/api/me/data.zip").content))
        assert archive.namelist() == ["LISEZMOI.txt", "donnees.json"]
        wrong = mine.post("/api/me/erase", json={"passphrase": "pas la bonne phrase"})
        assert wrong.status_code == 403
        assert mine.post("/api/me/erase", json={"passphrase": PASSPHRASE}).status_code == 204
        assert mine.get("/api/me").status_code == 401
    assert accounts.by_name(town.services.store.people, "Nestor Vial") is None
    assert command_views.person_of(town.services, one.id) == ""


def test_the_last_administrator_stays(town: World) -> None:
    with session(town, account(town, "Chef", "admin")) as admin:
        answer = admin.post("/api/me/erase", json={"passphrase": PASSPHRASE})
        others = [u for u in town.services.store.people.users() if u.role == "admin" and u.active]
        if len(others) == 1:
            assert answer.json()["code"] == "last_admin"


# --- other people's ------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["reader", "operator"])
def test_nobody_but_an_administrator_reads_or_erases_others(town: World, role: str) -> None:
    """W4: every route that takes an id of somebody, with an id that exists."""
    subject = inhabitant(town, email="iris@exemple.fr")
    victim, chef = account(town, "Victor Ima", "reader"), account(town, "Chef", "admin")
    with session(town, chef) as admin:
        ask = {"purpose": "reports", "why": "courrier aux riverains"}
        export = admin.post("/api/privacy/exports", json=ask).json()["id"]
    tries = [
        ("GET", f"/api/privacy/people/{subject}", None),
        ("POST", "/api/privacy/erase", {"subject": subject}),
        ("POST", "/privacy/erase", None),
        ("GET", "/api/privacy/accesses", None),
        ("GET", f"/api/privacy/accesses?subject={subject}", None),
        ("GET", "/privacy", None),
        ("GET", "/privacy/accesses", None),
        ("GET", "/api/privacy/exports", None),
        ("POST", "/api/privacy/exports", ask),
        ("POST", f"/api/privacy/exports/{export}/confirm", None),
        ("POST", f"/api/privacy/exports/{export}/take", None),
        ("POST", f"/privacy/exports/{export}/take", None),
        ("POST", f"/api/people/{victim.id}/erase", None),
        ("POST", f"/people/{victim.id}/erase", None),
        ("POST", f"/people/{victim.id}/second-factor-off", None),
        ("POST", "/people/second-factor", None),
    ]
    with session(town, account(town, f"Curieux {role}", role)) as curious:
        for method, path, body in tries:
            answer = curious.request(method, path, json=body)
            assert answer.status_code == 403, (method, path, answer.status_code)
            assert "iris@exemple.fr" not in answer.text
    assert keeper(town).vault.get(subject, "email", "own.test", town.services.clock.now_ms())


def test_an_export_needs_another_account_and_leaves_once(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BULK_FREE_ROWS", 0)
    inhabitant(town, email="=cmd|' /C calc'!A0")
    chef, second = account(town, "Chef", "admin"), account(town, "Autre Chef", "admin")
    with session(town, chef) as one, session(town, second) as two:
        ask = {"purpose": "reports", "why": "courrier aux riverains"}
        export = one.post("/api/privacy/exports", json=ask).json()["id"]
        at = f"/api/privacy/exports/{export}"
        assert one.post(f"{at}/take").json()["code"] == "bulk_unconfirmed"
        assert one.post(f"{at}/confirm").json()["code"] == "bulk_same"
        assert two.post(f"{at}/confirm").status_code == 200
        assert two.post(f"{at}/take").json()["code"] == "bulk_not_yours"
        taken = one.post(f"{at}/take")
        assert taken.headers["content-type"].startswith("text/csv")
        assert "'=cmd" in taken.text
        assert one.post(f"{at}/take").json()["code"] == "bulk_gone"


def test_reading_on_and_on_is_stopped_and_tells_the_desk(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "EGRESS_ACCOUNT_PER_DAY_MAX", 3)
    people = [inhabitant(town, email=f"n{n}@exemple.fr") for n in range(5)]
    thief = account(town, "Compte Volé", "admin")
    with session(town, thief) as stolen:
        statuses = [stolen.get(f"/api/privacy/people/{one}").status_code for one in people]
        assert statuses == [200, 200, 200, 429, 429]
        rules = {alarm.rule for alarm in town.services.desk.open() if alarm.asset == thief.id}
        assert rules == {"privacy.egress"}


def test_a_canary_ends_it_at_once(town: World) -> None:
    egress.plant_canaries(keeper(town).vault, town.services.clock.now_ms())
    people = [inhabitant(town, email="x@exemple.fr"), *sorted(keeper(town).vault.canaries())]
    thief = account(town, "Compte Loué", "admin")
    with session(town, thief) as stolen:
        assert stolen.get(f"/api/privacy/people/{people[1]}").status_code == 200
        assert stolen.get(f"/api/privacy/people/{people[0]}").status_code == 429
    rules = {alarm.rule for alarm in town.services.desk.open() if alarm.asset == thief.id}
    assert "privacy.canary" in rules


# --- second factor -------------------------------------------------------------------------------
def sign_in(town: World, name: str) -> tuple[httpx.Client, httpx.Response]:
    client = httpx.Client(base_url=town.url, headers={"origin": town.url})
    data = {"name": name, "passphrase": PASSPHRASE, "next": "//evil.example"}
    return client, client.post("/sign-in", data=data)


def test_a_code_is_asked_after_the_passphrase_and_opens_once(town: World) -> None:
    user = account(town, "Double Clé", "operator")
    tries = town.app.state.tries
    seed = base64.b32decode(second_factor.begin(town.services, user))
    step = int(time.time()) // 30
    with pytest.raises(Exception, match="not right"):
        second_factor.turn_on(town.services, tries, user, "000000")
    codes = second_factor.turn_on(town.services, tries, user, second_factor.hotp(seed, step))
    client, answer = sign_in(town, user.name)
    assert answer.status_code == 200
    assert sessions.COOKIE not in client.cookies
    ticket = re.search(r'name="step" value="([^"]+)"', answer.text)
    assert ticket is not None
    form = {"step": ticket[1], "next": "//evil.example"}
    replay = client.post("/sign-in/second", data={**form, "code": second_factor.hotp(seed, step)})
    assert replay.status_code == 401  # the code that turned it on
    later = second_factor.hotp(seed, int(time.time()) // 30 + 1)
    good = client.post("/sign-in/second", data={**form, "code": later})
    assert (good.status_code, good.headers["location"]) == (303, "/")
    again = httpx.post(
        f"{town.url}/sign-in/second",
        data={**form, "code": codes[0]},
        headers={"origin": town.url},
    )
    assert again.status_code == 410  # the ticket is used up
    assert client.get("/api/me").json()["name"] == user.name
    for expected in (303, 401):  # a recovery code opens once
        other, answer = sign_in(town, user.name)
        found = re.search(r'name="step" value="([^"]+)"', answer.text)
        assert found is not None
        form = {"step": found[1], "code": codes[1].upper()}
        assert other.post("/sign-in/second", data=form).status_code == expected
        other.close()
    csrf = client.get("/api/me").json()["csrf"]
    out = client.post("/account/sign-out-everywhere", headers={"x-csrf-token": csrf})
    assert out.status_code == 303
    assert client.get("/api/me", headers={"accept": "application/json"}).status_code == 401
    client.close()


def test_a_role_that_needs_one_reaches_its_own_page_only(town: World) -> None:
    user, chef = account(town, "Sans Clé", "operator"), account(town, "Chef", "admin")
    second_factor.require(town.services, {"operator"}, chef)
    try:
        with session(town, user) as mine:
            for path in ("/api/status", "/alarms", "/api/assets", "/privacy/record"):
                answer = mine.get(path)
                assert answer.json()["code"] == "second_factor", path
            assert mine.post("/api/alarms/x/acknowledge", json={}).status_code == 403
            assert mine.get("/account", headers={"accept": "text/html"}).status_code == 200
            assert mine.post("/account/second").status_code == 303
    finally:
        second_factor.require(town.services, set(), chef)


def test_guessing_codes_is_slowed(town: World) -> None:
    user = account(town, "Cible Codes", "operator")
    tries = town.app.state.tries
    seed = base64.b32decode(second_factor.begin(town.services, user))
    step = int(time.time()) // 30
    second_factor.turn_on(town.services, tries, user, second_factor.hotp(seed, step))
    seen = []
    for _ in range(4):
        client, answer = sign_in(town, user.name)
        ticket = re.search(r'name="step" value="([^"]+)"', answer.text)
        if ticket is None:
            seen.append(answer.status_code)
            continue
        for n in range(5):
            form = {"step": ticket[1], "code": f"{n:06d}"}
            seen.append(client.post("/sign-in/second", data=form).status_code)
        client.close()
    assert 429 in seen
    assert 303 not in seen
