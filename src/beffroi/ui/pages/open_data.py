"""Open data for people: what is published, one dataset, and what the commune decides. The first two
are public pages; a dataset that is not published does not exist there."""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.open_data import Open, open_data_of
from beffroi.hub.open_data.catalogue import LICENCES
from beffroi.hub.open_data.dataset import day
from beffroi.hub.open_data.derive import nevers
from beffroi.hub.open_data.forms import FORMS, can
from beffroi.hub.open_data.publish import UnknownError, late
from beffroi.hub.open_data.shelf import BusyError
from beffroi.model.limits import EMAIL_CHARS_MAX
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
SHOWN = 20  # rows on the page of a dataset


@router.get("/donnees")
@public
def in_french() -> Response:
    """The address that people write down."""
    return RedirectResponse("/open-data", 307)


@router.get("/open-data")
@public
def list_page(request: Request, services: Svc, found: Open) -> Response:
    published = found.published()
    facts: dict[str, Any] = {
        "published": published,
        "late": {p.dataset.id: late(p.dataset, p.newest_ms, found.end_ms()) for p in published},
        "licence": found.licence(),
        "nevers": nevers(services.domains),
    }
    return page(request, "open_data/list.html", **facts)


@router.get("/open-data/{name}")
@public
def dataset_page(request: Request, found: Open, name: str) -> Response:
    try:
        dataset = found.dataset(name)
    except UnknownError as error:
        raise not_found(name[:80]) from error
    span = found.span(dataset)
    try:
        _, opened = found.file(dataset, "json", span)
    except BusyError as error:
        raise Refusal(503, "busy", "{text}", text=str(error)) from error
    with opened:
        rows = [list(json.loads(line).values()) for line in islice(opened, SHOWN)]
    newest = found.newest(dataset)
    facts: dict[str, Any] = {
        "dataset": dataset,
        "day": day,
        "rows": rows,
        "span": span,
        "forms": [form for form in FORMS if form != "json" and can(form, dataset)],
        "licence": found.licence(),
        "newest": newest,
        "late": late(dataset, newest, found.end_ms()),
        "since": found.decision(dataset.id).at_ms,
    }
    return page(request, "open_data/one.html", **facts)


@router.get("/data/open")
def decisions_page(request: Request, services: Svc) -> Response:
    found = open_data_of(request)
    facts: dict[str, Any] = {
        "datasets": list(found.all.values()),
        "decisions": {ident: found.decision(ident) for ident in found.all},
        "who": {user.id: user.name for user in services.store.people.users()},
        "licence": found.licence(),
        "licences": list(LICENCES.values()),
        "contact": found.contact(),
        "nevers": nevers(services.domains),
    }
    return page(request, "open_data/decide.html", **facts)


@router.post("/data/open/settings")
@needs("admin")
def settings(request: Request, licence: Text = "", contact: Text = "") -> Response:
    contact = contact.strip()
    if contact and (len(contact) > EMAIL_CHARS_MAX or contact.count("@") != 1 or " " in contact):
        text = "This is no e-mail address. Leave it empty if there is none."
        raise Refusal(422, "contact", text)
    open_data_of(request).configure(licence, contact)
    return RedirectResponse("/data/open", 303)


@router.post("/data/open/{name}")
@needs("admin")
def decide(request: Request, me: Me, name: str, value: Text = "close") -> Response:
    try:
        open_data_of(request).decide(name, value == "open", me.user.id)
    except UnknownError as error:
        raise not_found(name[:80]) from error
    return RedirectResponse("/data/open", 303)
