"""Accounts: the first link, invitations, signing in, passphrases. There is no default password.

Failing takes the same time and gives the same text whether the account exists or not.
Knows nothing of cookies or pages.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from dataclasses import replace
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from beffroi.api import sessions
from beffroi.api.asked import network
from beffroi.api.policies import COMMUNE, ROLES
from beffroi.api.problems import Refusal, not_found
from beffroi.api.tries import Tries
from beffroi.hub.services import Services
from beffroi.model.limits import (
    NAME_CHARS_MAX,
    ONE_TIME_LINK_S_MAX,
    PASSPHRASE_CHARS_MAX,
    PASSPHRASE_CHARS_MIN,
    PASSPHRASE_CHECKS_MAX,
    USERS_MAX,
)
from beffroi.ports.store import PeopleStore, User

FIRST, INVITE = "first", "invite"
_hasher = PasswordHasher()
_checks = threading.BoundedSemaphore(PASSPHRASE_CHECKS_MAX)  # each takes 64 MiB
_making = threading.Lock()  # two first admins must not be made at once


def first_link(services: Services) -> str | None:
    """The path to open once to make the first administrator; None when there is one already."""
    if has_admin(services.store.people):
        return None
    return f"/welcome/{_put(services, FIRST, 'admin')}"


def has_admin(people: PeopleStore) -> bool:
    """Whether somebody of the commune administers it: another body's administrator does not."""
    return any(administers(user) for user in people.users())


def administers(user: User) -> bool:
    return user.active and user.role == "admin" and user.organisation == COMMUNE


def invite(services: Services, role: str, by: User, organisation: str = COMMUNE) -> str:
    """The path that lets one more person in with this role, for this body; shown once."""
    if role not in ROLES:
        raise Refusal(422, "role_unknown", "Choose one of the roles: reader, operator, admin.")
    subject = f"{role} {checked_organisation(organisation)}"
    path = f"/invitation/{_put(services, INVITE, subject)}"
    services.store.people.log_access(services.clock.now_ms(), by.id, "invite", subject)
    return path


def accept(services: Services, purpose: str, token: str, name: str, passphrase: str) -> User:
    """Use a first link or an invitation up and make its account."""
    name, passphrase = checked_name(name), checked_passphrase(passphrase, name)
    people, now = services.store.people, services.clock.now_ms()
    with _making:
        if by_name(people, name) is not None:
            raise Refusal(409, "name_taken", "This name is taken. Choose another.")
        if len(people.users()) >= USERS_MAX:
            raise Refusal(409, "users_max", "There are too many accounts. Ask an administrator.")
        subject = people.take_link(sessions.hashed(token), purpose, now)
        if subject is None or (purpose == FIRST and has_admin(people)):
            raise Refusal(
                410,
                "link_used",
                "This link was used, replaced or has expired. "
                "Ask an administrator for a new one, or restart the hub to print one.",
            )
        role, _, body = subject.partition(" ")
        user = User(f"u-{secrets.token_hex(6)}", name, role, hash_of(passphrase))
        user = replace(user, organisation=body or COMMUNE)
        people.put_user(user)
    people.log_access(now, user.id, "join", purpose)
    return user


def sign_in(services: Services, tries: Tries, name: str, passphrase: str, ip: str) -> User:
    """The person, or one and the same refusal for every cause."""
    people, now = services.store.people, services.clock.now_ms()
    key, house = f"name:{_folded(name)[:NAME_CHARS_MAX]}", f"ip:{network(ip)}"
    if not tries.allowed(key, now) or not tries.allowed(house, now):
        raise _too_many()
    user = by_name(people, name)
    known = user is not None and user.active and bool(user.password_hash)
    stored = user.password_hash if user is not None and known else _nobody()
    matches = _matches(stored, passphrase[:PASSPHRASE_CHARS_MAX])
    if user is None or not known or not matches:
        people.log_access(now, user.id if user else "", "sign_in_failed", ip)
        raise Refusal(401, "sign_in_failed", "The name or the passphrase is not right.")
    tries.forget(key)
    tries.forget(house)
    people.log_access(now, user.id, "sign_in", ip)
    return user


def change_passphrase(services: Services, tries: Tries, user: User, old: str, new: str) -> None:
    """Needs the old one; every session of the person ends."""
    check_passphrase(services, tries, user, old)
    fresh = checked_passphrase(new, user.name)
    services.store.people.put_user(replace(user, password_hash=hash_of(fresh)))
    sessions.stop_all(services, user.id)
    services.store.people.log_access(services.clock.now_ms(), user.id, "passphrase", user.id)


def check_passphrase(services: Services, tries: Tries, user: User, passphrase: str) -> None:
    """Before something that a session left open must not be enough for: tried a few times only,
    and never right for an account that has none."""
    key = f"passphrase:{user.id}"
    if not tries.allowed(key, services.clock.now_ms()):
        raise _too_many()
    stored = user.password_hash
    if not stored or not _matches(stored, passphrase[:PASSPHRASE_CHARS_MAX]):
        raise Refusal(403, "old_wrong", "The present passphrase is not right.")
    tries.forget(key)


def set_active(services: Services, user_id: str, active: bool, by: User) -> User:
    """Close or reopen an account. The last administrator cannot close themself out."""
    people = services.store.people
    user = people.user(user_id)
    if user is None:
        raise not_found(user_id)
    if not active and user.id == by.id:
        raise Refusal(409, "yourself", "You cannot close your own account. Ask another admin.")
    people.put_user(replace(user, active=active))
    if not active:
        sessions.stop_all(services, user.id)
    people.log_access(
        services.clock.now_ms(), by.id, "reopen_account" if active else "close_account", user.id
    )
    return replace(user, active=active)


def by_name(people: PeopleStore, name: str) -> User | None:
    wanted = _folded(name)
    return next((user for user in people.users() if _folded(user.name) == wanted), None)


def checked_name(name: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not 2 <= len(name) <= NAME_CHARS_MAX or not name.isprintable():
        text = "A name has between 2 and {most} characters."
        raise Refusal(422, "name_length", text, most=NAME_CHARS_MAX)
    return name


def checked_organisation(name: str) -> str:
    """As an asset names its authority; nothing is the commune itself."""
    name = " ".join(unicodedata.normalize("NFC", name).split()) or COMMUNE
    if len(name) > NAME_CHARS_MAX or not name.isprintable():
        text = "A name has between 2 and {most} characters."
        raise Refusal(422, "name_length", text, most=NAME_CHARS_MAX)
    return name


def checked_passphrase(passphrase: str, name: str) -> str:
    """Long enough and not the name; no rule on kinds of characters (NIST SP 800-63B 3.1.1.2)."""
    if not PASSPHRASE_CHARS_MIN <= len(passphrase) <= PASSPHRASE_CHARS_MAX:
        text = "A passphrase has at least {least} characters. Four words you can remember will do."
        raise Refusal(422, "passphrase_length", text, least=PASSPHRASE_CHARS_MIN)
    if _folded(name) in _folded(passphrase) or len(set(passphrase)) < 4:
        text = "This passphrase is too easy to guess. Take four words that have no link to you."
        raise Refusal(422, "passphrase_weak", text)
    return passphrase


def hash_of(passphrase: str) -> str:
    with _checks:
        return _hasher.hash(_normal(passphrase))


def _too_many() -> Refusal:
    text = "Too many attempts. Wait ten minutes, then try again."
    return Refusal(429, "too_many_tries", text)


def _matches(stored: str, passphrase: str) -> bool:
    with _checks:
        try:
            return _hasher.verify(stored, _normal(passphrase))
        except VerifyMismatchError:
            return False


@cache
def _nobody() -> str:
    """A hash nobody has the passphrase of: an unknown name costs the same time."""
    return _hasher.hash(secrets.token_urlsafe(32))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _folded(text: str) -> str:
    return " ".join(_normal(text).casefold().split())


def _put(services: Services, purpose: str, subject: str) -> str:
    token = secrets.token_urlsafe(32)
    expires = services.clock.now_ms() + ONE_TIME_LINK_S_MAX * 1000
    services.store.people.put_link(sessions.hashed(token), purpose, subject, expires)
    return token
