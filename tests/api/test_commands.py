"""Commands over the API: real dispatcher, store, log and judge; a passkey made by hand.

The authenticator is a P-256 key and the bytes that WebAuthn prescribes; what a browser adds is
tested in the browser.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient
from tests.hub.dispatch.kit import P2, TRUSTED, Town, signature

from beffroi.api import sessions
from beffroi.api.app import create_app
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.trust import Trusted
from beffroi.hub.live import Live
from beffroi.hub.services import Services
from beffroi.kernel.canonical import decode
from beffroi.kernel.dsse import COMMAND, Signed, pack, unpack
from beffroi.kernel.keys import PASSKEY
from beffroi.kernel.roster import Member
from beffroi.ports.store import User

ORIGIN, RP = "http://localhost", "localhost"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Authenticator:
    """A passkey: its key, and the answers of `navigator.credentials`."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = b"credential-1"

    def public(self) -> tuple[bytes, bytes]:
        numbers = self.key.public_key().public_numbers()
        return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")

    def data(self, flags: int, more: bytes = b"") -> bytes:
        return hashlib.sha256(RP.encode()).digest() + bytes([flags]) + bytes(4) + more

    def client(self, kind: str, challenge: str, origin: str = ORIGIN) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def create(self, options: dict[str, Any], **odd: Any) -> dict[str, str]:
        x, y = self.public()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        about = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self.data(odd.get("flags", 0x45), about)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        challenge = odd.get("challenge", options["challenge"])
        return {
            "id": b64(self.id),
            "attestationObject": b64(attestation),
            "clientDataJSON": b64(
                self.client("webauthn.create", challenge, odd.get("origin", ORIGIN))
            ),
        }

    def get(self, options: dict[str, Any], **odd: Any) -> dict[str, str]:
        data = self.data(odd.get("flags", 0x05))
        client = self.client("webauthn.get", odd.get("challenge", options["challenge"]))
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "id": b64(self.id),
            "authenticatorData": b64(data),
            "clientDataJSON": b64(client),
            "signature": b64(signed),
        }


class Web:
    """The application and a signed-in client for each role."""

    def __init__(self, town: Town, dispatch: bool = True) -> None:
        self.town = town
        store = town.store
        desk = Desk(store.alarms, {})
        self.services = Services(
            store, Live(), desk, None, town.clock, None, None, domains(), "h", 1,  # type: ignore[arg-type]
            town.dispatch if dispatch else None,
        )  # fmt: skip
        self.app = create_app(self.services)

    def client(self, role: str, name: str = "") -> TestClient:
        user = User(name or role, (name or role).title(), role)
        self.town.store.people.put_user(user)
        token = sessions.start(self.services, user)
        made = TestClient(self.app, base_url=ORIGIN)
        made.cookies.set(sessions.COOKIE, token)
        made.headers["origin"] = ORIGIN
        made.headers["x-csrf-token"] = sessions.csrf_of(token)
        return made


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    town = Town(tmp_path)
    town.trust.trusted = Trusted(replace(TRUSTED.roster, origins=(ORIGIN,)), TRUSTED.envelopes)
    town.dispatch.book.look()
    yield Web(town)
    town.stop()


def ask(client: TestClient, level: int = 30) -> dict[str, Any]:
    body = {"target": "t-1", "action": "dim", "params": {"level_pct": level}}
    answer = client.post("/api/commands", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_from_request_by_file_to_done(web: Web) -> None:
    client = web.client("operator")
    made = ask(client)
    assert (made["state"], made["class"], made["may"]) == (
        "awaiting_approval",
        "B",
        ["cancel", "signature"],
    )
    assert made["say"] == "À 30 %"
    assert made["needed"]["asked"][0]["person"] == "p1"
    file = client.get(f"/api/commands/{made['id']}/request").content
    request = decode(file, 100_000)
    assert isinstance(request, dict)
    signed = unpack(request["request"])  # type: ignore[arg-type]
    row = web.town.store.commands.command(made["id"])
    assert row is not None
    assert signed.payload == row.payload
    back = pack(Signed(COMMAND, row.payload, (signature(row, P2),)))
    headers = {"content-type": "application/octet-stream"}
    answer = client.post(f"/api/commands/{made['id']}/signature", content=back, headers=headers)
    assert answer.json()["state"] == "ready"
    web.town.settle(1)
    done = client.get(f"/api/commands/{made['id']}").json()
    assert done["state"] == "done"
    assert done["receipt"]["readback"] == {"level_pct": 30}
    kinds = [event["kind"] for event in done["events"]]
    assert kinds == ["requested", "asked", "signed", "approved", "sent", "did"]
    assert client.get("/api/commands?state=final").json()[0]["id"] == made["id"]
    assert client.get("/api/commands").json() == []


def test_a_passkey_is_registered_named_by_the_root_and_approves(web: Web) -> None:
    admin, client = web.client("admin"), web.client("operator", "ana")
    passkey = Authenticator()
    options = client.post("/api/passkeys/options", json={"name": "clé"}).json()
    assert options["rp"]["id"] == RP
    made = client.post("/api/passkeys", json=passkey.create(options) | {"name": "clé"})
    assert made.status_code == 201, made.text
    key = made.json()
    assert (key["kind"], key["in_roster"]) == (PASSKEY, False)
    row = ask(client)
    assert client.get(f"/api/commands/{row['id']}/passkey").json()["code"] == "no_passkey"

    public = bytes.fromhex(key["public"])
    member = Member(PASSKEY, public, "p5", "commune", "operator", name="adjointe")
    roster = web.town.trust.trusted.roster
    newer = replace(roster, members=(*roster.members, member))
    web.town.trust.trusted = Trusted(newer, TRUSTED.envelopes)
    web.town.cabinet.trusted = web.town.trust.trusted
    web.town.dispatch.book.look()
    options = client.get(f"/api/commands/{row['id']}/passkey").json()
    path = f"/api/commands/{row['id']}/passkey"
    assert client.post(path, json=passkey.get(options)).json()["code"] == "no_person"
    assert admin.put("/api/persons/ana", json={"person": "nobody"}).status_code == 422
    assert admin.put("/api/persons/ana", json={"person": "p5"}).status_code == 200
    assert "passkey" in client.get(f"/api/commands/{row['id']}").json()["may"]
    for odd in ({"flags": 0x01}, {"challenge": b64(bytes(32))}):
        wrong = client.post(path, json=passkey.get(options, **odd))
        assert wrong.json()["code"] == "bad_signature", wrong.text
    answer = client.post(path, json=passkey.get(options))
    assert answer.json()["state"] == "ready", answer.text
    web.town.settle(1)
    assert client.get(f"/api/commands/{row['id']}").json()["state"] == "done"


def test_a_registration_that_is_not_ours_is_refused(web: Web) -> None:
    client = web.client("operator")
    for odd, status in (
        ({"origin": "https://evil.example"}, 422),
        ({"challenge": b64(bytes(32))}, 409),  # none that this session was given
        ({"flags": 0x41}, 422),  # nobody was verified
    ):
        options = client.post("/api/passkeys/options", json={}).json()
        answer = client.post("/api/passkeys", json=Authenticator().create(options, **odd))
        assert answer.status_code == status, (odd, answer.text)
    again = client.post("/api/passkeys", json=Authenticator().create(options))
    assert again.json()["code"] == "no_challenge"  # each is used once
    assert client.get("/api/passkeys").json() == []


def test_a_challenge_is_of_one_session(web: Web) -> None:
    ana, bob = web.client("operator", "ana"), web.client("operator", "bob")
    options = ana.post("/api/passkeys/options", json={}).json()
    stolen = bob.post("/api/passkeys", json=Authenticator().create(options))
    assert (stolen.status_code, stolen.json()["code"]) == (409, "no_challenge")


def test_another_accounts_passkey_approves_nothing(web: Web) -> None:
    ana, bob = web.client("operator", "ana"), web.client("operator", "bob")
    passkey = Authenticator()
    options = ana.post("/api/passkeys/options", json={}).json()
    ana.post("/api/passkeys", json=passkey.create(options))
    row = ask(bob)
    answer = bob.post(f"/api/commands/{row['id']}/passkey", json=passkey.get({"challenge": "AA"}))
    assert answer.json()["code"] == "no_passkey"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/commands", {"target": "t-1", "action": "dim", "params": {}}),
        ("post", "/api/commands/x/cancel", {}),
        ("get", "/api/commands/x/request", None),
        ("post", "/api/plans", {"id": "p", "kind": "scene", "name": "n", "steps": []}),
        ("put", "/api/interlocks", []),
        ("put", "/api/persons/reader", {"person": "p1"}),
        ("post", "/api/passkeys/options", {}),
    ],
)
def test_readers_ask_for_nothing(web: Web, method: str, path: str, body: Any) -> None:
    client = web.client("reader")
    assert client.request(method.upper(), path, json=body).status_code == 403
    anonymous = TestClient(web.app, base_url=ORIGIN, headers={"origin": ORIGIN})
    assert anonymous.request(method.upper(), path, json=body).status_code == 401


def test_operators_make_no_plans_and_name_nobody(web: Web) -> None:
    client = web.client("operator")
    for method, path in (("PUT", "/api/persons/operator"), ("PUT", "/api/interlocks")):
        assert client.request(method, path, json={"person": "p1"}).status_code == 403


def test_a_write_without_token_is_refused(web: Web) -> None:
    client = web.client("operator")
    client.headers.pop("x-csrf-token")
    body = {"target": "t-1", "action": "dim", "params": {"level_pct": 30}}
    assert client.post("/api/commands", json=body).json()["code"] == "csrf"
    assert web.town.store.commands.commands() == []


@pytest.mark.parametrize(
    "body",
    [
        {"target": "t-1", "action": "dim", "params": {"level_pct": 30.5}},
        {"target": "t-1", "action": "dim", "params": {"level_pct": True}},
        {"target": "t-1", "action": "dim", "params": {"level_pct": None}},
        {"target": "t-1", "action": "dim", "params": {f"p{n}": 1 for n in range(9)}},
        {"target": "t" * 81, "action": "dim"},
        {"target": "t-1", "action": "dim", "extra": 1},
        {"target": "t-1", "action": "dim", "not_before_ms": -1},
        {"target": "t-1", "action": "dim", "lifetime_s": 10**9},
    ],
)
def test_hostile_wishes_are_refused_at_the_border(web: Web, body: dict[str, Any]) -> None:
    answer = web.client("operator").post("/api/commands", json=body)
    assert answer.status_code == 422
    assert web.town.store.commands.commands() == []


def test_plans_scenes_interlocks_and_who_is_who(web: Web) -> None:
    admin = web.client("admin")
    steps = [{"target": f"t-{n}", "action": "dim", "params": {"level_pct": 60}} for n in (1, 2)]
    plan = {"id": "market", "kind": "scene", "name": "Jour de marché", "steps": steps}
    assert admin.post("/api/plans/check", json=plan).json() == {"problems": []}
    assert admin.post("/api/plans", json=plan).json()["generation"] == 1
    rows = admin.post("/api/plans/market/run").json()
    assert [row["plan"] for row in rows] == ["market.1", "market.1"]
    web.town.settle(1)
    assert {r["state"] for r in admin.get("/api/plans/market").json()["commands"]} == {"done"}
    bad = plan | {"steps": [steps[0], steps[0] | {"params": {"level_pct": 70}}]}
    found = admin.post("/api/plans/check", json=bad).json()["problems"]
    assert [one["code"] for one in found] == ["contradiction"]
    acts = [{"target": f"t-{n}", "action": "dim", "params": {"level_pct": 60}} for n in (1, 2)]
    lock = [{"name": "une seule", "most": 1, "acts": acts}]
    assert admin.put("/api/interlocks", json=lock).json()[0]["most"] == 1
    wish = {"target": "t-2", "action": "dim", "params": {"level_pct": 60}}
    assert admin.post("/api/commands", json=wish).json()["code"] == "interlock"
    assert admin.post("/api/commands/preview", json=wish).json()["problems"][0]["code"] == (
        "interlock"
    )
    assert admin.post("/api/plans/market/stop").json()["active"] is False
    assert admin.post("/api/plans/market/run").json()["code"] == "not_a_scene"
    assert any(p["person"] == "p1" for p in admin.get("/api/persons").json()["persons"])
    guard = admin.get("/api/commands/guards").json()[0]
    assert (guard["guard"], guard["connected"], guard["roster_current"]) == ("g-1", True, True)
    targets = admin.get("/api/commands/targets").json()
    assert targets[0]["actions"]["dim"]["params"]["level_pct"]["ranges"]


def test_without_trust_the_hub_is_as_before(web: Web) -> None:
    bare = Web(web.town, dispatch=False)
    client = bare.client("admin")
    for path in ("/api/commands", "/api/commands/targets", "/api/plans", "/api/passkeys"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "commands_off")
    assert client.get("/api/alarms").status_code == 200


def test_unknown_names_are_404(web: Web) -> None:
    client = web.client("operator")
    assert client.get("/api/commands/none").status_code == 404
    assert client.get("/api/plans/none").status_code == 404
