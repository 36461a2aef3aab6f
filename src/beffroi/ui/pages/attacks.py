"""The lab's attackers, in a demonstration: played one by one, with the proof to take away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal
from beffroi.api.routes.lab import attacks_of, begin
from beffroi.ui.render import page

router = APIRouter()
Name = Annotated[str, Path(max_length=60)]


@router.get("/lab/attacks")
@needs("admin")
def attacks_page(request: Request) -> Response:
    return _page(request)


@router.post("/lab/attacks/{name}")
@needs("admin")
def play(request: Request, services: Svc, me: Me, name: Name) -> Response:
    try:
        begin(request, services, me, name)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return _page(request, refusal)
    return RedirectResponse("/lab/attacks", 303)


def _page(request: Request, refusal: Refusal | None = None) -> Response:
    listed = attacks_of(request).listed()
    return page(
        request,
        "attacks.html",
        refusal.status if refusal else 200,
        attacks=listed,
        playing=any(one["running"] for one in listed),
        refusal=refusal,
    )
