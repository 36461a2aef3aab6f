"""Accounts of the town hall, and one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import accounts, second_factor, sessions, sign_in_passkeys
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import dispatch_of, person_of
from beffroi.api.policies import ROLES
from beffroi.api.problems import Refusal, not_found, understood
from beffroi.api.routes import commands_people as passkeys
from beffroi.api.routes import privacy
from beffroi.api.routes.commands_people import AttestationIn
from beffroi.api.routes.status import installed_version
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.ui.pages import second as second_pages
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/people")
@needs("admin")
def people_page(request: Request, services: Svc) -> Response:
    return _people(request, services)


@router.post("/people/invite")
@needs("admin")
def invite(
    request: Request, services: Svc, me: Me, role: Text = "", organisation: Text = ""
) -> Response:
    """The answer shows the link, this once."""
    path = accounts.invite(services, role, me.user, organisation)
    base = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return _people(request, services, base + path)


@router.post("/people/{user_id}/active")
@needs("admin")
def active(request: Request, services: Svc, me: Me, user_id: str, value: Text = "") -> Response:
    try:
        accounts.set_active(services, user_id, value == "yes", me.user)
    except Refusal as refusal:
        return _people(request, services, refusal=refusal)
    return RedirectResponse("/people", 303)


@router.get("/account")
def account_page(request: Request, services: Svc, me: Me) -> Response:
    return _account(request, services, me)


@router.post("/account/passkeys")
def add_passkey(
    request: Request,
    services: Svc,
    me: Me,
    id: Text = "",  # noqa: A002 - the browser's name
    attestationObject: Text = "",  # noqa: N803
    clientDataJSON: Text = "",  # noqa: N803
    name: Text = "",
) -> Response:
    """What the script has put into the form. The same checks as the API's."""
    try:
        answer = AttestationIn(
            id=id,
            attestationObject=attestationObject,
            clientDataJSON=clientDataJSON,
            name=name[:NAME_CHARS_MAX],
        )
        passkeys.register(request, services, me, answer)
    except (DeniedError, Refusal) as error:
        return _account(request, services, me, understood(error))
    except ValueError:
        refusal = Refusal(422, "passkey_form", "The passkey's answer is incomplete. Try again.")
        return _account(request, services, me, refusal)
    return RedirectResponse("/account#passkeys", 303)


@router.post("/account/passkeys/remove")
def remove_passkey(services: Svc, me: Me, id: Text = "") -> Response:  # noqa: A002
    passkeys.remove(services, me, id)
    return RedirectResponse("/account#passkeys", 303)


@router.post("/people/second-factor")
@needs("admin")
def require_second(
    services: Svc, me: Me, roles: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Which roles may not work without a second factor."""
    second_factor.require(services, set(roles or ()) & set(ROLES), me.user)
    return RedirectResponse("/people", 303)


@router.post("/people/{user_id}/second-factor-off")
@needs("admin")
def second_off(services: Svc, me: Me, user_id: str) -> Response:
    """A lost telephone: the person sets up another one at the next sign-in."""
    if services.store.people.user(user_id) is None:
        raise not_found(user_id[:NAME_CHARS_MAX])
    second_factor.turn_off(services, user_id, me.user)
    sign_in_passkeys.forget(services, user_id, me.user)
    sessions.stop_all(services, user_id)
    return RedirectResponse("/people", 303)


@router.post("/account/second")
@needs("reader")
def begin_second(services: Svc, me: Me) -> Response:
    second_factor.begin(services, me.user)
    return RedirectResponse("/account#second", 303)


@router.post("/account/second/on")
@needs("reader")
def second_on(request: Request, services: Svc, me: Me, code: Text = "") -> Response:
    """The answer shows the recovery codes, this once."""
    try:
        codes = second_factor.turn_on(services, request.app.state.tries, me.user, code)
    except Refusal as refusal:
        return _account(request, services, me, refusal)
    return _account(request, services, me, codes=codes)


@router.post("/account/second/off")
@needs("reader")
def my_second_off(request: Request, services: Svc, me: Me, passphrase: Text = "") -> Response:
    try:
        privacy.confirm_me(request, services, me, passphrase)
    except Refusal as refusal:
        return _account(request, services, me, refusal)
    second_factor.turn_off(services, me.user.id, me.user)
    return RedirectResponse("/account#second", 303)


@router.post("/account/sign-out-everywhere")
@needs("reader")
def sign_out_everywhere(request: Request, services: Svc, me: Me) -> Response:
    """Every session of the person ends, this one too."""
    sessions.stop_all(services, me.user.id)
    sessions.stop(services, me.token)
    response = RedirectResponse("/sign-in", 303)
    sessions.drop_cookie(request, response)
    return response


@router.post("/account/erase")
@needs("reader")
def erase_me(request: Request, services: Svc, me: Me, passphrase: Text = "") -> Response:
    try:
        privacy.forget_me(request, services, me, passphrase)
    except Refusal as refusal:
        return _account(request, services, me, refusal)
    response = RedirectResponse("/sign-in", 303)
    sessions.drop_cookie(request, response)
    return response


@router.post("/account/passphrase")
@needs("reader")
def passphrase(request: Request, services: Svc, me: Me, old: Text = "", new: Text = "") -> Response:
    """Every session ends; this browser gets a fresh one, of the same strength."""
    try:
        accounts.change_passphrase(services, request.app.state.tries, me.user, old, new)
    except Refusal as refusal:
        return _account(request, services, me, refusal)
    response = RedirectResponse("/account", 303)
    sessions.set_cookie(request, response, sessions.start(services, me.user, verified=me.verified))
    return response


def _account(
    request: Request,
    services: Svc,
    me: Me,
    refusal: Refusal | None = None,
    codes: Sequence[str] = (),
) -> Response:
    held: list[dict[str, Any]] = []
    origins: tuple[str, ...] = ()
    person = ""
    if services.dispatch is not None:
        with contextlib.suppress(DeniedError):  # the signed rules have ended: an alarm says so
            held = passkeys.read_passkeys(services, me)
            origins = dispatch_of(services).book.trusted.roster.origins
            person = person_of(services, me.user.id)
    facts: dict[str, Any] = {
        "refusal": refusal,
        "version": installed_version(),
        "passkeys": held,
        "commands_on": services.dispatch is not None,
        "origins": origins,
        "here": f"{request.url.scheme}://{request.headers.get('host', '')}",
        "person_of_me": person,
        "codes": codes,
        **second_pages.facts(services, me),
    }
    return page(request, "account.html", refusal.status if refusal else 200, **facts)


def _people(
    request: Request, services: Svc, link: str = "", refusal: Refusal | None = None
) -> Response:
    users = sorted(services.store.people.users(), key=lambda user: user.name.casefold())
    status = refusal.status if refusal else 200
    facts: dict[str, Any] = {"users": users, "link": link, "refusal": refusal}
    facts["needed"] = {role for role in ROLES if second_factor.required(services, role)}
    facts["seconds"] = {
        user.id
        for user in users
        if second_factor.is_on(services, user.id) or sign_in_passkeys.has(services, user.id)
    }
    return page(request, "people.html", status, **facts)
