"""What changes, pushed to open pages as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from beffroi.api import sessions, sight
from beffroi.api.access import Me, Svc
from beffroi.api.described import sends
from beffroi.api.sessions import Person
from beffroi.api.town import Town
from beffroi.hub.live import Event, Subscription
from beffroi.hub.services import Services
from beffroi.model.limits import SSE_KEEP_ALIVE_S

router = APIRouter(tags=["events"])
_encode = msgspec.json.Encoder().encode


@router.get("/events", **sends("text/event-stream", also=(503,)))
async def events(request: Request, services: Svc, me: Me) -> StreamingResponse:
    """Kinds: readings, alarm, inventory, resync (read everything again)."""
    page = services.live.subscribe()
    return StreamingResponse(
        _stream(request, services, me, page),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(
    request: Request, services: Services, me: Person, page: Subscription
) -> AsyncIterator[bytes]:
    """Ends with the session, or when the account is not what it was when the page was opened."""
    town: Town = request.app.state.town
    looked_ms = services.clock.now_ms()
    try:
        yield b"retry: 3000\n\n"
        while not await request.is_disconnected():
            event = await page.get(SSE_KEEP_ALIVE_S)
            if services.clock.now_ms() - looked_ms >= SSE_KEEP_ALIVE_S * 1000:
                looked_ms = services.clock.now_ms()
                now = await run_in_threadpool(sessions.find, services, me.token)
                if now is None or now.user != me.user:
                    return
            if event is not None and not sight.of_commune(me.user):
                event = await run_in_threadpool(_seen, town, me, event)
            yield b": still here\n\n" if event is None else framed(event)
    finally:
        services.live.unsubscribe(page)


def _seen(town: Town, me: Person, event: Event) -> Event | None:
    return sight.event_seen(me.user, town.index(), event)


def framed(event: Event) -> bytes:
    return b"event: " + event.kind.encode() + b"\ndata: " + _encode(event.data) + b"\n\n"
