"""The mayor's page: what waits for a decision first, then ten minutes of reading. Printable."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import alarm_views
from beffroi.api.access import Svc
from beffroi.api.words import lang_of
from beffroi.evidence import words
from beffroi.hub.alarms.text import DECISIONS
from beffroi.hub.dossier.books import BOOKS
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.gather import gather
from beffroi.hub.dossier.mayor import SHOWN_MAX, Desk, page_of
from beffroi.hub.incidents.clocks import pressing
from beffroi.hub.services import Services
from beffroi.model.measure import DAY_MS
from beffroi.ui.office import office_of
from beffroi.ui.pages.incidents import clocks_of
from beffroi.ui.render import page

router = APIRouter()
DAYS_MS = 90 * DAY_MS  # of commands and reports


@router.get("/maire")
def mayor_page(request: Request, services: Svc) -> Response:
    desk, lang, who = desk_of(services), lang_of(request), alarm_views.people(services)
    facts: dict[str, Any] = {
        "desk": desk,
        "waiting": alarm_views.views(services, desk.bare[:SHOWN_MAX], lang, who),
        "late": alarm_views.views(services, desk.late[:SHOWN_MAX], lang, who),
        "decided": alarm_views.views(services, desk.decided[:SHOWN_MAX], lang, who),
        "decisions": DECISIONS,
        "answers": BOOKS["request"].fields[2].choices,
        "risk_words": BOOKS["risk"].fields[1].choices,
        "reason": lambda name: getattr(words.reason(name), lang, name),
        "who": who.called,
        "shown_max": SHOWN_MAX,
    }
    return page(request, "mayor.html", **facts)


@router.get("/mayor")
def mayor_in_english() -> Response:
    return RedirectResponse("/maire", 307)


def desk_of(services: Services) -> Desk:
    office = office_of(services)
    now = services.clock.now_ms()
    facts = gather(office.stores, Period(now - DAYS_MS, now + 1), brief=True)
    cases = [
        (case, pressing(clocks_of(services, case))) for case in office.incidents.all() if case.open
    ]
    return page_of(facts, cases)
