"""The map of the commune, and the same as a list for those who do not use a map."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import sight
from beffroi.api.access import Me, Svc
from beffroi.api.asked import Number
from beffroi.api.condition import CALM
from beffroi.api.town import Town
from beffroi.hub.services import Services
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ui.render import page
from beffroi.ui.rows import AssetRow, asset_row

router = APIRouter()


@router.get("/")
def map_page(request: Request, me: Me) -> Response:
    """With the layers of what this account sees; all of them in a town that is still empty."""
    town: Town = request.app.state.town
    index = town.index()
    seen = sight.rows_seen(me.user, index)
    layers = {index.domains[row] for row in index.inside(None, [], seen).tolist()}
    facts: dict[str, Any] = {"bounds": index.bounds(seen), "ours": sight.of_commune(me.user)}
    return page(request, "map.html", layers=layers, **facts)


@router.get("/list")
def list_page(
    request: Request,
    services: Svc,
    me: Me,
    domain: str = "",
    state: str = "",
    q: str = "",
    after: Number = 0,
) -> Response:
    rows = _rows(request, services, me, domain, q)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.condition] = counts.get(row.condition, 0) + 1
    kept = [row for row in rows if not state or row.condition == state]
    facts: dict[str, Any] = {"total": len(kept), "counts": counts, "page_rows": PAGE_ROWS_MAX}
    facts |= {"domain": domain, "state": state, "q": q, "after": after}
    return page(request, "list.html", rows=kept[after : after + PAGE_ROWS_MAX], **facts)


def _rows(request: Request, services: Services, me: Me, domain: str, q: str) -> list[AssetRow]:
    town: Town = request.app.state.town
    index = town.index()
    severities, seen = town.severities(), sight.rows_seen(me.user, index)
    wanted = q.casefold().strip()
    rows = [
        asset_row(services, index, at, severities.get(index.ids[at], CALM))
        for at in index.inside(None, [domain] if domain else [], seen).tolist()
        if wanted in index.names[at].casefold() or wanted in index.ids[at]
    ]
    rows.sort(key=lambda row: (row.order, row.name.casefold()))
    return rows
