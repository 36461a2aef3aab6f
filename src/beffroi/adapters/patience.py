"""The web server's patience: a connection that only drips, or never ends its head, is closed.

Uvicorn limits how long a kept connection may be idle, not how long a request may take to arrive nor
how long its head may be (slowloris, slow bodies, headers without end). Refuses to know routes,
addresses and what is asked; how much a body may hold is the border's business.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from beffroi.model.limits import (
    WEB_BODY_S_MAX,
    WEB_BODY_SILENCE_S_MAX,
    WEB_HEAD_BYTES_MAX,
    WEB_HEAD_S_MAX,
)


class Patient(HttpToolsProtocol):
    """For `uvicorn.Config(http=Patient)`. Limits are class attributes, so that a test can be
    quick."""

    head_s_max, head_bytes_max = WEB_HEAD_S_MAX, WEB_HEAD_BYTES_MAX
    body_s_max, body_silence_s_max = WEB_BODY_S_MAX, WEB_BODY_SILENCE_S_MAX

    _timer: asyncio.TimerHandle | None = None
    _waits = ""  # for what the timer runs: "head", "body", or nothing
    _until_s = 0.0
    _head_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._state() != "body":
            self._head_bytes += len(data)
        super().data_received(data)
        if self._state() == "head" and self._head_bytes > self.head_bytes_max:
            self.transport.abort()
            return
        self._watch()

    def on_headers_complete(self) -> None:
        self._head_bytes = 0
        super().on_headers_complete()

    def _state(self) -> str:
        """What has to come from the other side now. Between two requests uvicorn's own limit of
        idleness holds."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            return "body" if cycle.more_body else ""
        return "head" if cycle is None or self._head_bytes else ""

    def _watch(self) -> None:
        now_s, state = self.loop.time(), self._state()
        if state != self._waits:  # dripping does not begin the time anew
            self._waits = state
            self._until_s = now_s + (self.head_s_max if state == "head" else self.body_s_max)
        self._rest()
        if state:
            silence_s = self.head_s_max if state == "head" else self.body_silence_s_max
            at_s = min(self._until_s, now_s + silence_s)
            self._timer = self.loop.call_at(at_s, self._over)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        """An upgraded connection has another protocol by now, which has limits of its own."""
        if self._state() and self.transport.get_protocol() is self:
            self.transport.abort()
