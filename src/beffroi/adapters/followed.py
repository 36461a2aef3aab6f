"""Asks each commune that delegated something for its open alarms: `keys/delegated.json` of a home.

Addresses come from that file alone, which the command line writes: no page makes this hub call an
address. Answers are bounded in time and size and read strictly; no redirect is followed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from beffroi.adapters import durable
from beffroi.model.limits import (
    DELEGATED_BYTES_MAX,
    DELEGATED_FRESH_S,
    DELEGATED_WAIT_S,
    DELEGATIONS_MAX,
)
from beffroi.ports.followed import Seen, Told

FILE = Path("keys") / "delegated.json"
_TOLD = msgspec.json.Decoder(Told)


class FollowError(Exception):
    """The list cannot be read or this cannot be added; the text says what to do."""


class Source(NamedTuple):
    """One delegation: where the commune answers, and the token it gave."""

    address: str
    token: str


def sources(home: Path) -> list[Source]:
    """[] without a file. FollowError."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=list[Source])
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise FollowError(f"{home / FILE} cannot be read: {error}") from error


def follow(home: Path, source: Source) -> None:
    """Keep it. The same token again changes its address. FollowError."""
    kept = [one for one in sources(home) if one.token != source.token]
    if len(kept) >= DELEGATIONS_MAX:
        raise FollowError("too many delegations are followed: drop one first")
    _keep(home, [*kept, Source(fit_address(source.address), source.token)])


def drop(home: Path, address: str) -> int:
    """Forget what is followed there; how many."""
    there = sources(home)
    kept = [one for one in there if one.address != address.rstrip("/")]
    _keep(home, kept)
    return len(there) - len(kept)


def _keep(home: Path, kept: Sequence[Source]) -> None:
    (home / FILE).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    durable.replace(home / FILE, msgspec.json.encode(kept))


def fit_address(address: str) -> str:
    """Scheme and host only. FollowError: a token never travels in clear beyond this machine."""
    parts = urlsplit(address)
    local = parts.hostname is not None and _local(parts.hostname)
    plain = (parts.path in ("", "/")) and not (parts.query or parts.fragment or parts.username)
    if not parts.hostname or not plain or not (parts.scheme == "https" or local):
        raise FollowError(f"{address!r}: give https:// and the name of the commune's hub, no more")
    return f"{parts.scheme}://{parts.netloc}"


class HttpFollowed:
    """Implements ports.followed.Followed."""

    def __init__(
        self, home: Path, now_ms: Callable[[], int], transport: httpx.BaseTransport | None = None
    ) -> None:
        self._home, self._now_ms = home, now_ms
        self._turn = threading.Lock()
        self._seen: tuple[Seen, ...] = ()
        self._at_ms = 0
        self._client = httpx.Client(
            timeout=DELEGATED_WAIT_S, trust_env=False, follow_redirects=False, transport=transport
        )

    def any(self) -> bool:
        return (self._home / FILE).exists()

    def look(self) -> Sequence[Seen]:
        with self._turn:
            if self._now_ms() - self._at_ms >= DELEGATED_FRESH_S * 1000:
                known = sources(self._home)
                with ThreadPoolExecutor(8, thread_name_prefix="followed") as pool:
                    self._seen = tuple(pool.map(self._ask, known))
                self._at_ms = self._now_ms()
            return self._seen

    def _ask(self, source: Source) -> Seen:
        now = self._now_ms()
        try:
            return Seen(source.address, now, self._told(source))
        except httpx.HTTPStatusError:
            return Seen(source.address, now, why="refused")
        except httpx.HTTPError:
            return Seen(source.address, now, why="silent")
        except ValueError:
            return Seen(source.address, now, why="odd")

    def _told(self, source: Source) -> Told:
        url = httpx.URL(source.address + "/api/delegated")
        headers = {"authorization": f"Bearer {source.token}", "accept": "application/json"}
        headers["host"] = url.netloc.decode()
        headers["accept-encoding"] = "identity"  # a small answer that unfolds is no answer
        until_s = time.monotonic() + DELEGATED_WAIT_S
        if url.scheme == "http" and _local(url.host):
            url = url.copy_with(host="127.0.0.1")  # RFC 6761: so is every name under localhost
        body = bytearray()
        with self._client.stream("GET", url, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                raise httpx.HTTPStatusError("refused", request=answer.request, response=answer)
            for part in answer.iter_raw():
                body += part
                if len(body) > DELEGATED_BYTES_MAX:
                    raise ValueError("too large")
                if time.monotonic() > until_s:
                    raise httpx.ReadTimeout("it only drips", request=answer.request)
        return _TOLD.decode(bytes(body))


def _local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1") or host.endswith(".localhost")
