"""The incident desk: what is open and which clock runs out first; one incident with its sheet."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi import law
from beffroi.api import alarm_views
from beffroi.api.access import Me, Svc
from beffroi.api.problems import Refusal, not_found
from beffroi.api.words import lang_of
from beffroi.hub.dossier.mayor import bare
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.incidents.case import Case
from beffroi.hub.incidents.clocks import Clock, clocks, pressing
from beffroi.hub.incidents.desk import Opening, proposed
from beffroi.hub.incidents.notices import Sender, drafts
from beffroi.hub.incidents.sheets import ADDRESSEES, SHEETS
from beffroi.hub.services import Services
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ui.office import moment_ms, office_of, refusal_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
PROPOSED_MAX = 5


@router.get("/incidents")
def incidents_page(request: Request, services: Svc, alarm: str = "") -> Response:
    return _list_page(request, services, {"alarm": alarm})


@router.post("/incidents")
def open_incident(
    request: Request,
    services: Svc,
    me: Me,
    sheet: Text = "",
    title: Text = "",
    known: Text = "",
    exercise: Text = "",
    alarm: Text = "",
    seen: Text = "",
) -> Response:
    """Open it and go there; a refusal keeps what was typed."""
    typed = {"procedure": sheet, "title": title, "known": known, "alarm": alarm, "seen": seen}
    try:
        known_ms = moment_ms(services, known) if known else 0
        if alarm and services.store.alarms.alarm(alarm) is None:
            raise not_found(alarm)
        opening = Opening(sheet, title, known_ms, bool(exercise), alarm, seen=seen)
        case = office_of(services).incidents.open(opening, me.user.id)
    except RegisterError as error:
        return _list_page(request, services, typed, refusal_of(error, lang_of(request)))
    except Refusal as refusal:
        return _list_page(request, services, typed, refusal)
    return RedirectResponse(f"/incidents/{case.id}", 303)


@router.get("/incidents/{case_id}")
def incident_page(request: Request, services: Svc, case_id: str) -> Response:
    return _case_page(request, services, _case(services, case_id))


@router.post("/incidents/{case_id}/{action}")
async def act(request: Request, services: Svc, me: Me, case_id: str, action: str) -> Response:
    """step, facts, sent, close, reopen."""
    form = await request.form()
    given = {name: str(value) for name, value in form.items()}
    return await run_in_threadpool(_acted, request, services, me.user.id, case_id, action, given)


def _acted(
    request: Request,
    services: Services,
    actor: str,
    case_id: str,
    action: str,
    given: dict[str, str],
) -> Response:
    desk, case = office_of(services).incidents, _case(services, case_id)
    try:
        if action == "step":
            desk.step(case.id, given.get("text", ""), actor)
        elif action == "facts":
            desk.tell(case.id, given, actor)
        elif action == "sent":
            desk.sent(case.id, given.get("addressee", ""), given.get("proof", ""), actor)
        elif action == "close":
            desk.close(case.id, given.get("lessons", ""), actor)
        elif action == "reopen":
            desk.reopen(case.id, actor)
        else:
            raise not_found(action)
    except RegisterError as error:
        refusal = refusal_of(error, lang_of(request))
        return _case_page(request, services, _case(services, case_id), refusal, given)
    return RedirectResponse(f"/incidents/{case.id}", 303)


def _case(services: Services, case_id: str) -> Case:
    case = office_of(services).incidents.case(case_id)
    if case is None:
        raise not_found(case_id)
    return case


def clocks_of(services: Services, case: Case) -> list[Clock]:
    alarm = services.store.alarms.alarm(case.alarm) if case.alarm else None
    decided = alarm.decision.decided_ms if alarm and alarm.decision else 0
    situation = office_of(services).situation()
    return clocks(case, law.deadlines(), situation, services.clock.now_ms(), decided)


def _list_page(
    request: Request,
    services: Services,
    typed: dict[str, str],
    refusal: Refusal | None = None,
) -> Response:
    cases, lang = office_of(services).incidents.all()[:PAGE_ROWS_MAX], lang_of(request)
    opened = [(case, pressing(clocks_of(services, case))) for case in cases if case.open]
    waiting = {alarm.id: alarm for alarm in bare(services.desk.open())}
    wanted = proposed(list(waiting), cases)[:PROPOSED_MAX]
    shown = alarm_views.views(services, [waiting[one] for one in wanted], lang)
    facts: dict[str, Any] = {
        "opened": opened,
        "closed": [case for case in cases if not case.open],
        "proposed": shown,
        "sheets": SHEETS,
        "typed": typed,
        "refusal": refusal,
    }
    return page(request, "incidents.html", refusal.status if refusal else 200, **facts)


def _case_page(
    request: Request,
    services: Services,
    case: Case,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    commune = services.store.assets.commune()
    sender = Sender(
        commune.name if commune else "",
        commune.timezone if commune else "Europe/Paris",
        commune.insee if commune else "",
    )
    known = {one.id: one for one in law.incidents()}
    sheet = SHEETS[case.sheet]
    facts: dict[str, Any] = {
        "case": case,
        "procedure": sheet,
        "clocks": clocks_of(services, case),
        "drafts": drafts(case, sender),
        "addressees": ADDRESSEES,
        "who": alarm_views.people(services).called,
        "precedents": [
            (known[one], law.shown(known[one], lang_of(request)))
            for one in sheet.precedents
            if one in known
        ],
        "shown": law.shown,
        "refusal": refusal,
        "typed": typed or {},
    }
    return page(request, "incident.html", refusal.status if refusal else 200, **facts)
