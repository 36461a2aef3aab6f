"""Experiments for programs: the list, and each as the file that anybody computes again. Public."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import experiment_views as views
from beffroi.api.access import public

router = APIRouter(tags=["experiments"])


@router.get("/api/experiments")
@public
def read_experiments(request: Request) -> list[dict[str, Any]]:
    """Those that were promised, the newest first."""
    return [views.as_json(one) for one in views.public(views.desk_of(request))]


@router.get("/experiments/{ident}/file.json")
@public
def read_file(request: Request, ident: str) -> Response:
    """What `beffroi experiment verify` computes again."""
    desk = views.desk_of(request)
    one = views.seen(desk, ident)
    headers = {"content-disposition": f'attachment; filename="{one.id}.json"'}
    return Response(desk.published(one.id), headers=headers, media_type="application/json")
