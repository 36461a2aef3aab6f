"""A commune that answers a body badly: it costs that body some seconds and some bytes, no more."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from beffroi.adapters.followed import HttpFollowed, Source, follow
from beffroi.ports.followed import Told


class Dripping(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "


def seen(home: Path, stream: httpx.SyncByteStream, **headers: str) -> str:
    follow(home, Source("https://a.example", "t"))
    way = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=stream))
    (one,) = HttpFollowed(home, lambda: 10**12, way).look()
    return one.why


def test_one_that_only_drips_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.adapters.followed.DELEGATED_WAIT_S", 0.1)
    assert seen(tmp_path, Dripping()) == "silent"


def test_a_small_answer_is_not_unfolded(tmp_path: Path) -> None:
    """One part of it may unfold to a thousand times its size before anybody counts."""
    told = Told("c", "o", "d", "d", "d", 0, 0, 0, ())
    plain = msgspec.json.encode(told)
    assert seen(tmp_path, httpx.ByteStream(plain)) == ""
    folded = httpx.ByteStream(gzip.compress(plain))
    assert seen(tmp_path, folded, **{"content-encoding": "gzip"}) == "odd"
