"""Ideas of inhabitants, and the experiments that some of them become.

Public pages show what was promised and what came out; drafts are the town hall's. An idea is a
report of the topic "idea": it is sent, read and answered as every other report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi.api import experiment_views as views
from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.problems import Refusal, not_found
from beffroi.api.report_views import desk_of as report_desk
from beffroi.hub.experiments.desk import ExperimentError
from beffroi.hub.services import Services
from beffroi.model.experiment import Experiment, ExperimentStage
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.report import IDEA, Report
from beffroi.ports.reports import Wanted
from beffroi.ui.pages.report_form import gate_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
DESK = "/town-hall/experiments"
WORDS: Mapping[str, Any] = {"stages": views.STAGES, "day_ms": views.day_ms}


@router.get("/idees")
@router.get("/ideas")
@public
def ideas_page(request: Request, services: Svc) -> Response:
    """The published ones, the most supported first."""
    by_idea: dict[str, Experiment] = {}
    for one in reversed(views.public(views.desk_of(request))):
        by_idea[one.plan.idea] = one
    facts: dict[str, Any] = {
        "ideas": sorted(_ideas(services), key=lambda one: (-one.supports, -one.received_ms)),
        "by_idea": by_idea,
        "stages": views.STAGES,
        "form": gate_of(request).form(services.clock.now_ms()),
    }
    return page(request, "experiment/ideas.html", **facts)


@router.get("/experiments")
@public
def list_page(request: Request) -> Response:
    found = [(one, views.outcome(one)) for one in views.public(views.desk_of(request))]
    return page(request, "experiment/list.html", found=found, **WORDS)


@router.get("/experiments/{ident}")
@public
def one_page(request: Request, services: Svc, ident: str) -> Response:
    return _one(request, services, views.seen(views.desk_of(request), ident))


@router.get(DESK)
def desk_page(request: Request) -> Response:
    return _desk(request)


@router.get(DESK + "/new")
@needs("operator")
def new_page(request: Request, services: Svc, measure: str = "", idea: str = "") -> Response:
    return _form(request, services, {"measure": measure, "idea": idea})


@router.post(DESK)
@needs("admin")
async def draft(request: Request, services: Svc, me: Me) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    return await run_in_threadpool(_drafted, request, services, me.user.id, form)


@router.get(DESK + "/{ident}")
def own_page(request: Request, services: Svc, ident: str) -> Response:
    one = views.desk_of(request).one(ident)
    if one is None:
        raise not_found(ident[:40])
    return _one(request, services, one)


@router.post(DESK + "/{ident}/{action}")
@needs("admin")
def act(
    request: Request, services: Svc, me: Me, ident: str, action: str, reason: Text = ""
) -> Response:
    """register, drop, stop, measure."""
    desk = views.desk_of(request)
    one = desk.one(ident)
    if one is None:
        raise not_found(ident[:40])
    try:
        if action == "stop":
            desk.stop(ident, reason, me.user.id)
        elif action in ("register", "drop", "measure"):
            getattr(desk, action)(ident, me.user.id)
        else:
            raise not_found(action[:40])
    except ExperimentError as error:
        return _one(request, services, one, Refusal(409, error.code, str(error)))
    return RedirectResponse(f"{DESK}/{ident}", 303)


def _ideas(services: Services) -> list[Report]:
    if services.reports is None:
        return []
    wanted = Wanted(topic=IDEA, public=True, limit=PAGE_ROWS_MAX)
    return report_desk(services).store.reports(wanted)


def _drafted(request: Request, services: Services, actor: str, form: dict[str, str]) -> Response:
    try:
        plan = views.read_form(request, services, form)
        if form.get("try"):  # simulate only
            return _form(request, services, form, guess=plan.guess)
        made = views.desk_of(request).draft(plan, actor)
    except ExperimentError as error:
        return _form(request, services, form, Refusal(422, error.code, str(error)))
    return RedirectResponse(f"{DESK}/{made.id}", 303)


def _desk(request: Request) -> Response:
    found = [(one, views.outcome(one)) for one in views.desk_of(request).all()]
    return page(request, "experiment/desk.html", found=found, **WORDS)


def _form(
    request: Request,
    services: Services,
    typed: dict[str, str],
    refusal: Refusal | None = None,
    guess: object = None,
) -> Response:
    """Step one chooses the measure; step two, with it, asks for everything else."""
    domain, kind, prop = views.measure_of(typed.get("measure", ""))
    known = views.property_of(services, domain, kind, prop)
    facts: dict[str, Any] = {
        "typed": defaultdict(str, typed),
        "refusal": refusal,
        "guess": guess,
        "measures": views.measures(services),
        "known": known,
        "groups": views.groups(services, domain, kind)[:PAGE_ROWS_MAX] if known else [],
        "offers": [one for one in views.offers(request).values() if one.domain == domain],
        "ideas": _ideas(services),
    }
    return page(request, "experiment/form.html", refusal.status if refusal else 200, **facts)


def _one(
    request: Request, services: Services, one: Experiment, refusal: Refusal | None = None
) -> Response:
    desk = views.desk_of(request)
    days = desk.days(one.plan) if one.stage is not ExperimentStage.DROPPED else ({}, None)
    report = services.reports.store.report(one.plan.idea) if services.reports else None
    facts: dict[str, Any] = {
        "one": one,
        "outcome": views.outcome(one),
        "drawing": views.drawing(one.plan, *days),
        "level": views.level(one.plan, days[0]),
        "waits": one.stage is ExperimentStage.REGISTERED and desk.over(one),
        "measured": views.property_of(services, one.plan.domain, one.plan.kind, one.plan.prop),
        "stage": views.STAGES[one.stage],
        "offer": views.offers(request).get(one.plan.twin),
        "origin": desk.origin,
        "idea": report if report is not None and report.public else None,
        "own": request.url.path.startswith(DESK),
        "refusal": refusal,
        "day_ms": views.day_ms,
    }
    return page(request, "experiment/one.html", refusal.status if refusal else 200, **facts)
