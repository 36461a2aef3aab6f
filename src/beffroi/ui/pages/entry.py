"""Coming in and going out: sign-in, first start, invitations, language. Public pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import accounts, second_factor, sessions, sign_in_passkeys
from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import address_of
from beffroi.api.problems import Refusal
from beffroi.api.words import LANG_COOKIE, LANGS
from beffroi.ports.store import User
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
YEAR_S = 366 * 86_400


def sign_in_path(request: Request) -> str:
    path = request.url.path
    return "/sign-in" if path == "/" else f"/sign-in?next={quote(path)}"


def safe_next(path: str) -> str:
    """Only a path of our own: never another site ("//evil", "/\\evil")."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if good else "/"


@router.get("/sign-in")
@public
def sign_in_page(request: Request, services: Svc, next: str = "/") -> Response:  # noqa: A002
    if request.state.person:
        return RedirectResponse(safe_next(next), 303)
    fresh = not accounts.has_admin(services.store.people)
    return page(request, "sign_in.html", next=safe_next(next), fresh=fresh, name="", refusal=None)


@router.post("/sign-in")
@public
def sign_in(
    request: Request,
    services: Svc,
    name: Text = "",
    passphrase: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    tries, ip = request.app.state.tries, address_of(request)
    try:
        user = accounts.sign_in(services, tries, name, passphrase, ip)
    except Refusal as refusal:
        facts = {"next": safe_next(next), "fresh": False, "name": name, "refusal": refusal}
        return page(request, "sign_in.html", refusal.status, **facts)
    if sign_in_passkeys.instead(services, user):
        text = "Your role needs a second factor, and yours is a passkey: sign in with it."
        facts = {"next": safe_next(next), "fresh": False, "name": name}
        told = Refusal(403, "passkey_needed", text)
        return page(request, "sign_in.html", 403, refusal=told, **facts)
    if second_factor.is_on(services, user.id):
        step = request.app.state.tickets.issue(user.id, services.clock.now_ms())
        return page(request, "second.html", step=step, next=safe_next(next), refusal=None)
    return enter(request, services, user, safe_next(next))


@router.post("/sign-in/second")
@public
def second(
    request: Request,
    services: Svc,
    step: Text = "",
    code: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    """The code, after the passphrase. A wrong one may be tried again while the ticket lives."""
    tickets, tries = request.app.state.tickets, request.app.state.tries
    try:
        user = services.store.people.user(tickets.holder(step, services.clock.now_ms()))
        if user is None or not user.active:
            raise Refusal(410, "step_gone", "This account is closed. Ask an administrator.")
        second_factor.check(services, tries, user, code)
    except Refusal as refusal:
        facts = {"step": step, "next": safe_next(next), "refusal": refusal}
        return page(request, "second.html", refusal.status, **facts)
    tickets.close(step)
    return enter(request, services, user, safe_next(next))


@router.post("/sign-out")
@needs("reader")
def sign_out(request: Request, services: Svc, me: Me) -> Response:
    sessions.stop(services, me.token)
    response = RedirectResponse("/sign-in", 303)
    sessions.drop_cookie(request, response)
    return response


@router.get("/welcome/{token}")
@public
def welcome_page(request: Request) -> Response:
    return _join_page(request, accounts.FIRST)


@router.post("/welcome/{token}")
@public
def welcome(
    request: Request, services: Svc, token: str, name: Text = "", passphrase: Text = ""
) -> Response:
    return _join(request, services, accounts.FIRST, token, name, passphrase)


@router.get("/invitation/{token}")
@public
def invitation_page(request: Request) -> Response:
    return _join_page(request, accounts.INVITE)


@router.post("/invitation/{token}")
@public
def invitation(
    request: Request, services: Svc, token: str, name: Text = "", passphrase: Text = ""
) -> Response:
    return _join(request, services, accounts.INVITE, token, name, passphrase)


@router.post("/language")
@public
def language(request: Request, lang: Text = "fr", next: Text = "/") -> Response:  # noqa: A002
    response = RedirectResponse(safe_next(next), 303)
    if lang in LANGS:
        https = request.app.state.web.https
        response.set_cookie(
            LANG_COOKIE, lang, max_age=YEAR_S, httponly=True, samesite="lax", secure=https
        )
    return response


def _join_page(
    request: Request, purpose: str, name: str = "", refusal: Refusal | None = None
) -> Response:
    status = refusal.status if refusal else 200
    facts = {"purpose": purpose, "action": request.url.path, "name": name, "refusal": refusal}
    return page(request, "welcome.html", status, **facts)


def _join(
    request: Request, services: Svc, purpose: str, token: str, name: str, passphrase: str
) -> Response:
    try:
        user = accounts.accept(services, purpose, token, name, passphrase)
    except Refusal as refusal:
        return _join_page(request, purpose, name, refusal)
    return enter(request, services, user, "/")


def enter(
    request: Request, services: Svc, user: User, path: str, *, verified: bool = False
) -> Response:
    """Always a new session: one that was planted before signing in is dropped."""
    old = sessions.token_in(request)
    if old:
        sessions.stop(services, old)
    response = RedirectResponse(path, 303)
    sessions.set_cookie(request, response, sessions.start(services, user, verified=verified))
    return response
