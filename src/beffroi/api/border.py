"""What is checked before any route runs and added to every answer: host, origin, size, headers.

A plain ASGI wrapper, so that nothing inside can forget it. Knows nothing of people or routes,
except that machines post to some paths without a browser.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beffroi.api.problems import Refusal, answer, problem
from beffroi.api.settings import WebSettings
from beffroi.model.limits import (
    MESSAGE_BYTES_MAX,
    REPORT_BODY_BYTES_MAX,
    UPLOAD_BYTES_MAX,
    WEB_BODY_BYTES_MAX,
)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Programs: webhooks with a secret in a header, and the open API of reports. Never by a cookie.
MACHINES = ("/links/", "/open311/")
PHOTOS = ("/signaler", "/report")
OPEN_REPORTS = "/open311/"
UPLOADS = ("/api/imports", "/data/import")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Border:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._hosts = settings.all_hosts
        self._extra = dict(HEADERS)
        if settings.https:
            self._extra["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await problem(refusal)(scope, receive, self._sender(scope, send))
            return
        await self._guarded(scope, receive, self._sender(scope, send))

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, _counted(receive, body_bytes_max(scope["path"])), sender)
        except Exception as error:
            if started:  # nothing can be said any more: the connection breaks
                raise
            response = await answer(Request(scope), error)
            await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if _name(host) not in self._hosts:
            text = "This hub does not answer to the name {host}. Add it to `hosts` in config.toml."
            return Refusal(421, "unknown_host", text, host=host[:80] or "(none)")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > body_bytes_max(scope["path"]):
            return too_large(body_bytes_max(scope["path"]))
        if scope["method"] in SAFE_METHODS or scope["path"].startswith(MACHINES):
            return None
        return None if same_origin(headers, host) else foreign()

    def _sender(self, scope: Scope, send: Send) -> Send:
        static = scope["path"].startswith("/static/")

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._extra.items():
                    headers.setdefault(name, value)
                if not static:
                    headers.setdefault("cache-control", "no-store")
                message["headers"] = headers.raw
            await send(message)

        return sender


def same_origin(headers: Headers, host: str) -> bool:
    """Whether our own page sent this. Without either header we cannot know: refused."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == host
    return headers.get("sec-fetch-site") == "same-origin"


def foreign() -> Refusal:
    text = "This request does not come from a page of this hub. Open the page again and retry."
    return Refusal(403, "foreign_origin", text)


def too_large(limit: int) -> Refusal:
    text = "Too large: at most {kib} KiB are taken here. Send it in smaller parts."
    return Refusal(413, "too_large", text, kib=limit // 1024)


def body_bytes_max(path: str) -> int:
    """The limit of a request body on this path."""
    if path.startswith(UPLOADS):
        return UPLOAD_BYTES_MAX
    if path in PHOTOS or path.startswith(OPEN_REPORTS):
        return REPORT_BODY_BYTES_MAX
    return MESSAGE_BYTES_MAX if path.startswith(MACHINES) else WEB_BODY_BYTES_MAX


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _counted(receive: Receive, limit: int) -> Receive:
    """A body without a declared length is counted as it comes."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:  # of Starlette's kind: FastAPI would turn ours into "cannot be parsed"
            raise HTTPException(413, str(too_large(limit)))
        return message

    return counted
