"""Accounts of the town hall, and one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import accounts, sessions
from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal
from beffroi.api.routes.status import installed_version
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
def account_page(request: Request) -> Response:
    return page(request, "account.html", refusal=None, version=installed_version())


@router.post("/account/passphrase")
@needs("reader")
def passphrase(request: Request, services: Svc, me: Me, old: Text = "", new: Text = "") -> Response:
    """Every session ends; this browser gets a fresh one."""
    try:
        accounts.change_passphrase(services, me.user, old, new)
    except Refusal as refusal:
        facts = {"refusal": refusal, "version": installed_version()}
        return page(request, "account.html", refusal.status, **facts)
    response = RedirectResponse("/account", 303)
    sessions.set_cookie(request, response, sessions.start(services, me.user))
    return response


def _people(
    request: Request, services: Svc, link: str = "", refusal: Refusal | None = None
) -> Response:
    users = sorted(services.store.people.users(), key=lambda user: user.name.casefold())
    status = refusal.status if refusal else 200
    return page(request, "people.html", status, users=users, link=link, refusal=refusal)
