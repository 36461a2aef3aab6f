"""A codec runner over a real store, and short words for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.codecs.runner import Runner
from beffroi.adapters.sql import open_store
from beffroi.ports.codec import Codec, CodecError, Uplink

HONEST = "function decodeUplink(input) { return {data: {first: input.bytes[0]}}; }"


def codec(source: str, name: str = "test") -> Codec:
    return Codec(hashlib.sha256(source.encode()).hexdigest(), name, source, 0, "test")


def frame(payload: bytes = b"\x07", f_port: int = 1, recv_time: str = "") -> Uplink:
    return Uplink(f_port, payload, recv_time)


class Bench:
    """`run(source, ...)` allows the codec and decodes."""

    def __init__(self, path: Path, **kw: Any) -> None:
        self.store = open_store(f"sqlite:///{path / 'codecs.sqlite'}")
        self.runner = Runner(self.store.assets, **kw)

    def allow(self, source: str, name: str = "test") -> str:
        allowed = codec(source, name)
        self.store.assets.put_codec(allowed)
        return allowed.sha256

    def run(self, source: str, *frames: Uplink) -> list[dict[str, Any] | CodecError]:
        return self.runner.decode(self.allow(source), frames or [frame()])

    def one(self, source: str, *frames: Uplink) -> dict[str, Any] | CodecError:
        (answer,) = self.run(source, *frames)
        return answer

    def close(self) -> None:
        self.runner.close()
        self.store.close()


@contextmanager
def bench_at(path: Path, **kw: Any) -> Iterator[Bench]:
    bench = Bench(path, **kw)
    try:
        yield bench
    finally:
        bench.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench of codecs for each test; conftest files hand it on."""
    with bench_at(tmp_path) as made:
        yield made


def refused(answer: dict[str, Any] | CodecError, *words: str) -> CodecError:
    assert isinstance(answer, CodecError), answer
    assert not words or any(word in str(answer) for word in words), answer
    return answer
