"""The description of this API (OpenAPI): what FastAPI knows of each route, and what all have in
common: who may call it, and how the border, the guard and the readers of requests refuse.

Knows no route by name. A route that refuses in more ways says so: `responses=refuses(503)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response

from beffroi.api import sessions
from beffroi.api.access import PUBLIC, role_needed
from beffroi.api.border import SAFE_METHODS

PROBLEM = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `detail` says what to do, `code` is for programs.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:beffroi:problem:"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}
SESSION, TOKEN = "session", "csrf"
ON_PATH = "path"


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: the statuses of refusals."""
    body = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        one: {"description": HTTPStatus(one).phrase, "content": body} for one in sorted(statuses)
    }


def sends(*media: str, also: Iterable[int] = ()) -> dict[str, Any]:
    """For a route whose answer is no JSON of ours: its media types; `also`: more refusals."""
    found = {200: {"description": "OK", "content": {one: {} for one in media}}}
    return {"response_class": Response, "responses": found | refuses(*also)}


def description(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of everything that is not hidden from it; made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for route in _routes(app.routes):
        for method in route.methods or ():
            operation = made["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:  # else hidden, as pages are
                _complete(operation, route.endpoint, method)
    parts = made["components"]
    parts["schemas"] = {
        name: one for name, one in parts["schemas"].items() if "ValidationError" not in name
    } | {"Problem": SCHEMA}
    cookie = sessions.cookie_name(app.state.web.https)
    parts["securitySchemes"] = {
        SESSION: {"type": "apiKey", "in": "cookie", "name": cookie},
        TOKEN: {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    }
    return made


def _routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        inner = getattr(route, "original_router", None)  # FastAPI keeps included routers
        if inner is not None:
            yield from _routes(inner.routes)
        elif isinstance(route, APIRoute):
            yield route


def _complete(operation: dict[str, Any], endpoint: Callable[..., Any], method: str) -> None:
    """What is read before the route runs may be refused before it runs."""
    asked = operation.get("parameters", [])
    statuses = {HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE}  # a failing store
    if method not in SAFE_METHODS:
        statuses |= {HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    if role_needed(endpoint, method) != PUBLIC:
        statuses |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        token: dict[str, list[str]] = {} if method in SAFE_METHODS else {TOKEN: []}
        operation["security"] = [{SESSION: [], **token}]
    if "requestBody" in operation:
        statuses |= {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
    if asked:
        statuses.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if any(one["in"] == ON_PATH for one in asked):
        statuses.add(HTTPStatus.NOT_FOUND)
    told = {str(status): one for status, one in refuses(*statuses).items()}
    operation["responses"] = {**operation["responses"], **told}
