"""Signing in at an identity service: there, and back with a code. Public pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import second_factor, vouched
from beffroi.api.access import Svc, public
from beffroi.api.asked import address_of, household
from beffroi.api.oidc import Oidc
from beffroi.api.problems import Refusal, not_found
from beffroi.model.limits import OIDC_STEP_MS_MAX
from beffroi.ui.pages.entry import enter, safe_next
from beffroi.ui.render import page

router = APIRouter()
BACK = "/sign-in/oidc/back"
COOKIE = "beffroi_oidc"


def oidc_of(request: Request) -> Oidc:
    found: Oidc | None = request.app.state.oidc
    if found is None:
        raise not_found("oidc")
    return found


def back_of(request: Request) -> str:
    """The name is one of our own: the border looked."""
    scheme = "https" if request.app.state.web.https else request.url.scheme
    return f"{scheme}://{request.headers.get('host', '')}{BACK}"


@router.get("/sign-in/oidc")
@public
def go(request: Request, services: Svc, next: str = "/") -> Response:  # noqa: A002
    oidc, now_ms = oidc_of(request), services.clock.now_ms()
    try:
        _admit(request, now_ms)
        where, browser = oidc.begin(back_of(request), safe_next(next), now_ms)
    except Refusal as refusal:
        return _refused(request, refusal)
    response = RedirectResponse(where, 303)
    https = request.app.state.web.https
    response.set_cookie(
        COOKIE, browser, max_age=OIDC_STEP_MS_MAX // 1000, httponly=True, secure=https,
        samesite="lax", path=BACK,
    )  # fmt: skip
    return response


@router.get(BACK)
@public
def back(request: Request, services: Svc) -> Response:
    """An answer is good once, in the browser that began it."""
    oidc, now_ms = oidc_of(request), services.clock.now_ms()
    try:
        _admit(request, now_ms)
        given = dict(request.query_params)
        known = oidc.finish(given, request.cookies.get(COOKIE, ""), back_of(request), now_ms)
        user = vouched.account(services, known, address_of(request))
    except Refusal as refusal:
        return _refused(request, refusal)
    if second_factor.is_on(services, user.id) and not known.second:
        step = request.app.state.tickets.issue(user.id, now_ms)
        return page(request, "second.html", step=step, next=known.next, refusal=None)
    response = enter(request, services, user, known.next, verified=known.second)
    response.delete_cookie(COOKIE, path=BACK)
    return response


def _admit(request: Request, now_ms: int) -> None:
    if not request.app.state.oidc_tries.allowed(household(request), now_ms):
        text = "Too many attempts. Wait ten minutes, then try again."
        raise Refusal(429, "too_many_tries", text)


def _refused(request: Request, refusal: Refusal) -> Response:
    facts = {"next": "/", "fresh": False, "name": "", "refusal": refusal}
    return page(request, "sign_in.html", refusal.status, **facts)
