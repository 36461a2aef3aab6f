"""The map of the commune, and the same as a list for those who do not use a map."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api.access import Svc
from beffroi.api.condition import CALM
from beffroi.api.town import Town
from beffroi.hub.services import Services
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ui.render import page
from beffroi.ui.rows import AssetRow, asset_row

router = APIRouter()


@router.get("/")
def map_page(request: Request) -> Response:
    town: Town = request.app.state.town
    return page(request, "map.html", bounds=town.index().bounds())


@router.get("/list")
def list_page(
    request: Request,
    services: Svc,
    domain: str = "",
    state: str = "",
    q: str = "",
    after: int = 0,
) -> Response:
    rows = _rows(request, services, domain, q)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.condition] = counts.get(row.condition, 0) + 1
    kept = [row for row in rows if not state or row.condition == state]
    facts: dict[str, Any] = {"total": len(kept), "counts": counts, "page_rows": PAGE_ROWS_MAX}
    facts |= {"domain": domain, "state": state, "q": q, "after": after}
    return page(request, "list.html", rows=kept[after : after + PAGE_ROWS_MAX], **facts)


def _rows(request: Request, services: Services, domain: str, q: str) -> list[AssetRow]:
    town: Town = request.app.state.town
    index = town.index()
    severities = town.severities()
    wanted = q.casefold().strip()
    rows = [
        asset_row(services, index, at, severities.get(index.ids[at], CALM))
        for at in index.inside(None, [domain] if domain else []).tolist()
        if wanted in index.names[at].casefold() or wanted in index.ids[at]
    ]
    rows.sort(key=lambda row: (row.order, row.name.casefold()))
    return rows
