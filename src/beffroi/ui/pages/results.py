"""The public page of proven results, how each figure is computed, and the fair comparison."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import result_views as views
from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import household
from beffroi.api.problems import Refusal, not_found
from beffroi.api.words import lang_of
from beffroi.hub.compare.fair import Fair
from beffroi.hub.compare.peers import Peers
from beffroi.hub.compare.population import PopulationError
from beffroi.hub.indicators import public as publishing
from beffroi.hub.indicators.scoreboard import Sheet
from beffroi.model.limits import COMPARE_COMMUNES_MIN, RESULTS_FRESH_S
from beffroi.model.measure import Measured
from beffroi.ui.render import page

router = APIRouter()
DAYS = 365
Text = Annotated[str, Form(max_length=10)]


@router.get("/results")
@public
def results_page(request: Request, services: Svc) -> Response:
    sheet, shown = _asked(request, services)
    lang = lang_of(request)
    told = Sheet(sheet.span, sheet.at_ms, shown)
    facts: dict[str, Any] = {
        "families": views.families(services, told, lang, public=True),
        "period": sheet,
        "is_open": publishing.opened(services.store.people),
        "proven": sum(one.value is not None for one in shown.values()),
    }
    return _cached(page(request, "results.html", **facts), request)


@router.get("/resultats")
@public
def french_address(request: Request) -> Response:
    """The address that is printed on paper."""
    return RedirectResponse(f"/results?{request.url.query or 'lang=fr'}", 307)


@router.get("/results/{ident}")
@public
def result_page(request: Request, services: Svc, ident: str) -> Response:
    sheet, shown = _asked(request, services)
    if ident not in shown:
        raise not_found(ident[:20])
    facts: dict[str, Any] = {
        "one": views.view(ident, shown[ident], lang_of(request)),
        "period": sheet,
        "digits_of": views.digits_of,
    }
    return _cached(page(request, "result.html", **facts), request)


@router.post("/results")
@needs("admin")
def open_or_close(services: Svc, me: Me, value: Text = "") -> Response:
    publishing.open_or_close(services.store.people, value == "open")
    now = services.clock.now_ms()
    services.store.people.log_access(now, me.user.id, f"results_{value[:5]}", "results")
    return RedirectResponse("/results", 303)


@router.get("/compare")
def compare_page(request: Request, services: Svc) -> Response:
    board, lang = views.scoreboard(services), lang_of(request)
    sheet = board.sheet(DAYS)
    commune = services.store.assets.commune()
    peers = Peers(board.books.registers, board.entries.write)
    heads = commune.inhabitants if commune else 0
    code = commune.insee if commune else ""
    try:
        found = peers.comparison(code, heads, sheet.figures, services.clock.now_ms())
    except PopulationError as error:
        raise Refusal(503, "population", "{text}", text=str(error)) from error
    rows = [
        (views.view(ident, sheet.figures[ident], lang), fair, draw(sheet.figures[ident], fair))
        for ident, fair in found.by_indicator.items()
    ]
    facts: dict[str, Any] = {"found": found, "rows": rows, "heads": heads,
                             "least": COMPARE_COMMUNES_MIN}  # fmt: skip
    return page(request, "compare.html", **facts)


def draw(own: Measured, fair: Fair) -> dict[str, float] | None:
    """Places (0 to 200) on a line from the lowest to the highest; None when there is none."""
    marks = {
        "low": fair.low,
        "high": fair.high,
        "median": fair.median,
        "q1": fair.quarter_low,
        "q3": fair.quarter_high,
        "own": own.value,
    }
    known = {name: value for name, value in marks.items() if value is not None}
    if fair.median is None:
        return None
    low, high = min(known.values()), max(known.values())
    room = (high - low) or 1.0

    def at(value: float) -> float:
        return 5 + 190 * (value - low) / room

    return {name: at(value) for name, value in known.items()}


def _asked(request: Request, services: Svc) -> tuple[Sheet, dict[str, Measured]]:
    """For everybody once it is open; before, for people of the town hall."""
    signed_in = request.state.person is not None
    if not signed_in:
        if not request.app.state.result_tries.allowed(household(request), services.clock.now_ms()):
            text = "Too many requests came from here. Wait ten minutes, then try again."
            raise Refusal(429, "too_many_requests", text)
        if not publishing.opened(services.store.people):
            raise Refusal(404, "not_open", "The commune has not published its results yet.")
    sheet = views.scoreboard(services).sheet(DAYS)
    return sheet, publishing.public(sheet.figures)


def _cached(response: Response, request: Request) -> Response:
    """Kept by browsers and caches when nobody is signed in: then it is the same for all."""
    if request.state.person is None:
        response.headers["cache-control"] = f"public, max-age={RESULTS_FRESH_S}"
        response.headers["vary"] = "accept-language, cookie"
    return response
