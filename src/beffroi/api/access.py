"""Who may call which route: one dependency on the whole application, closed by default.

A route without a mark needs a session: reader for reading, operator for anything that writes.
Marks: `public` and `needs("admin")`. With its subject (`scope`) that makes the one action of the
route, which `policies.cedar` opens or not. Knows nothing of what routes do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from beffroi.api import policies, scope, sessions
from beffroi.api.border import SAFE_METHODS
from beffroi.api.problems import Refusal, SignInNeeded, not_found
from beffroi.api.sessions import Person
from beffroi.hub.services import Services

MARK = "__beffroi_role__"
PUBLIC = "public"
SECOND = "second:"  # setting per user: "on" with a second factor
SECOND_NEEDED = "second_factor:"  # setting per role: "yes" when nobody works without one
UNFINISHED = ("/account", "/sign-out", "/language", "/api/me")  # open until it is set up
Route = TypeVar("Route", bound=Callable[..., Any])


def needs(role: str) -> Callable[[Route], Route]:
    """Mark a route with the least role that may call it."""

    def mark(route: Route) -> Route:
        setattr(route, MARK, role)
        return route

    return mark


public = needs(PUBLIC)


def role_needed(endpoint: Callable[..., Any], method: str) -> str:
    marked: str | None = getattr(endpoint, MARK, None)
    return marked or ("reader" if method in SAFE_METHODS else "operator")


async def guard(request: Request) -> None:
    """Runs before every route; `request.state.person` is set when somebody is signed in."""
    person = await who(request)
    request.state.person = person
    needed = role_needed(request.scope["endpoint"], request.method)
    if needed != PUBLIC:
        if person is None:
            raise SignInNeeded
        await run_in_threadpool(_allowed, request, person, needed)
        if not request.url.path.startswith(UNFINISHED):
            await run_in_threadpool(_second_factor, request.app.state.services, person)
    if request.method not in SAFE_METHODS and person is not None:
        await _check_token(request, person)


def action_of(path: str, needed: str) -> str:
    """The one action of a route: what it is about and the least role that may call it."""
    return f"{scope.subject_of(path)}.{needed}"


def _allowed(request: Request, person: Person, needed: str) -> None:
    """Asks the policies; a refusal is in the access log with the policy that decided."""
    services, path = request.app.state.services, scope.declared(request)
    action = action_of(path, needed)
    what = scope.what_of(services, path, request.path_params)
    answer = policies.ask(scope.who_of(person.user), action, what)
    if answer.allowed:
        return
    now = services.clock.now_ms()
    if request.app.state.refusal_tries.allowed(person.user.id, now):
        services.store.people.log_access(
            now, person.user.id, "refused", f"{action} {answer.policy}"
        )
    if person.user.organisation != policies.COMMUNE and what.kind == "Thing":
        raise not_found("asset")  # the same whether it exists or not
    text = "Your account may not do this ({role}). Ask an administrator of the commune."
    raise Refusal(403, "role", text, role=person.user.role)


async def who(request: Request) -> Person | None:
    token = sessions.token_in(request)
    if not token:
        return None
    return await run_in_threadpool(sessions.find, request.app.state.services, token)


def _second_factor(services: Services, person: Person) -> None:
    """Where the role needs one, an account without it reaches its own page only. A passkey that
    checks its person is two factors: the session it opened needs no code."""
    setting = services.store.people.setting
    needed = setting(SECOND_NEEDED + person.user.role) == "yes"
    if needed and not person.verified and setting(SECOND + person.user.id) != "on":
        text = "Your role needs a second factor: set it up on the page “My account” first."
        raise Refusal(403, "second_factor", text)


async def _check_token(request: Request, person: Person) -> None:
    given = request.headers.get("x-csrf-token", "")
    if not given and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(given.encode(), person.csrf.encode()):
        text = "This page is too old or was not ours. Reload it, then try again."
        raise Refusal(403, "csrf", text)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _me(request: Request) -> Person:
    person: Person | None = request.state.person
    if person is None:
        raise SignInNeeded
    return person


Svc = Annotated[Services, Depends(_services)]
Me = Annotated[Person, Depends(_me)]
