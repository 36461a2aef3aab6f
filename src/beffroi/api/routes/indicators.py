"""Indicators: figures of a period, their months, what people enter, and tables to take away."""

from __future__ import annotations

import csv
import io
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from beffroi import law
from beffroi.api import result_views as views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.described import sends
from beffroi.api.problems import Refusal, not_found
from beffroi.api.words import lang_of
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.indicators.entries import EntryError
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.model.cells import inert
from beffroi.model.limits import NAME_CHARS_MAX

router = APIRouter(prefix="/api/indicators", tags=["indicators"])


class EntryIn(BaseModel, extra="forbid"):
    """A yearly figure with the document that shows it."""

    name: str = Field(max_length=NAME_CHARS_MAX)
    value: str = Field(max_length=40)
    year: int
    document: str = Field(max_length=2 * NAME_CHARS_MAX)


@router.get("")
def read_indicators(request: Request, services: Svc, days: int = 365) -> dict[str, Any]:
    """All of the last `days` (30 or 365)."""
    sheet, lang = views.scoreboard(services).sheet(fit(days)), lang_of(request)
    return {
        "start_ms": sheet.span.start_ms,
        "end_ms": sheet.span.end_ms,
        "indicators": [
            views.as_json(views.view(ident, one, lang)) for ident, one in sheet.figures.items()
        ],
    }


@router.get("/table.csv", **sends("text/csv"))
def read_table(request: Request, services: Svc, days: int = 365) -> Response:
    """The same as a table."""
    sheet, lang = views.scoreboard(services).sheet(fit(days)), lang_of(request)
    made = [views.view(ident, one, lang) for ident, one in sheet.figures.items()]
    return table(views.rows(made, lang), "indicators.csv")


@router.get("/{ident}")
def read_indicator(request: Request, services: Svc, ident: str, days: int = 365) -> dict[str, Any]:
    """One, with its months."""
    if ident not in law.indicators():
        raise not_found(ident)
    board = views.scoreboard(services)
    found = board.sheet(fit(days)).figures[ident]
    months = views.trend(ident, board.months()).months
    told = [{"month": name, "value": value, "coverage": known} for name, value, known in months]
    return views.as_json(views.view(ident, found, lang_of(request))) | {"months": told}


@router.post("/entries")
@needs("admin")
def add_entry(services: Svc, me: Me, body: EntryIn) -> dict[str, str]:
    """Kept as a dated line; the older lines stay."""
    return {"id": enter(services, me.user.id, body.name, body.value, body.year, body.document)}


def enter(services: Svc, actor: str, name: str, value: str, year: int, document: str) -> str:
    board: Scoreboard = views.scoreboard(services)
    try:
        record = board.entries.enter(name, value, year, document, actor)
    except EntryError as error:
        raise Refusal(422, error.code, "{text}", text=str(error)) from error
    except RegisterError as error:
        raise Refusal(409, error.code, "{text}", text=str(error)) from error
    board.forget()
    return record.id


def fit(days: int) -> int:
    """Only periods that are kept: no request can have a new one computed."""
    return days if days in views.PERIODS else views.PERIODS[0]


def table(rows: list[list[str]], name: str) -> Response:
    """CSV that a spreadsheet opens without running anything."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([inert(cell) for cell in row])
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8",
                    headers=headers)  # fmt: skip
