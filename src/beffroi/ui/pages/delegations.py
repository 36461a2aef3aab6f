"""Delegated competences: the commune's register of them, and what a body sees of its communes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.delegated import delegations_of
from beffroi.api.words import lang_of
from beffroi.domains.envelopes import organisation as identifier
from beffroi.hub.delegations import Delegation
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.services import Services
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.ports.followed import Followed, Seen
from beffroi.ui.office import moment_ms, refusal_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/people/delegations")
@needs("admin")
def delegations_page(request: Request, services: Svc) -> Response:
    return _page(request, services)


@router.post("/people/delegations")
@needs("admin")
def grant(
    request: Request,
    services: Svc,
    me: Me,
    domain: Text = "",
    organisation: Text = "",
    act: Text = "",
    decided: Text = "",
    begins: Text = "",
    ends: Text = "",
) -> Response:
    """Record it; a refusal keeps what was typed."""
    typed = {
        "domain": domain, "organisation": organisation, "act": act, "decided": decided,
        "begins": begins, "ends": ends,
    }  # fmt: skip
    try:
        if domain not in services.domains:
            raise not_found(domain[:NAME_CHARS_MAX])
        moment_ms(services, decided)
        from_ms = moment_ms(services, begins)
        until_ms = moment_ms(services, ends) if ends else 0
        delegations_of(services).grant(
            domain, organisation, act, decided, from_ms, until_ms, me.user.id
        )
    except RegisterError as error:
        return _page(request, services, refusal_of(error, lang_of(request)), typed=typed)
    except Refusal as refusal:
        return _page(request, services, refusal, typed=typed)
    return RedirectResponse("/people/delegations", 303)


@router.post("/people/delegations/{ident}/{action}")
@needs("admin")
def act_on(
    request: Request, services: Svc, me: Me, ident: str, action: str, why: Text = ""
) -> Response:
    """end, token (the answer shows it, this once), revoke."""
    desk = delegations_of(services)
    if desk.one(ident) is None:
        raise not_found(ident[:NAME_CHARS_MAX])
    try:
        if action == "token":
            return _page(request, services, token=desk.issue(ident, me.user.id))
        if action == "revoke":
            desk.revoke(ident, me.user.id)
        elif action == "end":
            desk.end(ident, why, me.user.id)
        else:
            raise not_found(action[:NAME_CHARS_MAX])
    except RegisterError as error:
        return _page(request, services, refusal_of(error, lang_of(request)))
    return RedirectResponse("/people/delegations", 303)


@router.get("/delegated")
def delegated_page(request: Request) -> Response:
    """Of a body: what each commune tells it now. Waits for them, some seconds at most."""
    followed: Followed | None = getattr(request.app.state, "followed", None)
    found = followed.look() if followed else ()
    seen = sorted(found, key=lambda one: (one.told is None, -_undecided(one)))
    facts = {
        "seen": seen,
        "undecided": sum(_undecided(one) for one in seen),
        "count": sum(one.told.count for one in seen if one.told),
    }
    return page(request, "delegated.html", **facts)


def _undecided(one: Seen) -> int:
    return one.told.undecided if one.told else 0


def _page(
    request: Request,
    services: Services,
    refusal: Refusal | None = None,
    *,
    typed: dict[str, str] | None = None,
    token: str = "",
) -> Response:
    now = services.clock.now_ms()
    there = delegations_of(services).all()[::-1]
    facts: dict[str, Any] = {
        "running": [one for one in there if not one.over(now)],
        "past": [one for one in there if one.over(now)],
        "unsigned": {one.id: _unsigned(services, one, now) for one in there},
        "held": {one.id: _held(services, one) for one in there if one.runs(now)},
        "names": {user.id: user.name for user in services.store.people.users()},
        "typed": typed or {},
        "token": token,
        "here": f"{request.url.scheme}://{request.headers.get('host', '')}",
        "refusal": refusal,
    }
    return page(request, "delegations.html", refusal.status if refusal else 200, **facts)


def _held(services: Services, one: Delegation) -> tuple[int, int]:
    """Assets of the service in the organisation's hands, and in others'."""
    assets = services.store.assets.assets(one.domain)
    mine = sum(asset.authority == one.organisation for asset in assets)
    return mine, len(assets) - mine


def _unsigned(services: Services, one: Delegation, now_ms: int) -> int:
    """Targets whose rules, as signed, still name another authority than the register does."""
    if services.dispatch is None or not one.runs(now_ms):
        return 0
    wanted = identifier(one.organisation)
    rules = services.dispatch.book.trusted.envelopes.values()
    return sum(rule.service == one.domain and rule.authority != wanted for rule in rules)
