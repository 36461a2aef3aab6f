"""Accounts of people whom an identity service vouches for: role and body are of this sign-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.ui.world import World, world

from beffroi.api import sessions, vouched
from beffroi.api.oidc import Known

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
    after = vouched.account(town.services, known("operator", "commune"), "192.0.2.1")
    assert (after.id, after.organisation) == (first.id, "commune")
    assert town.services.store.people.user(first.id) == after
    assert sessions.find(town.services, session) is None  # what it was opened for is gone
