"""Consultations for people: answer with a code, find one's ballot again, and the desk that asks.

Public pages for those who vote; drafts, codes and the count are for the town hall.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import household
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.consultations import booth_of, desk_of, refused, seen
from beffroi.hub.consultations.desk import Consultations
from beffroi.model.consultation import Consultation, Stage
from beffroi.model.limits import PERSON_CHARS_MAX, VOTING_CODE_CHARS
from beffroi.ui.office import zone_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
TYPED_CHARS_MAX = 3 * VOTING_CODE_CHARS
LAST_MINUTE = time(23, 59)


@router.get("/consultations")
@public
def list_page(request: Request) -> Response:
    found = [one for one in desk_of(request).store.consultations() if one.stage is not Stage.DRAFT]
    newest = sorted(found, key=lambda one: -one.opened_ms)
    return page(request, "consultation/list.html", consultations=newest)


@router.get("/consultations/{ident}")
@public
def one_page(request: Request, services: Svc, ident: str) -> Response:
    return _one(request, services, seen(desk_of(request), ident))


@router.post("/consultations/{ident}/vote")
@public
def vote(
    request: Request,
    services: Svc,
    ident: str,
    code: Text = "",
    choice: Annotated[int, Form()] = -1,
    word: Text = "",
) -> Response:
    """The receipt is on this page and nowhere else: it is not kept, so it cannot be sent again."""
    desk, now = desk_of(request), services.clock.now_ms()
    one = seen(desk, ident)
    try:
        booth_of(request).admit(household(request), now)
        with refused():
            receipt = desk.vote(ident, code[:TYPED_CHARS_MAX], choice, word[:PERSON_CHARS_MAX], now)
    except Refusal as refusal:
        return _one(request, services, one, refusal)
    facts = {"one": one, "receipt": receipt, "word": word[:PERSON_CHARS_MAX], "chosen": choice}
    return page(request, "consultation/receipt.html", **facts)


@router.post("/consultations/{ident}/find")
@public
def find(
    request: Request, services: Svc, ident: str, receipt: Text = "", word: Text = ""
) -> Response:
    desk = desk_of(request)
    one = seen(desk, ident)
    booth_of(request).admit(household(request), services.clock.now_ms())
    with refused():
        ballot = desk.find(ident, receipt[: 2 * TYPED_CHARS_MAX], word[:PERSON_CHARS_MAX])
    said = one.choices[ballot.choice] if ballot else ""
    return _one(request, services, one, looked=True, mine=said)


@router.get("/town-hall/consultations")
def desk_page(request: Request) -> Response:
    return _desk(request, desk_of(request))


@router.post("/town-hall/consultations")
@needs("admin")
def draft(
    request: Request,
    services: Svc,
    me: Me,
    title: Text = "",
    text: Text = "",
    choices: Text = "",
    until: Text = "",
) -> Response:
    """Choices come one a line; the last day ends at its last minute in the commune's time."""
    desk, now = desk_of(request), services.clock.now_ms()
    try:
        day = datetime.fromisoformat(until).date()
    except ValueError:
        refusal = Refusal(422, "day", "Choose the last day of the consultation.")
        return _desk(request, desk, refusal)
    end = datetime.combine(day, LAST_MINUTE, zone_of(services))
    closes_ms = int(end.timestamp() * 1000)
    try:
        with refused():
            made = desk.draft(title, text.replace("\r", ""), choices.splitlines(), closes_ms, now)
    except Refusal as refusal:
        return _desk(request, desk, refusal)
    services.store.people.log_access(now, me.user.id, "consultation_draft", made.id)
    return RedirectResponse("/town-hall/consultations", 303)


@router.post("/town-hall/consultations/{ident}/{action}")
@needs("admin")
def act(
    request: Request,
    services: Svc,
    me: Me,
    ident: str,
    action: str,
    many: Annotated[int, Form()] = 0,
) -> Response:
    desk, now = desk_of(request), services.clock.now_ms()
    codes: list[str] = []
    try:
        with refused():
            if action == "codes":
                codes = desk.codes(ident, many)
            elif action == "open":
                desk.open(ident, now)
            elif action == "close":
                desk.close(ident, now)
            else:
                raise not_found(action[:40])
    except Refusal as refusal:
        return _desk(request, desk, refusal)
    services.store.people.log_access(now, me.user.id, f"consultation_{action}", ident)
    if codes:
        facts = {"one": desk.store.consultation(ident), "codes": codes}
        return page(request, "consultation/codes.html", **facts)
    return RedirectResponse("/town-hall/consultations", 303)


def _one(
    request: Request,
    services: Svc,
    one: Consultation,
    refusal: Refusal | None = None,
    *,
    looked: bool = False,
    mine: str = "",
) -> Response:
    desk = desk_of(request)
    counted = desk.counted(one.id) if one.stage is Stage.CLOSED else None
    facts: dict[str, Any] = {
        "one": one,
        "over": services.clock.now_ms() >= one.closes_ms,
        "issued": counted.issued if counted else len(desk.store.codes(one.id).issued),
        "refusal": refusal,
        "looked": looked,
        "mine": mine,
        "counts": counted.counts if counted else (),
        "findings": counted.findings if counted else (),
    }
    return page(request, "consultation/one.html", refusal.status if refusal else 200, **facts)


def _desk(request: Request, desk: Consultations, refusal: Refusal | None = None) -> Response:
    found = desk.store.consultations()
    now = request.app.state.services.clock.now_ms()
    facts: dict[str, Any] = {
        "consultations": found,
        "issued": {one.id: len(desk.store.codes(one.id).issued) for one in found},
        "over": {one.id: now >= one.closes_ms for one in found},
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return page(request, "consultation/desk.html", status, **facts)
