"""What changes, pushed to open pages as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from beffroi.api.access import Svc
from beffroi.api.described import sends
from beffroi.hub.live import Event, Live, Subscription
from beffroi.model.limits import SSE_KEEP_ALIVE_S

router = APIRouter(tags=["events"])
_encode = msgspec.json.Encoder().encode


@router.get("/events", **sends("text/event-stream", also=(503,)))
async def events(request: Request, services: Svc) -> StreamingResponse:
    """Kinds: readings, alarm, inventory, resync (read everything again)."""
    page = services.live.subscribe()
    return StreamingResponse(
        _stream(request, services.live, page),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(request: Request, live: Live, page: Subscription) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 3000\n\n"
        while not await request.is_disconnected():
            event = await page.get(SSE_KEEP_ALIVE_S)
            yield b": still here\n\n" if event is None else framed(event)
    finally:
        live.unsubscribe(page)


def framed(event: Event) -> bytes:
    return b"event: " + event.kind.encode() + b"\ndata: " + _encode(event.data) + b"\n\n"
