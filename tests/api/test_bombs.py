"""M8: what is small when it comes and large when it is unpacked. Nothing here unpacks anything."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from tests.api.test_links import PATH, Town, town

from beffroi.model.limits import MESSAGE_BYTES_MAX

__all__ = ["town"]
BOMB_BYTES = 50 * 1024**2
GROWTH_BYTES_MAX = 10 * 1024**2

BOMBS = {
    "gzip": gzip.compress(b"[" + b" " * BOMB_BYTES, 9),
    "deflate": zlib.compress(b'{"a":"' + b"a" * BOMB_BYTES, 9),
    "gzip, gzip": gzip.compress(gzip.compress(b" " * BOMB_BYTES, 9), 9),
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_a_packed_body_is_not_unpacked(town: Town, encoding: str) -> None:
    body = BOMBS[encoding]
    assert len(body) < MESSAGE_BYTES_MAX
    headers = {"authorization": f"Bearer {town.secret}", "content-encoding": encoding}
    tracemalloc.start()
    answer = await town.client.post(PATH, params={"event": "up"}, content=body, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code in (202, 400, 415, 422)
    assert peak < GROWTH_BYTES_MAX
    await town.hub.until(lambda: town.hub.loop.stats.quarantined["unreadable"] == 1)
    assert town.stored() == []


async def test_a_length_that_lies_is_counted_as_it_comes(town: Town) -> None:
    async def endless():
        for _ in range(10_000):
            yield b" " * 65_536

    headers = {"authorization": f"Bearer {town.secret}"}
    answer = await town.client.post(
        PATH, params={"event": "up"}, content=endless(), headers=headers
    )
    assert answer.status_code == 413
