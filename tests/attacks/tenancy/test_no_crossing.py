"""Whatever opens something at commune A opens nothing at commune B: every route, every method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.attacks.tenancy.two import MARK, Pair, contents, path_of, routes, two
from tests.kernel.world import ROSTER, public, trial
from tests.ui.world import NAME, PASSPHRASE

from beffroi.kernel.keys import ED25519
from beffroi.kernel.note import read_note
from beffroi.kernel.verdict import Reason, Refused
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import tls_context

# parameters that choose a form or a kind and name nothing of anybody
KEPT = ("fmt", "form", "name", "link", "book", "code")
NOWHERE = "inconnu-de-tous"
HEAVY = ("/api/events",)  # a stream for those who may read it
SPOKEN = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with two(tmp_path_factory.mktemp("two")) as made:
        yield made


@pytest.fixture(scope="module")
def client(pair: Pair) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=pair.door, follow_redirects=False, timeout=20) as opened:
        yield opened


def asked(
    client: httpx.Client, method: str, path: str, commune: str, more: dict[str, str]
) -> httpx.Response:
    host = f"{commune}.localhost"
    headers = {"host": host, "origin": f"http://{host}", "accept": "text/html", **more}
    if path.startswith(("/api/", "/open311/")):
        headers["accept"] = "application/json"
    if method in ("GET", "HEAD"):
        return client.request(method, path, headers=headers)
    form = {"csrf": more.get("x-csrf-token", "")}
    if path.startswith("/api/"):
        return client.request(method, path, headers=headers, json={})
    return client.request(method, path, headers=headers, data=form)


def same(theirs: httpx.Response, strangers: httpx.Response) -> bool:
    """As far as somebody could make use of a difference. 429: of all who come from one address."""
    codes = {theirs.status_code, strangers.status_code}
    there = {one.headers.get("location", "").partition("?")[0] for one in (theirs, strangers)}
    return 429 in codes or (len(codes) == 1 and (len(there) == 1 or codes == {303}))


def clean(answer: httpx.Response) -> bool:
    told = answer.content + repr(answer.headers.raw).encode()
    return MARK.encode() not in told


def test_the_wallet_is_worth_something_at_home(pair: Pair, client: httpx.Client) -> None:
    """Else the rest would prove nothing."""
    ids, headers = pair.wallet.ids, pair.wallet.headers
    pages = (
        "/assets/seul-a",
        f"/incidents/{ids['case_id']}",
        "/people/delegations",
        "/api/delegated",
        "/api/assets",
        "/registers/delegation",
    )
    for path in pages:
        answer = asked(client, "GET", path, "a", headers)
        assert answer.status_code == 200, path
        assert not clean(answer), path
    assert asked(client, "GET", f"/suivi/{ids['secret']}", "a", {}).status_code == 200
    assert asked(client, "GET", f"/invitation/{ids['token']}", "a", {}).status_code == 200
    assert asked(client, "POST", "/people/x/active", "a", headers).status_code != 303


def test_every_route_with_everything_of_a(pair: Pair, client: httpx.Client) -> None:
    """The whole wallet and A's ids at B, beside a stranger who knows no id."""
    before, tried, busy = contents(pair.home_b), 0, 0
    kept = {name: pair.wallet.ids[name] for name in KEPT}
    assert asked(client, "GET", "/healthz", "b", {}).status_code == 200  # B is who answers
    for method, pattern in routes(pair.b):
        if pattern in HEAVY or method not in SPOKEN:
            continue
        path = path_of(pattern, pair.wallet.ids, pair.wallet.ids["ident"])
        unknown = path_of(pattern, kept, NOWHERE)
        theirs = asked(client, method, path, "b", pair.wallet.headers)
        strangers = asked(client, method, unknown, "b", {})
        assert same(theirs, strangers), (method, path, theirs.status_code, strangers.status_code)
        assert clean(theirs), (method, path)
        tried += 1
        busy += theirs.status_code == 429
    assert tried > 150
    assert busy < tried / 10  # an answer that says nothing must be rare
    assert contents(pair.home_b) == before


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_part_of_the_wallet_at_any_route(
    pair: Pair, client: httpx.Client, data: st.DataObject
) -> None:
    """One path, the same for both: what A's credentials add to it is nothing."""
    wallet = pair.wallet
    method, pattern = data.draw(
        st.sampled_from([r for r in routes(pair.b) if r[1] not in HEAVY and r[0] in SPOKEN])
    )
    named = data.draw(st.fixed_dictionaries({n: st.sampled_from([*wallet.ids.values(), "x"])
                                             for n in wallet.ids}))  # fmt: skip
    shared = {"asset_id": pair.b.services.store.assets.assets("water")[0].id}  # of both communes
    path = path_of(pattern, named | data.draw(st.sampled_from([{}, shared])), NOWHERE)
    held = data.draw(st.sets(st.sampled_from(sorted(wallet.headers)), min_size=1))
    theirs = asked(client, method, path, "b", {name: wallet.headers[name] for name in held})
    strangers = asked(client, method, path, "b", {})
    assert same(theirs, strangers), (method, path, theirs.status_code, strangers.status_code)
    assert clean(theirs)


def test_the_host_decides_and_each_hub_checks_it_again(pair: Pair, client: httpx.Client) -> None:
    straight = httpx.get(pair.a.url + "/healthz", headers={"host": "b.localhost"})
    assert straight.status_code == 421
    origin = {**pair.wallet.headers, "origin": "http://b.localhost"}
    answer = client.post("/sign-out", headers={"host": "a.localhost", **origin})
    assert answer.status_code == 403  # a page of B cannot act at A, session or not


def test_the_same_name_and_passphrase_are_two_accounts(pair: Pair) -> None:
    (one,) = [u for u in pair.a.services.store.people.users() if u.name == NAME]
    (other,) = [u for u in pair.b.services.store.people.users() if u.name == NAME]
    assert one.id != other.id
    assert one.password_hash != other.password_hash
    assert PASSPHRASE not in one.password_hash


def test_a_device_of_a_does_not_enter_at_b(pair: Pair) -> None:
    """The same device id is enrolled at both."""
    import asyncio

    mine, theirs = pair.wallet.bundle, pair.bundle_b
    assert mine is not None
    services = pair.b.services

    async def connects(files: dict[str, bytes]) -> bool:
        context = tls_context(theirs._replace(files={**theirs.files, **files}))
        client = MqttClient(services.mqtt_host, services.mqtt_port, "capteur-1", context)
        try:
            await asyncio.wait_for(client.connect(), 15)
        except (MqttError, OSError):
            return False
        await client.close()
        return True

    stolen = {name: mine.files[name] for name in ("device.crt", "device.key")}
    assert asyncio.run(connects({}))
    assert not asyncio.run(connects(stolen))


def test_a_command_of_a_is_refused_by_the_guard_of_b() -> None:
    """Same ids everywhere, even the commune's: then the keys decide; else the commune's name."""
    good = trial("B")
    assert not isinstance(good.verdict(), Refused)
    other = good.says(commune="autre").verdict()
    assert isinstance(other, Refused)
    assert other.reason is Reason.NOT_FOR_ME
    fresh = iter(public(f"stranger {n}") for n in range(len(ROSTER.members)))
    strangers = tuple(
        replace(m, public=next(fresh)) if m.kind == ED25519 else m for m in ROSTER.members
    )
    twin = good.where(roster=replace(ROSTER, members=strangers)).verdict()
    assert isinstance(twin, Refused)
    assert twin.reason is Reason.UNKNOWN_KEY


def test_a_checkpoint_of_a_is_not_bs(pair: Pair) -> None:
    """Both logs have the same name: communes that kept the default."""
    logs = [town.services.office.registers.journal for town in (pair.a, pair.b)]  # type: ignore[union-attr]
    keys = [log.vkey for log in logs]
    notes = [read_note(log.checkpoint().text()) for log in logs]
    assert notes[0].origin == notes[1].origin
    assert notes[0].signed_by(keys[0].name, keys[0].public)
    assert not notes[0].signed_by(keys[1].name, keys[1].public)
