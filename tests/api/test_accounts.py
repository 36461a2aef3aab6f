"""Accounts and sessions: one-time means once, and a failure says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.postgres import held

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.sql import open_store
from beffroi.api import accounts, sessions
from beffroi.api.problems import Refusal
from beffroi.api.tries import WINDOW_MS, Tries
from beffroi.hub.services import Services
from beffroi.model.limits import SESSION_S_MAX, SIGN_IN_KEYS_MAX, SIGN_IN_TRIES_PER_10_MIN_MAX

NEXT = "cinq autres mots encore"
GOOD = "quatre mots sans lien"


class Clock:
    """Real time, and a test may add to it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead_ms


@pytest.fixture
def hub(url: str) -> Iterator[Any]:
    store = open_store(url)
    yield SimpleNamespace(store=store, clock=Clock())
    store.close()


def services(hub: Any) -> Services:
    return cast("Services", hub)


def join(hub: Any, name: str = "Alix Petit") -> Any:
    path = accounts.first_link(services(hub))
    assert path
    return accounts.accept(services(hub), "first", path.rpartition("/")[2], name, GOOD)


def test_the_first_link_works_once_and_only_the_first(hub: Any) -> None:
    one, two = (accounts.first_link(services(hub)) or "" for _ in range(2))
    user = accounts.accept(services(hub), "first", one.rpartition("/")[2], "Alix Petit", GOOD)
    assert user.role == "admin"
    assert accounts.first_link(services(hub)) is None
    for path in (one, two):  # the second was good until there was an administrator
        with pytest.raises(Refusal) as refused:
            accounts.accept(services(hub), "first", path.rpartition("/")[2], "Autre", GOOD)
        assert refused.value.code == "link_used"


def test_an_invitation_is_no_first_link_and_expires(hub: Any) -> None:
    admin = join(hub)
    token = accounts.invite(services(hub), "reader", admin).rpartition("/")[2]
    with pytest.raises(Refusal):
        accounts.accept(services(hub), "first", token, "Bo Lec", GOOD)
    hub.clock.ahead_ms = 25 * 3_600_000
    with pytest.raises(Refusal):
        accounts.accept(services(hub), "invite", token, "Bo Lec", GOOD)


def test_only_hashes_are_kept(hub: Any, url: str, tmp_path: Path) -> None:
    user = join(hub)
    token = sessions.start(services(hub), user)
    hub.store.close()
    kept = held(url, tmp_path)
    assert user.id.encode() in kept
    assert token.encode() not in kept
    assert token.partition(".")[2].encode() not in kept
    assert GOOD.encode() not in kept


@pytest.mark.parametrize(
    ("name", "passphrase"),
    [("Alix Petit", "faux mais bien long"), ("Personne", GOOD), ("", ""), ("Fermé", GOOD)],
)
def test_every_failure_says_the_same(hub: Any, name: str, passphrase: str) -> None:
    admin = join(hub)
    path = accounts.invite(services(hub), "reader", admin)
    closed = accounts.accept(services(hub), "invite", path.rpartition("/")[2], "Fermé", GOOD)
    accounts.set_active(services(hub), closed.id, False, admin)
    with pytest.raises(Refusal) as refused:
        accounts.sign_in(services(hub), Tries(), name, passphrase, "192.0.2.1")
    assert (refused.value.status, refused.value.code) == (401, "sign_in_failed")


def test_a_name_is_found_whatever_its_case_and_spaces(hub: Any) -> None:
    join(hub, "Éloïse  Martin")
    found = accounts.sign_in(services(hub), Tries(), " éloïse martin ", GOOD, "192.0.2.1")
    assert found.name == "Éloïse Martin"


@pytest.mark.parametrize("weak", ["court", "aaaaaaaaaaaaaaaa", "alix petit 2026", "x" * 300])
def test_a_weak_passphrase_is_refused(hub: Any, weak: str) -> None:
    path = accounts.first_link(services(hub)) or ""
    with pytest.raises(Refusal):
        accounts.accept(services(hub), "first", path.rpartition("/")[2], "Alix Petit", weak)
    assert join(hub)  # the link was not used up by the refusal


def test_a_session_ends_by_time_by_sign_out_and_by_a_new_passphrase(hub: Any) -> None:
    user = join(hub)
    old, new, third = (sessions.start(services(hub), user) for _ in range(3))
    assert len({old, new, third}) == 3
    sessions.stop(services(hub), old)
    assert sessions.find(services(hub), old) is None
    assert sessions.find(services(hub), new)
    hub.clock.ahead_ms += 5
    accounts.change_passphrase(services(hub), Tries(), user, GOOD, "cinq autres mots encore")
    assert sessions.find(services(hub), new) is None
    fresh = sessions.start(services(hub), user)
    assert sessions.find(services(hub), fresh)
    hub.clock.ahead_ms += SESSION_S_MAX * 1000 + 1
    assert sessions.find(services(hub), fresh) is None


def test_the_present_passphrase_cannot_be_guessed_in_a_session_left_open(hub: Any) -> None:
    user, tries = join(hub), Tries(3)
    for _ in range(3):
        with pytest.raises(Refusal, match="not right"):
            accounts.change_passphrase(services(hub), tries, user, "pas celle-ci", NEXT)
    with pytest.raises(Refusal, match="Too many attempts"):
        accounts.change_passphrase(services(hub), tries, user, GOOD, NEXT)
    vouched = replace(user, password_hash="")  # its identity service knows it, we do not
    with pytest.raises(Refusal, match="not right"):
        accounts.change_passphrase(services(hub), Tries(), vouched, "", NEXT)


def test_one_household_is_counted_once_however_many_addresses_it_has(hub: Any) -> None:
    tries = Tries(3)
    for n in range(3):
        with pytest.raises(Refusal, match="not right"):
            accounts.sign_in(services(hub), tries, f"Personne {n}", GOOD, f"2001:db8:0:7::{n + 1}")
    with pytest.raises(Refusal, match="Too many attempts"):
        accounts.sign_in(services(hub), tries, "Personne 4", GOOD, "2001:db8:0:7:ffff::1")
    with pytest.raises(Refusal, match="not right"):
        accounts.sign_in(services(hub), tries, "Personne 5", GOOD, "2001:db8:0:8::1")


def test_a_token_with_another_time_is_another_token(hub: Any) -> None:
    user = join(hub)
    token = sessions.start(services(hub), user)
    issued, _, secret = token.partition(".")
    assert sessions.find(services(hub), f"{int(issued) + 9_999_999}.{secret}") is None
    assert sessions.csrf_of(token) != sessions.csrf_of(sessions.start(services(hub), user))


def test_tries_are_counted_by_window_in_bounded_memory() -> None:
    tries = Tries()
    assert all(tries.allowed("a", n) for n in range(SIGN_IN_TRIES_PER_10_MIN_MAX))
    assert not tries.allowed("a", 100)
    assert tries.allowed("b", 100)
    assert tries.allowed("a", WINDOW_MS + SIGN_IN_TRIES_PER_10_MIN_MAX)
    for n in range(SIGN_IN_KEYS_MAX + 50):
        tries.allowed(str(n), 200)
    assert len(tries._seen) <= SIGN_IN_KEYS_MAX


def test_nobody_closes_their_own_account(hub: Any) -> None:
    admin = join(hub)
    with pytest.raises(Refusal):
        accounts.set_active(services(hub), admin.id, False, admin)
