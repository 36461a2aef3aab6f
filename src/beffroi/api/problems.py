"""Errors as people and programs read them: RFC 9457 problem details with a text that says what
to do. Knows nothing of pages; a page renderer may be hung on `app.state.error_page`.

Tree: Refusal > SignInNeeded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from beffroi.hub.alarms.desk import RefusedError
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.live import TooManyClientsError
from beffroi.hub.reports.desk import ReportRefusedError
from beffroi.ports.commands import TakenError
from beffroi.ports.identity import IdentityError
from beffroi.ports.log_store import LogError
from beffroi.ports.store import StaleVersionError, StoreError

log = structlog.get_logger(__name__)
UNKNOWN = ("unknown_command", "unknown_plan", "unknown_report")
MACHINE_PATHS = ("/api/", "/links/", "/open311/", "/events", "/healthz")


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """`text` is an English message id with {facts}; pages translate it."""

    def __init__(self, status: int, code: str, text: str, /, **facts: object) -> None:
        super().__init__(text.format(**facts))
        self.status, self.code, self.text, self.facts = status, code, text, facts


class SignInNeeded(Refusal):
    """No valid session: programs get 401, pages are sent to the sign-in page."""

    def __init__(self) -> None:
        super().__init__(401, "sign_in_needed", "Sign in first, then try again.")


def not_found(what: str) -> Refusal:
    return Refusal(404, "not_found", "There is nothing here under this name: {what}.", what=what)


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    machine = request.url.path.startswith(MACHINE_PATHS)
    return not machine and "text/html" in request.headers.get("accept", "")


def problem(refusal: Refusal) -> Response:
    """The problem+json answer."""
    body = {
        "type": f"urn:beffroi:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": str(refusal),
        "code": refusal.code,
    }
    headers = {"Retry-After": "600"} if refusal.status == HTTPStatus.TOO_MANY_REQUESTS else None
    return JSONResponse(body, refusal.status, headers, media_type="application/problem+json")


def understood(error: Exception) -> Refusal:
    """Any error as a refusal. What is not foreseen says nothing of our inside."""
    match error:
        case Refusal():
            return error
        case RefusedError():
            return Refusal(409, error.code, "{text}", text=str(error))
        case DeniedError() | ReportRefusedError():
            return _denied(error)
        case IdentityError():
            return Refusal(409, "identity", "{text}", text=str(error))
        case StoreError() | LogError():
            return _unkept(error)
        case TooManyClientsError():
            return Refusal(503, "too_many_pages", "{text}", text=str(error))
        case RequestValidationError():
            return Refusal(422, "invalid", "Not understood: {why}.", why=_why(error))
        case HTTPException():
            return _plain(error)
    return Refusal(500, "fault", "The hub made a mistake; it is in its log. Try again.")


def _unkept(error: StoreError | LogError) -> Refusal:
    """What could not be kept or read: somebody was faster (409), or the disk fails (503)."""
    if isinstance(error, StaleVersionError):
        text = "Somebody else changed this meanwhile. Read it again, then decide."
        return Refusal(409, "stale", text)
    if isinstance(error, LogError):
        log.error("evidence_log", error=str(error))  # names files: not for everybody
        text = (
            "The evidence log cannot be used just now, and nothing goes on without it. "
            "Try again later."
        )
        return Refusal(503, "log", text)
    taken = isinstance(error, TakenError)
    return Refusal(409 if taken else 503, "taken" if taken else "store", "{text}", text=str(error))


def _denied(error: DeniedError | ReportRefusedError) -> Refusal:
    """What the rules of commands or of reports do not allow."""
    denied = error.denied if isinstance(error, DeniedError) else error
    facts = error.denied.facts if isinstance(error, DeniedError) else {}
    return Refusal(404 if denied.code in UNKNOWN else 409, denied.code, denied.text, **facts)


def _why(error: RequestValidationError) -> str:
    found = [f"{'.'.join(str(p) for p in e['loc'][1:])}: {e['msg']}" for e in error.errors()]
    return "; ".join(found[:5])


def _plain(error: HTTPException) -> Refusal:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Refusal(404, "not_found", "There is no such page. Go back to the map.")
    return Refusal(error.status_code, "http", "{text}", text=str(error.detail))


async def answer(request: Request, error: Exception) -> Response:
    """As a page for people, as problem+json for programs."""
    refusal = understood(error)
    if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("web_fault", path=request.url.path, error=repr(error), exc_info=error)
    page: Callable[[Request, Refusal], Awaitable[Response]] | None = getattr(
        request.app.state, "error_page", None
    )
    if page and wants_page(request):
        return await page(request, refusal)
    return problem(refusal)


def install(app: FastAPI) -> None:
    """Answer every foreseen error; `Border` answers the others, so that they have its headers."""
    kinds: list[Any] = [
        Refusal,
        RefusedError,
        ReportRefusedError,
        DeniedError,
        IdentityError,
        StoreError,
        LogError,
        TooManyClientsError,
        RequestValidationError,
        HTTPException,
    ]
    for kind in kinds:
        app.add_exception_handler(kind, answer)
