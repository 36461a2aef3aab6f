"""Acting on one thing: a form for each act, what it would need in plain words, then the request.

Units are real ones; `api.command_words` turns them into what is sent. Two steps on purpose: nobody
sends by one slip of the hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from beffroi.api import command_views, command_words
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import View, dispatch_of, person_of
from beffroi.api.problems import Refusal, not_found, understood
from beffroi.api.scope import may, of_asset
from beffroi.api.words import lang_of
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.request import Wish, say
from beffroi.hub.services import Services
from beffroi.ui.render import page

router = APIRouter()
PREFIX = "p_"  # of a form's fields that are parameters
HOUR_S = 3_600


def offer(request: Request, services: Services, me: Me, target: str) -> dict[str, Any] | None:
    """What the section "Act" of an asset's page shows; None when there is nothing to offer."""
    asks = may(me.user, "commands.operator", of_asset(services, target))
    if services.dispatch is None or not asks:
        return None
    try:
        return View(services, lang_of(request), me.user).target(target)
    except DeniedError:  # the signed rules have ended: an alarm says so
        return None


@router.get("/act/{target}")
@needs("operator")
def act_page(request: Request, services: Svc, me: Me, target: str, action: str = "") -> Response:
    """Without `action`: what can be asked. With it: what the wish in the address would need."""
    view = View(services, lang_of(request), me.user)
    found = _target(view, target)
    if not action:
        return _page(request, services, view, found)
    return _preview(request, services, me, view, found, action, dict(request.query_params))


@router.post("/act/{target}")
async def ask(request: Request, services: Svc, me: Me, target: str) -> Response:
    """Ask for exactly what was previewed."""
    form = await request.form()
    return await run_in_threadpool(_ask, request, services, me, target, _texts(form))


def _ask(
    request: Request, services: Svc, me: Me, target: str, given: Mapping[str, str]
) -> Response:
    view = View(services, lang_of(request), me.user)
    found = _target(view, target)
    action = given.get("action", "")
    try:
        wish = _wish(found, action, given)
        row = dispatch_of(services).office.request(wish, me.user.id)
    except (DeniedError, Refusal) as error:
        return _page(request, services, view, found, given, understood(error), action)
    return RedirectResponse(f"/commands/{row.id}", 303)


def _preview(
    request: Request,
    services: Svc,
    me: Me,
    view: View,
    found: dict[str, Any],
    action: str,
    given: Mapping[str, str],
) -> Response:
    try:
        wish = _wish(found, action, given)
        seen = dispatch_of(services).office.preview(wish)
    except (DeniedError, Refusal) as error:
        return _page(request, services, view, found, given, understood(error), action)
    facts: dict[str, Any] = {
        "target": found,
        "action": action,
        "act": found["actions"][action],
        "given": {k: v for k, v in given.items() if k.startswith(PREFIX) and v.strip()},
        "hours": given.get("hours", ""),
        "say": say(seen.need.action, wish.params, lang_of(request)),
        "shown": view.params_shown(wish.target, action, wish.params),
        "klass": seen.need.klass,
        "safe": seen.need.case.safe,
        "needed": command_views.missing_json(seen.missing),
        "complete": seen.missing.complete,
        "problems": [_refusal(one) for one in seen.problems],
        "held": view.held(wish.target, action),
        "person_of_me": person_of(services, me.user.id),
        "asset": services.store.assets.asset(wish.target),
    }
    return page(request, "act_preview.html", **facts)


def _page(
    request: Request,
    services: Svc,
    view: View,
    found: dict[str, Any],
    given: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    action: str = "",
) -> Response:
    facts: dict[str, Any] = {
        "target": found,
        "given": given or {},
        "refusal": refusal,
        "opened": action,
        "held": {name: view.held(found["target"], name) for name in found["actions"]},
        "asset": services.store.assets.asset(found["target"]),
    }
    return page(request, "act.html", refusal.status if refusal else 200, **facts)


def _target(view: View, target: str) -> dict[str, Any]:
    found = view.target(target)
    if found is None:
        raise not_found(target)
    return found


def _wish(found: Mapping[str, Any], action: str, given: Mapping[str, str]) -> Wish:
    if action not in found["actions"]:
        raise Refusal(422, "action", "Choose what is to be done.")
    named = {k.removeprefix(PREFIX): v for k, v in given.items() if k.startswith(PREFIX)}
    params = command_words.parsed(found["actions"][action]["params"], named)
    hours = given.get("hours", "")
    life_ms = int(hours) * HOUR_S * 1000 if hours.isdecimal() and len(hours) <= 2 else 0
    return Wish(found["target"], action, params, 0, life_ms)


def _texts(form: FormData) -> dict[str, str]:
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _refusal(denied: Any) -> Refusal:
    return understood(DeniedError(denied))
