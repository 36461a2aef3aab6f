"""The evidence log for people: how large, who has seen it, what was last written, how to verify.

And the public page of the short code that a board displays: no session, few tries.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import evidence_views
from beffroi.api.access import Me, Svc, public
from beffroi.api.asked import Number, household
from beffroi.api.command_views import View, dispatch_of
from beffroi.api.problems import Refusal
from beffroi.api.words import lang_of
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.kernel.code import CODE_CHARS, code_of, number_of
from beffroi.model.limits import EVIDENCE_SHOWN
from beffroi.ports.log_store import LogError
from beffroi.ui.pages.beginning import how_to_begin
from beffroi.ui.render import page

router = APIRouter()


@router.get("/evidence")
def evidence_page(request: Request, services: Svc, me: Me, before: Number = 0) -> Response:
    if services.dispatch is None:
        return how_to_begin(request, services)
    try:
        lines = evidence_views.newest(
            dispatch_of(services).book.log,
            View(services, lang_of(request), me.user),
            EVIDENCE_SHOWN,
            before,
        )
        about = evidence_views.summary(services)
    except (LogError, ValueError) as error:
        raise Refusal(409, "log", "{text}", text=str(error)) from error
    store = dispatch_of(services).book.store
    for line in lines:
        row = store.by_digest(line["subject"]) if line["subject"] else None
        line["command"] = row.id if row else ""
    older = lines[-1]["number"] if lines and lines[-1]["number"] else 0
    facts: dict[str, Any] = {"about": about, "lines": lines, "older": older, "me": me}
    return page(request, "evidence.html", **facts)


@router.get("/code")
@public
def code_form(request: Request, services: Svc, code: str = "") -> Response:
    return _code(request, services, code)


@router.get("/code/{code}")
@public
def code_page(request: Request, services: Svc, code: str) -> Response:
    """Does this commune's log hold a public command with this code?"""
    return _code(request, services, code)


def _code(request: Request, services: Svc, code: str) -> Response:
    typed = code[: CODE_CHARS * 2]
    number = number_of(typed) if typed else None
    found: list[dict[str, Any]] = []
    off = services.dispatch is None
    if number is not None and not off:
        if not request.app.state.code_tries.allowed(household(request), services.clock.now_ms()):
            text = "Too many codes were tried from here. Wait ten minutes."
            raise Refusal(429, "too_many_tries", text)
        found = _found(request, services, typed)
    plain = code_of((number << 2).to_bytes(4, "big")) if number is not None else ""
    facts: dict[str, Any] = {
        "typed": typed,
        "code": plain,
        "found": found,
        "off": off,
        "unread": bool(typed) and number is None,
    }
    return page(request, "code.html", **facts)


def _found(request: Request, services: Svc, code: str) -> list[dict[str, Any]]:
    try:
        return evidence_views.named(services, code, lang_of(request))
    except (LogError, DeniedError, ValueError) as error:
        text = "The town hall's log cannot be read just now. Try again later."
        raise Refusal(503, "log", text) from error
