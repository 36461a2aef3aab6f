"""Bytes for everybody that are made once and read by thousands: packed once, with a tag; and the
short answer to a reader that has them already.

Only for what is public: packing a secret together with what a stranger chose would tell its
length. Refuses to know what the bytes mean and who may read them.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from beffroi.kernel.keys import sha256

PACK_LEVEL = 6
VARY = "accept-encoding, accept-language, cookie"  # the language may come from any of them


def unchanged(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 without a body for a reader that has what `headers["etag"]` names; None for the others.
    Tags are compared weakly, as RFC 9110 section 13.1.2 asks."""
    asked = request.headers.get("if-none-match", "")[:1_000]
    known = {one.strip().removeprefix("W/") for one in asked.split(",")}
    if headers["etag"].removeprefix("W/") in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return None


class Kept(NamedTuple):
    """One state of the data. `packed` is the same, gzipped."""

    body: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, body: bytes) -> Kept:
        packed = gzip.compress(body, PACK_LEVEL, mtime=0)
        return cls(body, packed, f'W/"{sha256(body).hex()[:32]}"')

    def answer(self, request: Request, media: str, keep: str) -> Response:
        """Packed for a reader that takes it so. `keep`: Cache-Control."""
        headers = {"etag": self.tag, "cache-control": keep, "vary": VARY}
        short = unchanged(request, headers)
        if short is not None:
            return short
        if not _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(self.body, headers=headers, media_type=media)
        headers["content-encoding"] = "gzip"
        return Response(self.packed, headers=headers, media_type=media)


class Shelf:
    """The newest state of each kind of data, made again when older than `seconds`: by one asker, in
    a thread; the others wait for that one and the event loop for nobody."""

    def __init__(self, seconds: float) -> None:
        self._ms = int(seconds * 1_000)
        self._kept: dict[str, tuple[int, Kept]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, now_ms: int, make: Callable[[], bytes]) -> Kept:
        """`key` must come from a closed list: each one stays in memory."""
        found = self._fresh(key, now_ms)
        if found is not None:
            return found
        async with self._locks.setdefault(key, asyncio.Lock()):
            found = self._fresh(key, now_ms)
            if found is None:
                found = await asyncio.to_thread(lambda: Kept.of(make()))
                self._kept[key] = (now_ms, found)
            return found

    def _fresh(self, key: str, now_ms: int) -> Kept | None:
        """A clock that was set back makes everything old."""
        at_ms, kept = self._kept.get(key, (0, None))
        return kept if 0 <= now_ms - at_ms < self._ms else None


def _takes_gzip(accepts: str) -> bool:
    """Named without "q=0"; a reader that is not sure gets the plain bytes."""
    for one in accepts[:1_000].lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
