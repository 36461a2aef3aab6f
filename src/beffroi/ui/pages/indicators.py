"""Indicators for the town hall: what is proven, on how much it rests, its months, its cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi import law
from beffroi.api import result_views as views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.indicators import enter, fit
from beffroi.api.words import lang_of, said
from beffroi.hub.indicators.entries import DAY
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Line:
    """A figure to enter, and what stands."""

    name: str
    label: str
    unit: str
    is_day: bool
    value: str
    year: int
    document: str


@router.get("/indicators")
def indicators_page(request: Request, services: Svc, days: int = 30) -> Response:
    return _page(request, services, fit(days))


@router.get("/indicators/{ident}")
def indicator_page(request: Request, services: Svc, ident: str, days: int = 30) -> Response:
    if ident not in law.indicators():
        raise not_found(ident)
    board, lang = views.scoreboard(services), lang_of(request)
    sheet = board.sheet(fit(days))
    one = views.view(ident, sheet.figures[ident], lang)
    facts: dict[str, Any] = {
        "one": one,
        "figures_of": sheet,
        "days": fit(days),
        "family": views.family_name(services, one.family, lang),
        "trend": views.trend(ident, board.months()),
        "money": [(said(m.label, lang), m.euros) for m in one.found.money],
        "digits_of": views.digits_of,
    }
    return page(request, "indicator.html", **facts)


@router.post("/indicators/entries")
@needs("admin")
def add_entry(
    request: Request,
    services: Svc,
    me: Me,
    name: Text = "",
    value: Text = "",
    year: Text = "",
    document: Text = "",
) -> Response:
    try:
        enter(services, me.user.id, name, value, int(year[:5]) if year.isdecimal() else 0, document)
    except Refusal as refusal:
        typed = {"name": name, "value": value, "year": year, "document": document}
        return _page(request, services, views.PERIODS[0], refusal, typed)
    return RedirectResponse("/indicators#entries", 303)


def _page(
    request: Request,
    services: Svc,
    days: int,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    board, lang = views.scoreboard(services), lang_of(request)
    sheet, months = board.sheet(days), board.months()
    facts: dict[str, Any] = {
        "figures_of": sheet,
        "days": days,
        "families": views.families(services, sheet, lang),
        "trends": {ident: views.trend(ident, months) for ident in sheet.figures},
        "proven": sum(one.value is not None for one in sheet.figures.values()),
        "lines": _lines(services, lang),
        "this_year": _year(services),
        "refusal": refusal,
        "typed": typed or {},
    }
    return page(request, "indicators.html", refusal.status if refusal else 200, **facts)


def _year(services: Svc) -> int:
    return datetime.fromtimestamp(services.clock.now_ms() / 1000, UTC).year


def _lines(services: Svc, lang: str) -> list[Line]:
    entries = views.scoreboard(services).entries
    stand = entries.all(_year(services))
    found = []
    for name, entry in entries.known.items():
        one, is_day = stand.get(name), entry.unit == DAY
        value = ""
        if one is not None:
            value = date.fromordinal(int(one.value)).isoformat() if is_day else f"{one.value:g}"
        found.append(
            Line(name, said(entry.label, lang), "" if is_day else entry.unit, is_day, value,
                 one.year if one else 0, one.document if one else "")
        )  # fmt: skip
    return found
