"""What administrators answer for: personal data kept, read, exported, erased; and the record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import own_data
from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Number
from beffroi.api.own_data import keeper_of
from beffroi.api.problems import Refusal
from beffroi.api.routes import privacy as api
from beffroi.hub.privacy import register
from beffroi.model.limits import BULK_FREE_ROWS, PAGE_ROWS_MAX
from beffroi.model.purposes import PURPOSES
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/privacy")
@needs("admin")
def privacy_page(request: Request, services: Svc, me: Me) -> Response:
    return _page(request, services, me)


@router.get("/privacy/accesses")
@needs("admin")
def accesses_page(request: Request, services: Svc, before: Number = 0) -> Response:
    """The log itself cannot be changed from anywhere: there is no form on this page."""
    lines = keeper_of(services).vault.accesses(PAGE_ROWS_MAX, before)
    names = {user.id: user.name for user in services.store.people.users()}
    older = lines[-1].id if len(lines) == PAGE_ROWS_MAX else 0
    return page(request, "accesses.html", lines=lines, names=names, older=older)


@router.get("/privacy/record")
def record_page(request: Request, services: Svc) -> Response:
    facts: dict[str, Any] = {
        "lines": api.record_of(services),
        "register": register,
    }
    return page(request, "record.html", **facts)


@router.post("/privacy/exports")
@needs("admin")
def ask(request: Request, services: Svc, me: Me, purpose: Text = "", why: Text = "") -> Response:
    try:
        api.ask(services, me, purpose, why)
    except Refusal as refusal:
        return _page(request, services, me, refusal)
    return RedirectResponse("/privacy#exports", 303)


@router.post("/privacy/exports/{request_id}/confirm")
@needs("admin")
def confirm(request: Request, services: Svc, me: Me, request_id: str) -> Response:
    try:
        api.confirm(services, me, request_id)
    except Refusal as refusal:
        return _page(request, services, me, refusal)
    return RedirectResponse("/privacy#exports", 303)


@router.post("/privacy/exports/{request_id}/take")
@needs("admin")
def take(request: Request, services: Svc, me: Me, request_id: str) -> Response:
    try:
        return api.take_export(services, me, request_id)
    except Refusal as refusal:
        return _page(request, services, me, refusal)


@router.post("/privacy/erase")
@needs("admin")
def erase(request: Request, services: Svc, me: Me, subject: Text = "") -> Response:
    try:
        api.erase_named(services, me, subject.strip())
    except Refusal as refusal:
        return _page(request, services, me, refusal)
    return RedirectResponse("/privacy/accesses", 303)


@router.post("/people/{user_id}/erase")
@needs("admin")
def erase_account(request: Request, services: Svc, me: Me, user_id: str) -> Response:
    try:
        api.erase_person(services, me, user_id)
    except Refusal as refusal:
        return _page(request, services, me, refusal)
    return RedirectResponse("/privacy", 303)


def _page(request: Request, services: Svc, me: Me, refusal: Refusal | None = None) -> Response:
    keeper, now = keeper_of(services), services.clock.now_ms()
    users = services.store.people.users()
    facts: dict[str, Any] = {
        "refusal": refusal,
        "purposes": list(PURPOSES.values()),
        "labels": {one.id: one.label for one in PURPOSES.values()},
        "held": {one.purpose: one for one in keeper.vault.held()},
        "exports": keeper.bulk.open(now),
        "free_rows": BULK_FREE_ROWS,
        "names": {user.id: user.name for user in users},
        "closed": [user for user in users if not user.active and user.name != own_data.gone(user)],
        "me": me.user.id,
    }
    return page(request, "privacy.html", refusal.status if refusal else 200, **facts)
