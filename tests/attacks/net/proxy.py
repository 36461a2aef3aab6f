"""A TCP relay that spoils what passes: delay, loss of direction, trickle, cuts in mid-packet.

TLS goes through untouched, so the peers see what a bad line does and nothing else: a stream that
stalls, or ends. What is said of it is said in bytes and seconds; it knows no protocol.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 4_096
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: the close is a RST


@dataclass
class Line:
    """How bad it is now; may be changed while bytes pass. `up` is from the device."""

    delay_s: float = 0.0
    loss: float = 0.0  # share of the chunks that must be sent again: one more round trip each
    bytes_per_s: float = 0.0  # 0: no limit
    up: bool = True  # False: bytes of this direction are held back, as on a one-way link
    down: bool = True
    cut_after: int = -1  # this many bytes more from the device, then a RST in mid-packet
    silent: bool = False  # both ends believe that it lives, and nothing passes any more


class Proxy:
    """async with Proxy(host, port) as proxy: connect to 127.0.0.1:`proxy.port`."""

    def __init__(self, host: str, port: int, seed: int = 1) -> None:
        self.line, self.cuts, self.passed = Line(), 0, 0
        self._to, self._dice = (host, port), random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset()

    def reset(self) -> None:
        """Every connection ends now, with a RST to both ends."""
        for writer in self._writers:
            _reset(writer)
        self._writers.clear()

    async def _accept(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            far, far_out = await asyncio.open_connection(*self._to)
        except OSError:
            near_out.transport.abort()
            return
        self._writers |= {near_out, far_out}
        ways = ((near, far_out, True), (far, near_out, False))
        tasks = [asyncio.create_task(self._pump(*way)) for way in ways]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (near_out, far_out):
            writer.transport.abort()
        self._writers -= {near_out, far_out}

    async def _pump(self, read: asyncio.StreamReader, out: asyncio.StreamWriter, up: bool) -> None:
        with suppress(OSError):
            while data := await read.read(CHUNK):
                await self._wait(up)
                if up and 0 <= self.line.cut_after < len(data):
                    out.write(data[: self.line.cut_after])
                    with suppress(OSError):
                        await out.drain()
                    self.line.cut_after, self.cuts = -1, self.cuts + 1
                    self.reset()
                    return
                if up and self.line.cut_after >= 0:
                    self.line.cut_after -= len(data)
                await self._slowly(out, data)
                self.passed += len(data)

    async def _wait(self, up: bool) -> None:
        while self.line.silent or not (self.line.up if up else self.line.down):
            await asyncio.sleep(0.02)
        delay_s = self.line.delay_s
        while self._dice.random() < self.line.loss:
            delay_s += max(self.line.delay_s, 0.02)
        await asyncio.sleep(delay_s)

    async def _slowly(self, out: asyncio.StreamWriter, data: bytes) -> None:
        step = len(data) if not self.line.bytes_per_s else max(1, int(self.line.bytes_per_s / 50))
        for at in range(0, len(data), step):
            out.write(data[at : at + step])
            await out.drain()
            if self.line.bytes_per_s:
                await asyncio.sleep(step / self.line.bytes_per_s)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
