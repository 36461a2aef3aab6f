"""The commune's public alerts for programs: an Atom feed, signed CAP 1.2 files, the certificate.

Public, bounded, cacheable. A reader verifies the file against the certificate that it was given by
another way; this one is here to compare.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from beffroi.api.access import Svc, public
from beffroi.api.asked import household
from beffroi.api.described import sends
from beffroi.api.kept import unchanged
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.open_data import base_of
from beffroi.hub.announcer import Announcer
from beffroi.kernel.keys import sha256
from beffroi.model.limits import CAP_FRESH_S
from beffroi.ports.bulletins import Outbox

router = APIRouter(tags=["alerts"])
FOREVER = "public, max-age=31536000, immutable"
FRESH = f"public, max-age={CAP_FRESH_S}"


def outbox(request: Request, services: Svc) -> Outbox:
    """What is published, for the public: with a limit per address."""
    if not request.app.state.alert_tries.allowed(household(request), services.clock.now_ms()):
        text = "Too many requests came from here. Wait ten minutes; alerts may be kept and shared."
        raise Refusal(429, "too_many_requests", text)
    found: Announcer | None = request.app.state.announcer
    if found is None:
        raise not_found("alerts")
    return found.outbox


Out = Annotated[Outbox, Depends(outbox)]


@router.get("/alerts/feed", **sends("application/atom+xml", also=(404, 429)))
@public
def read_feed(request: Request, out: Out) -> Response:
    return _answer(request, out.feed(base_of(request)), "application/atom+xml", FRESH)


@router.get("/alerts/certificate.pem", **sends("application/x-pem-file", also=(404, 429)))
@public
def read_certificate(request: Request, services: Svc, out: Out) -> Response:
    pem = out.certificate(services.clock.now_ms())
    return _answer(request, pem, "application/x-pem-file", FRESH)


@router.get("/alerts/{identifier}.xml", **sends("application/cap+xml", also=(429,)))
@public
def read_alert(
    request: Request, out: Out, identifier: Annotated[str, Path(max_length=80)]
) -> Response:
    found = out.text(identifier)
    if found is None:
        raise not_found(identifier)
    return _answer(request, found, "application/cap+xml", FOREVER)


def _answer(request: Request, body: bytes, media: str, keep: str) -> Response:
    headers = {
        "etag": f'"{sha256(body).hex()[:32]}"',
        "cache-control": keep,
        "access-control-allow-origin": "*",  # there is no secret in it
        "cross-origin-resource-policy": "cross-origin",
    }
    return unchanged(request, headers) or Response(body, headers=headers, media_type=media)
