"""Accounts of people whom an identity service vouches for. Knows nothing of tokens and pages.

The mapping decides at each sign-in: a role or a body that was taken away there is gone here at the
next one.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace

from beffroi.api import accounts, sessions
from beffroi.api.oidc import Known
from beffroi.api.policies import COMMUNE
from beffroi.api.problems import Refusal
from beffroi.hub.services import Services
from beffroi.model.limits import NAME_CHARS_MAX, USERS_MAX
from beffroi.ports.store import PeopleStore, User

ACCOUNT = "oidc:"  # setting per digest of (issuer, subject): the account's id
UNNAMED = "Compte"
_making = threading.Lock()  # one person who comes twice at once has one account


def account(services: Services, known: Known, ip: str) -> User:
    """Made at the first sign-in. Refusal when an administrator closed it."""
    people, now_ms = services.store.people, services.clock.now_ms()
    with _making:
        user = people.user(people.setting(ACCOUNT + known.key) or "")
        if user is None:
            user = _new(people, known)
            people.log_access(now_ms, user.id, "join", "oidc")
    if not user.active:
        people.log_access(now_ms, user.id, "sign_in_failed", ip)
        raise Refusal(403, "closed", "This account is closed. Ask an administrator.")
    if user.organisation != COMMUNE and known.organisation == COMMUNE:
        # A group that was taken away there must not make an agent of the commune here.
        sessions.stop_all(services, user.id)
        people.log_access(now_ms, user.id, "sign_in_failed", ip)
        text = "Your account was of another body and is not any more. Ask an administrator."
        raise Refusal(403, "body_lost", text)
    if (user.role, user.organisation) != (known.role, known.organisation):
        user = replace(user, role=known.role, organisation=known.organisation)
        people.put_user(user)
        sessions.stop_all(services, user.id)
        people.log_access(now_ms, user.id, "role", f"{known.role} {known.organisation}")
    people.log_access(now_ms, user.id, "sign_in", ip)
    return user


def _new(people: PeopleStore, known: Known) -> User:
    if len(people.users()) >= USERS_MAX:
        raise Refusal(409, "users_max", "There are too many accounts. Ask an administrator.")
    name = _name(people, known.name)
    user = User(f"u-{secrets.token_hex(6)}", name, known.role, organisation=known.organisation)
    people.put_user(user)
    people.put_setting(ACCOUNT + known.key, user.id)
    return user


def _name(people: PeopleStore, given: str) -> str:
    """Theirs, with a number when somebody has it already: a name opens nothing here."""
    try:
        name = accounts.checked_name(given[: NAME_CHARS_MAX - 4])
    except Refusal:
        name = UNNAMED
    numbered = [name, *(f"{name} {n}" for n in range(2, USERS_MAX))]
    return next(one for one in numbered if accounts.by_name(people, one) is None)
