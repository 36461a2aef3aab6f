"""Accounts of the town hall, and one's own."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import accounts, sessions
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import dispatch_of, person_of
from beffroi.api.problems import Refusal, understood
from beffroi.api.routes import commands_people as passkeys
from beffroi.api.routes.commands_people import AttestationIn
from beffroi.api.routes.status import installed_version
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/people")
@needs("admin")
def people_page(request: Request, services: Svc) -> Response:
    return _people(request, services)


@router.post("/people/invite")
@needs("admin")
def invite(request: Request, services: Svc, me: Me, role: Text = "") -> Response:
    """The answer shows the link, this once."""
    path = accounts.invite(services, role, me.user)
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


@router.post("/account/passphrase")
@needs("reader")
def passphrase(request: Request, services: Svc, me: Me, old: Text = "", new: Text = "") -> Response:
    """Every session ends; this browser gets a fresh one."""
    try:
        accounts.change_passphrase(services, me.user, old, new)
    except Refusal as refusal:
        return _account(request, services, me, refusal)
    response = RedirectResponse("/account", 303)
    sessions.set_cookie(request, response, sessions.start(services, me.user))
    return response


def _account(request: Request, services: Svc, me: Me, refusal: Refusal | None = None) -> Response:
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
    }
    return page(request, "account.html", refusal.status if refusal else 200, **facts)


def _people(
    request: Request, services: Svc, link: str = "", refusal: Refusal | None = None
) -> Response:
    users = sorted(services.store.people.users(), key=lambda user: user.name.casefold())
    status = refusal.status if refusal else 200
    return page(request, "people.html", status, users=users, link=link, refusal=refusal)
