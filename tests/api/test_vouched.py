"""Accounts of people whom an identity service vouches for: role and body are of this sign-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.ui.world import World, world

from beffroi.api import sessions, vouched
from beffroi.api.oidc import Known
from beffroi.api.problems import Refusal

VAL = "Syndicat des eaux du Val"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("vouched")) as made:
        yield made


def known(role: str, body: str) -> Known:
    return Known("k" * 64, "Noa Val", role, body, False, "/")


def test_a_body_that_was_taken_away_is_gone_at_the_next_sign_in(town: World) -> None:
    first = vouched.account(town.services, known("operator", VAL), "192.0.2.1")
    assert (first.role, first.organisation) == ("operator", VAL)
    session = sessions.start(town.services, first)
    same = vouched.account(town.services, known("operator", VAL), "192.0.2.1")
    assert same == first
    assert sessions.find(town.services, session) is not None  # nothing changed: it goes on
    other = vouched.account(town.services, known("reader", "EPCI"), "192.0.2.1")
    assert (other.id, other.role, other.organisation) == (first.id, "reader", "EPCI")
    assert town.services.store.people.user(first.id) == other
    assert sessions.find(town.services, session) is None  # what it was opened for is gone


@pytest.mark.parametrize("role", ["reader", "operator", "admin"])
def test_who_loses_the_body_does_not_become_the_communes(town: World, role: str) -> None:
    """The group of the role alone would open the whole town to who has just lost a part of it."""
    of_body = vouched.account(town.services, known(role, VAL), "192.0.2.1")
    session = sessions.start(town.services, of_body)
    with pytest.raises(Refusal) as refused:
        vouched.account(town.services, known(role, "commune"), "192.0.2.1")
    assert refused.value.code == "body_lost"
    assert sessions.find(town.services, session) is None
    assert town.services.store.people.user(of_body.id) == of_body
    again = vouched.account(town.services, known(role, VAL), "192.0.2.1")  # given back there
    assert again == of_body
