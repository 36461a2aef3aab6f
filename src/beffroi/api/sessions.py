"""Sessions and their cookies. Only hashes reach the store; a stolen database opens no session.

A token carries the time of its issue, so that "sign out everywhere" is one setting per person, and
whether a passkey opened it. Both are under the hash: nobody can write them in later.
Knows nothing of passphrases.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

from fastapi import Request
from starlette.responses import Response

from beffroi.hub.services import Services
from beffroi.model.limits import SESSION_S_MAX
from beffroi.ports.store import User

COOKIE = "beffroi_session"
VERIFIED = "~"  # how the secret of a session begins that a passkey opened
ISSUED_AFTER = "sessions_after:"  # setting per user: older sessions are void


class Person(NamedTuple):
    """Who asks, in which session. `csrf` must come back with every write."""

    user: User
    token: str
    csrf: str

    @property
    def verified(self) -> bool:
        """Came in with something held and something known: a passkey that checked its person."""
        return self.token.partition(".")[2].startswith(VERIFIED)


def hashed(token: str) -> str:
    """What the store keeps of a secret of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """Bound to the session: another session's value is worth nothing."""
    mac = hmac.digest(token.encode(), b"csrf", "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def cookie_name(https: bool) -> str:
    """The prefix makes browsers refuse the cookie from a sub-domain or without TLS."""
    return f"__Host-{COOKIE}" if https else COOKIE


def start(services: Services, user: User, *, verified: bool = False) -> str:
    """A new session; its token goes into the cookie and nowhere else."""
    now = services.clock.now_ms()
    token = f"{now}.{VERIFIED if verified else ''}{secrets.token_urlsafe(32)}"
    services.store.people.put_session(hashed(token), user.id, now + SESSION_S_MAX * 1000)
    return token


def find(services: Services, token: str) -> Person | None:
    """The person of this session, if it is alive and so is the account."""
    issued, _, _ = token.partition(".")
    if not issued.isdigit():
        return None
    people = services.store.people
    user = people.session(hashed(token), services.clock.now_ms())
    if user is None or not user.active:
        return None
    if int(issued) < int(people.setting(ISSUED_AFTER + user.id) or 0):
        return None
    return Person(user, token, csrf_of(token))


def stop(services: Services, token: str) -> None:
    services.store.people.drop_session(hashed(token))


def stop_all(services: Services, user_id: str) -> None:
    """Every session of this person issued before now is void."""
    now = services.clock.now_ms()
    services.store.people.put_setting(ISSUED_AFTER + user_id, str(now))


def token_in(request: Request) -> str:
    return request.cookies.get(cookie_name(request.app.state.web.https), "")


def set_cookie(request: Request, response: Response, token: str) -> None:
    https = request.app.state.web.https
    response.set_cookie(
        cookie_name(https),
        token,
        max_age=SESSION_S_MAX,
        httponly=True,
        secure=https,
        samesite="lax",  # a link in a mail at 3 a.m. must open; writes need origin and token anyway
        path="/",
    )


def drop_cookie(request: Request, response: Response) -> None:
    https = request.app.state.web.https
    response.delete_cookie(cookie_name(https), path="/", secure=https, httponly=True)
