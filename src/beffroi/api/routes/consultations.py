"""Consultations for programs: the list, and the published count as a file. Public, read only.

Voting has a page and no API: a program that votes for people is what nobody wants.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api.access import public
from beffroi.api.problems import Refusal, not_found
from beffroi.api.tries import Tries
from beffroi.hub.consultations.desk import ConsultationError, Consultations
from beffroi.hub.services import Services
from beffroi.model.consultation import Consultation, Stage
from beffroi.model.limits import (
    VOTING_TRIES_OF_ALL_PER_10_MIN_MAX,
    VOTING_TRIES_PER_10_MIN_MAX,
)
from beffroi.ports.consultations import ConsultationStore

router = APIRouter(tags=["consultations"])


class Booth:
    """The desk of this application, and how often somebody may try a code."""

    def __init__(self, services: Services) -> None:
        store: ConsultationStore | None = getattr(services.store, "consultations", None)
        self.desk = Consultations(store, services.journal) if store is not None else None
        self._each = Tries(VOTING_TRIES_PER_10_MIN_MAX)
        self._all = Tries(VOTING_TRIES_OF_ALL_PER_10_MIN_MAX)
        self._lock = threading.Lock()

    def admit(self, address: str, now_ms: int) -> None:
        """Refusal when codes are being guessed."""
        with self._lock:
            known = self._each.allowed(address, now_ms) and self._all.allowed("", now_ms)
        if not known:
            text = "Too many codes were tried. Wait ten minutes, then try again."
            raise Refusal(429, "too_many_tries", text)


def booth_of(request: Request) -> Booth:
    found: Booth = request.app.state.booth
    return found


def desk_of(request: Request) -> Consultations:
    desk = booth_of(request).desk
    if desk is None:
        raise Refusal(404, "consultations_off", "This hub holds no consultations.")
    return desk


def seen(desk: Consultations, ident: str) -> Consultation:
    """404 for a draft as for one that does not exist."""
    one = desk.store.consultation(ident)
    if one is None or one.stage is Stage.DRAFT:
        raise not_found(ident[:80])
    return one


@contextmanager
def refused() -> Iterator[None]:
    """What is not possible, as an answer."""
    try:
        yield
    except ConsultationError as error:
        raise Refusal(409, error.code, str(error)) from error


@router.get("/api/consultations")
@public
def read_consultations(request: Request) -> list[dict[str, Any]]:
    """Those that are open or counted."""
    found = [one for one in desk_of(request).store.consultations() if one.stage is not Stage.DRAFT]
    return [
        {"id": one.id, "title": one.title, "stage": one.stage.value, "closes_ms": one.closes_ms}
        for one in found
    ]


@router.get("/consultations/{ident}/count.json")
@public
def read_count(request: Request, ident: str) -> Response:
    """The file that `beffroi consultation verify` counts again."""
    desk = desk_of(request)
    seen(desk, ident)
    with refused():
        body = desk.published(ident)
    headers = {"content-disposition": f'attachment; filename="{ident}.json"'}
    return Response(body, headers=headers, media_type="application/json")
