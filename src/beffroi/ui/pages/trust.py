"""Who may sign what, as the root has signed it; who of the accounts is whom; how guards stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import trust_views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import View, dispatch_of
from beffroi.api.problems import Refusal, not_found, understood
from beffroi.api.routes import commands_people as people_routes
from beffroi.api.routes.commands_people import PersonIn
from beffroi.api.words import lang_of
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.model.limits import PERSON_CHARS_MAX
from beffroi.ui.pages.beginning import how_to_begin
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/trust")
def trust_page(request: Request, services: Svc, me: Me) -> Response:
    if services.dispatch is None:
        return how_to_begin(request, services)
    return _trust(request, services, me)


@router.post("/trust/persons/{user_id}")
@needs("admin")
def set_person(
    request: Request, services: Svc, me: Me, user_id: str, person: Text = ""
) -> Response:
    try:
        body = PersonIn(person=person[:PERSON_CHARS_MAX])
        people_routes.put_person(services, me, user_id, body)
    except (DeniedError, Refusal) as error:
        return _trust(request, services, me, understood(error))
    return RedirectResponse("/trust#who", 303)


@router.get("/trust/{target}")
def rules_page(request: Request, services: Svc, me: Me, target: str) -> Response:
    """Everything that can be done to one target."""
    trusted = dispatch_of(services).book.trusted
    envelope = trusted.envelopes.get(target)
    if envelope is None:
        raise not_found(target)
    view = View(services, lang_of(request), me.user)
    facts: dict[str, Any] = {
        "envelope": envelope,
        "target": view.target(target),
        "held": {name: view.held(target, name) for name in envelope.actions},
        "ends": trust_views.ends(envelope.expires_ms, services.clock.now_ms()),
        "asset": services.store.assets.asset(target),
    }
    return page(request, "rules.html", **facts)


@router.get("/guards")
def guards_page(request: Request, services: Svc, me: Me) -> Response:
    if services.dispatch is None:
        return how_to_begin(request, services)
    found = trust_views.guards(services, lang_of(request), me.user)
    return page(request, "guards.html", guards=found)


def _trust(request: Request, services: Svc, me: Me, refusal: Refusal | None = None) -> Response:
    held = trust_views.trust(services, lang_of(request), me.user)
    people = people_routes.read_persons(services)
    persons = sorted({one["person"] for one in people["persons"] if one["role"] == "operator"})
    facts: dict[str, Any] = {
        "held": held,
        "accounts": [one for one in people["accounts"] if one["active"]],
        "persons": persons,
        "refusal": refusal,
    }
    return page(request, "trust.html", refusal.status if refusal else 200, **facts)
