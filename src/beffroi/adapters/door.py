"""The front door of an installation of many communes: which hub a request goes to, by name alone.

A small reverse proxy (ASGI). A name that is not exactly one of the list is refused; a commune has
its own pool of connections, its own pace and its own number of open requests, so that a flood at
one stops no other. What the client says of proxies is thrown away, never appended to. Refuses to
know sessions, pages and communes: every hub checks host, origin, size and person again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import structlog
from starlette.types import Receive, Scope, Send

from beffroi.adapters.door_pages import Page, answer
from beffroi.model.limits import (
    DOOR_ANSWER_S_MAX,
    DOOR_BODY_SILENCE_S_MAX,
    DOOR_BURST,
    DOOR_CONNECT_S_MAX,
    DOOR_OPEN_MAX,
    DOOR_REQUESTS_PER_S,
    UPLOAD_BYTES_MAX,
)

Headers = list[tuple[bytes, bytes]]
# RFC 9110 7.6.1: of one connection, never passed on. `expect` is answered by the door's server.
HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade expect".split()
)
SAID_OF_PROXIES = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-original-", b"via")
TIMES = {
    "connect": DOOR_CONNECT_S_MAX,
    "read": DOOR_ANSWER_S_MAX,
    "write": DOOR_ANSWER_S_MAX,
    "pool": DOOR_CONNECT_S_MAX,
}

log = structlog.get_logger("door")


class BodyError(Exception):
    """The client sends too much, too slowly or no more."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.name)
        self.page = page


class Gate:
    """One commune behind the door."""

    def __init__(self, port: int, now_s: float) -> None:
        self.port, self.open = port, 0
        self._tokens, self._at_s = DOOR_BURST, now_s
        limits = httpx.Limits(max_connections=DOOR_OPEN_MAX, max_keepalive_connections=32)
        self.transport = httpx.AsyncHTTPTransport(limits=limits)

    def allows(self, now_s: float) -> bool:
        """Whether one more may begin now; counts it if so."""
        grown = (now_s - self._at_s) * DOOR_REQUESTS_PER_S
        self._tokens, self._at_s = min(DOOR_BURST, self._tokens + grown), now_s
        if self._tokens < 1 or self.open >= DOOR_OPEN_MAX:
            return False
        self._tokens -= 1
        return True


class Door:
    """`communes()`: host name (lower case, without port) -> port of its hub on this machine."""

    def __init__(
        self, communes: Callable[[], Mapping[str, int]], *, https: bool, clock: Callable[[], float]
    ) -> None:
        self._communes, self._https, self._clock = communes, https, clock
        self._gates: dict[str, Gate] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        name = host_of(scope["headers"])
        port = self._communes().get(name)
        if port is None:
            await answer(send, scope, Page.NO_COMMUNE)
            return
        gate = await self._gate(name, port)
        if not gate.allows(self._clock()):
            await answer(send, scope, Page.BUSY)
            return
        gate.open += 1
        try:
            await self._pass(gate, scope, receive, send)
        finally:
            gate.open -= 1
            if not gate.open and self._gates.get(name) is not gate:
                await gate.transport.aclose()

    async def _gate(self, name: str, port: int) -> Gate:
        """A commune that moved to another port gets a new one; the last request closes the old."""
        old = self._gates.get(name)
        if old is not None and old.port == port:
            return old
        gate = self._gates[name] = Gate(port, self._clock())
        if old is not None and not old.open:
            await old.transport.aclose()
        return gate

    async def _pass(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        """Both ways at once: a client that has gone must not keep a live page open."""
        said = dict(scope["headers"])
        length = said.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > UPLOAD_BYTES_MAX:
            await answer(send, scope, Page.TOO_LARGE)
            return
        taken = asyncio.Event()
        has_body = length != b"0" or b"transfer-encoding" in said
        body = _body(receive, taken) if has_body else None
        if body is None:
            taken.set()
        work = asyncio.create_task(_answered(gate, self._request(gate, scope, body), scope, send))
        gone = asyncio.create_task(_gone(receive, taken))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, work):  # neither outlives the other, whatever work raises
                task.cancel()
            await asyncio.wait({work, gone})
        with contextlib.suppress(asyncio.CancelledError):
            work.result()

    def _request(
        self, gate: Gate, scope: Scope, body: AsyncIterator[bytes] | None
    ) -> httpx.Request:
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        client = scope.get("client") or ("", 0)
        headers = [
            *passed(scope["headers"]),
            (b"x-forwarded-for", str(client[0]).encode()),
            (b"x-forwarded-proto", b"https" if self._https else b"http"),
        ]
        url = httpx.URL(scheme="http", host="127.0.0.1", port=gate.port, raw_path=path)
        return httpx.Request(
            scope["method"], url, headers=headers, content=body, extensions={"timeout": TIMES}
        )

    async def close(self) -> None:
        for gate in self._gates.values():
            await gate.transport.aclose()


def host_of(headers: Headers) -> str:
    """The one name asked for, without port; "" when there is none or more than one."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        return ""
    name, _, port = hosts[0].decode("latin-1").lower().partition(":")
    return name if not port or port.isdigit() else ""


def passed(headers: Headers) -> Headers:
    """What goes to the hub and back: neither what is of one connection nor claims of proxies."""
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in HOP | named and not name.lower().startswith(SAID_OF_PROXIES)
    ]


def host_only(headers: Headers) -> Headers:
    """Without cookies that would reach other communes: none may name a domain."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() != b"set-cookie"
        or not any(
            part.strip().lower().partition(b"=")[0].strip() == b"domain"
            for part in value.split(b";")[1:]
        )
    ]


async def _body(receive: Receive, taken: asyncio.Event) -> AsyncIterator[bytes]:
    total = 0
    try:
        while True:
            try:
                message = await asyncio.wait_for(receive(), DOOR_BODY_SILENCE_S_MAX)
            except TimeoutError:
                raise BodyError(Page.SLOW) from None
            if message["type"] == "http.disconnect":
                raise BodyError(Page.SLOW)
            total += len(message.get("body", b""))
            if total > UPLOAD_BYTES_MAX:
                raise BodyError(Page.TOO_LARGE)
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return
    finally:
        taken.set()


async def _gone(receive: Receive, taken: asyncio.Event) -> None:
    await taken.wait()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answered(gate: Gate, request: httpx.Request, scope: Scope, send: Send) -> None:
    started = False

    async def begin(response: httpx.Response) -> None:
        nonlocal started
        headers = host_only(passed([(k.lower(), v) for k, v in response.headers.raw]))
        started = True
        start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
        await send(start)

    try:
        response = await gate.transport.handle_async_request(request)
        try:
            await begin(response)
            async for part in response.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()
    except (BodyError, httpx.TransportError) as error:
        log.warning("not_passed", host=host_of(scope["headers"]), why=type(error).__name__)
        if not started:  # else nothing can be said any more: the connection breaks
            page = error.page if isinstance(error, BodyError) else _page_of(error)
            await answer(send, scope, page)


def _page_of(error: httpx.TransportError) -> Page:
    return Page.SILENT if isinstance(error, httpx.ReadTimeout) else Page.DOWN
