"""Data health: counted in and out, what was refused and why, and where data comes from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Number
from beffroi.api.problems import Refusal, not_found, understood
from beffroi.api.routes import data
from beffroi.api.routes.status import backlog, house, ingest_counters, installed_version
from beffroi.hub import codecs
from beffroi.hub.links import webhooks
from beffroi.model.limits import NAME_CHARS_MAX
from beffroi.model.reading import Reason
from beffroi.ports.bus import Bus
from beffroi.ports.codec import CodecError
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
ROWS = 50
PAYLOAD_SHOWN_BYTES = 4_000


@router.get("/data")
async def data_page(
    request: Request, services: Svc, reason: str = "", after: Number = 0
) -> Response:
    waiting = await backlog(services)
    counters = ingest_counters(request)
    return await run_in_threadpool(_data, request, services, waiting, counters, reason, after)


def _data(
    request: Request, services: Svc, waiting: int | None, counters: Any, reason: str, after: int
) -> Response:
    rows = services.store.readings.quarantine(ROWS, after)
    shown = [
        (ident, row, row.payload[:PAYLOAD_SHOWN_BYTES].decode("utf-8", "replace"))
        for ident, row in rows
        if not reason or row.reason == reason
    ]
    facts: dict[str, Any] = {
        "counts": services.store.readings.counts(),
        "reasons": services.store.readings.quarantine_counts(),
        "waiting": waiting,
        "counters": counters,
        "rows": shown,
        "reason": reason,
        "known_reasons": [one.value for one in Reason],
        "older": rows[-1][0] if len(rows) == ROWS else 0,
        "version": installed_version(),
        "house": sorted(house(request), key=lambda one: -one["severity"]),
        "house_known": request.app.state.house is not None,
    }
    return page(request, "data.html", **facts)


@router.get("/data/sources")
def sources_page(request: Request, services: Svc) -> Response:
    return _sources(request, services)


@router.post("/data/codecs")
@needs("admin")
def add_codec(
    request: Request, services: Svc, me: Me, name: Text = "", source: Text = ""
) -> Response:
    try:
        data.add_codec(services, name, source.replace("\r\n", "\n"), me.user)
    except Refusal as refusal:
        return _sources(request, services, refusal, {"codec": name, "source": source})
    return RedirectResponse("/data/sources", 303)


@router.post("/data/codecs/{sha256}/remove")
@needs("admin")
def remove_codec(services: Svc, me: Me, sha256: str) -> Response:
    try:
        codecs.remove_codec(services, sha256, me.user.id)
    except CodecError as error:
        raise not_found(sha256[:NAME_CHARS_MAX]) from error
    return RedirectResponse("/data/sources", 303)


@router.post("/data/webhooks")
@needs("admin")
def add_source(
    request: Request, services: Svc, me: Me, name: Text = "", link: Text = "", gateway: Text = ""
) -> Response:
    """The answer shows the secret, this once."""
    try:
        secret = data.add_source(services, name, link, gateway or f"net-{name}", me.user)
    except Refusal as refusal:
        return _sources(request, services, refusal, {"name": name, "link": link})
    return _sources(request, services, fresh=(name, link, secret))


@router.post("/data/webhooks/{name}/delete")
@needs("admin")
def delete_source(services: Svc, me: Me, name: str) -> Response:
    data.drop_source(services, name, me.user)
    return RedirectResponse("/data/sources", 303)


@router.post("/data/import")
@needs("admin")
async def import_csv(
    request: Request, services: Svc, me: Me, table: UploadFile, mapping: UploadFile
) -> Response:
    text = (await mapping.read()).decode("utf-8", "replace")
    refusal, sent = None, None
    try:
        sent = await data.import_table(services, text, table, me.user)
    except Refusal as error:
        refusal = error
    except Exception as error:  # noqa: BLE001  the broker refused: nothing of the rest was taken
        refusal = understood(error)
    return await run_in_threadpool(_sources, request, services, refusal, None, None, sent)


def _sources(
    request: Request,
    services: Svc,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
    fresh: tuple[str, str, str] | None = None,
    sent: dict[str, int] | None = None,
) -> Response:
    bus: Bus | None = services.bus
    facts: dict[str, Any] = {
        "codecs": [c for c in services.store.assets.codecs() if not codecs.removed(c)],
        "sources": list(webhooks.sources(services.store.people).values()),
        "base": f"{request.url.scheme}://{request.headers.get('host', '')}",
        "typed": typed or {},
        "fresh": fresh,
        "sent": sent,
        "can_import": bus is not None,
        "refusal": refusal,
    }
    return page(request, "sources.html", refusal.status if refusal else 200, **facts)
