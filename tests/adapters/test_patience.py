"""W5: slow heads, slow bodies, heads without end, against the real web server over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from beffroi.adapters.patience import Patient
from beffroi.cli.hub import _uvicorn
from beffroi.cli.settings import Settings

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
CLOSED_S_MAX = 20


class Hasty(Patient):
    head_s_max, body_silence_s_max, body_s_max = 0.4, 0.4, 1.2
    head_bytes_max = 4_096


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] == "/slow":  # our own slowness is nobody's fault
        await asyncio.sleep(1.5)
    size = str(len(body)).encode()
    headers = [(b"content-length", size)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(_echo, http=Hasty, log_level="error", lifespan="off")
        )
        task = asyncio.create_task(server.serve([place]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield place.getsockname()[1]
        server.should_exit = True
        await task


async def _gone(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), CLOSED_S_MAX) == b""
    except ConnectionError:
        return True


async def _dripped(port: int, first: bytes, drop: bytes, every_s: float = 0.1) -> bool:
    """Whether a client that goes on dripping is put out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip() -> None:
        writer.write(first)
        while drop:
            writer.write(drop)
            await asyncio.sleep(every_s)

    work = asyncio.create_task(drip())
    gone = await _gone(reader)
    work.cancel()
    writer.close()
    return gone


async def _exchange(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause_s)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), CLOSED_S_MAX)
    body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
    writer.close()
    return body


async def test_w5_who_drips_is_put_out() -> None:
    async with served() as port:
        attacks = {
            "nothing at all": (b"", b""),
            "a head without end, line by line": (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
            "half a request line": (b"GE", b""),
            "a silent body": (HEAD, b""),
            "a dripping body": (HEAD.replace(b"4", b"4000"), b"a"),
        }
        for name, (first, drop) in attacks.items():
            assert await _dripped(port, first, drop), name


async def test_w5_a_second_request_that_never_ends_is_put_out() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"abcd")
        await reader.readuntil(b"abcd")
        writer.write(b"GET /again HTTP/1.1\r\nHos")
        assert await _gone(reader)
        writer.close()


async def test_w5_headers_without_end_cost_no_memory() -> None:
    async with served() as port:
        assert await _dripped(port, b"GET / HTTP/1.1\r\n", b"X: " + b"y" * 1_000 + b"\r\n", 0.0)


async def test_w5_many_who_drip_do_not_hold_up_the_others() -> None:
    async with served() as port:
        drips = [asyncio.create_task(_dripped(port, b"GET / HTT", b"")) for _ in range(200)]
        assert await _exchange(port, HEAD, b"abcd") == b"abcd"
        assert all(await asyncio.gather(*drips))


async def test_who_is_only_slow_is_served() -> None:
    async with served() as port:
        assert await _exchange(port, HEAD, b"a", b"b", b"c", b"d", pause_s=0.1) == b"abcd"
        assert await _exchange(port, HEAD.replace(b"/ ", b"/slow "), b"abcd") == b"abcd"


def test_the_hub_uses_it(tmp_path: Path) -> None:
    config = _uvicorn(Settings(home=tmp_path), _echo)  # type: ignore[arg-type]
    config.load()
    assert config.http_protocol_class is Patient
