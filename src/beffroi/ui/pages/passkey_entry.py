"""Signing in with a passkey, and the passkeys of one's account for that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import sign_in_passkeys as passkeys
from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import household
from beffroi.api.problems import Refusal
from beffroi.api.sign_in_passkeys import Challenges, Site
from beffroi.ui.pages import entry
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form(max_length=16_384)]


def site_of(request: Request) -> Site:
    host = request.headers.get("host", "")
    return Site(host.partition(":")[0].lower(), f"{request.url.scheme}://{host}")


def challenges_of(request: Request) -> Challenges:
    found: Challenges = request.app.state.sign_in_challenges
    return found


@router.get("/sign-in/passkey/options")
@public
def options(request: Request, services: Svc) -> dict[str, Any]:
    if not request.app.state.passkey_tries.allowed(household(request), services.clock.now_ms()):
        raise Refusal(429, "too_many_tries", "Too many attempts. Wait ten minutes, then try again.")
    return passkeys.request(services, site_of(request), challenges_of(request))


@router.post("/sign-in/passkey")
@public
def sign_in(
    request: Request,
    services: Svc,
    id: Text = "",  # noqa: A002 - the browser's name
    authenticatorData: Text = "",  # noqa: N803
    clientDataJSON: Text = "",  # noqa: N803
    signature: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    answer = {"id": id, "authenticatorData": authenticatorData}
    answer |= {"clientDataJSON": clientDataJSON, "signature": signature}
    try:
        user = passkeys.sign_in(services, site_of(request), challenges_of(request), answer)
    except Refusal as refusal:
        facts = {"next": entry.safe_next(next), "fresh": False, "name": "", "refusal": refusal}
        return page(request, "sign_in.html", refusal.status, **facts)
    return entry.enter(request, services, user, entry.safe_next(next), verified=True)


@router.post("/account/sign-in-passkeys/options")
@needs("reader")
def creation(request: Request, services: Svc, me: Me) -> dict[str, Any]:
    return passkeys.creation(services, site_of(request), challenges_of(request), me.user)


@router.post("/account/sign-in-passkeys")
@needs("reader")
def register(
    request: Request,
    services: Svc,
    me: Me,
    id: Text = "",  # noqa: A002
    attestationObject: Text = "",  # noqa: N803
    clientDataJSON: Text = "",  # noqa: N803
    name: Text = "",
) -> Response:
    answer = {"id": id, "attestationObject": attestationObject}
    answer |= {"clientDataJSON": clientDataJSON, "name": name}
    passkeys.register(services, site_of(request), challenges_of(request), me.user, answer)
    return RedirectResponse("/account#second", 303)


@router.post("/account/sign-in-passkeys/remove")
@needs("reader")
def remove(services: Svc, me: Me, id: Text = "") -> Response:  # noqa: A002
    passkeys.remove(services, me.user, id)
    return RedirectResponse("/account#second", 303)
