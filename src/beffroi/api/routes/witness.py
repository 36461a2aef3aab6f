"""Our witness, for neighbour communes: C2SP tlog-witness, under the prefix /links/witness.

Public, because a checkpoint carries its own proof: what is not signed by a log that this commune
agreed to witness is refused by the witness itself. Bounded in size, and in rate over all callers
together. Knows nothing of logs: it passes bytes to what the composition root hung in `app.state`.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from beffroi.api.access import Svc, public
from beffroi.evidence.limits import WITNESS_REQUEST_BYTES_MAX

router = APIRouter(tags=["witness"])
WINDOW_MS = 10_000
REQUESTS_PER_WINDOW_MAX = 100  # a neighbour asks a few times a minute


class Answered(Protocol):
    """What a witness says: HTTP status, body, media type."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def media(self) -> str: ...


class Handler(Protocol):
    """`app.state.witness`."""

    def handle(self, request: bytes) -> Answered: ...


class Pace:
    """At most so many in a window, whoever asks."""

    def __init__(self) -> None:
        self._times: deque[int] = deque()

    def allows(self, now_ms: int) -> bool:
        while self._times and self._times[0] <= now_ms - WINDOW_MS:
            self._times.popleft()
        if len(self._times) >= REQUESTS_PER_WINDOW_MAX:
            return False
        self._times.append(now_ms)
        return True


_pace = Pace()


@router.post("/links/witness/add-checkpoint", include_in_schema=False)
@public
async def add_checkpoint(request: Request, services: Svc) -> Response:
    """Cosign a neighbour's checkpoint, or say why not."""
    witness: Handler | None = getattr(request.app.state, "witness", None)
    if witness is None:
        return Response(b"this commune is no witness\n", 404, media_type="text/plain")
    if not _pace.allows(services.clock.now_ms()):
        return Response(b"too many requests: wait\n", 429, {"retry-after": "10"}, "text/plain")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > WITNESS_REQUEST_BYTES_MAX:
            return Response(b"too large\n", 413, media_type="text/plain")
    answer = await run_in_threadpool(witness.handle, bytes(body))
    # The header is set as it is: the specification names the media type exactly.
    return Response(answer.body, answer.status, {"content-type": answer.media})
