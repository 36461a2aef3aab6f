"""The parent's handle of one codec process: starts it, talks to it, kills it in time.

Refuses to trust it: every read has a deadline and a size, and what comes is bytes to be judged.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import _quickjs

import beffroi
from beffroi.adapters.codecs.child import ERROR_CHARS_MAX
from beffroi.model.limits import (
    CODEC_MEMORY_BYTES_MAX,
    CODEC_OUTPUT_BYTES_MAX,
    CODEC_PROCESS_BYTES_MAX,
    CODEC_PROCESS_CPU_S_MAX,
    CODEC_STACK_BYTES_MAX,
    CODEC_START_MS_MAX,
    CODEC_STARVED_MS_MAX,
    CODEC_TIME_MS_MAX,
    CODEC_WALL_MS_MAX,
)
from beffroi.ports.codec import Codec, CodecBrokenError, Uplink

PATHS = [str(Path(beffroi.__file__).parents[1]), str(Path(_quickjs.__file__).parent)]
BOOT = (
    f"import sys; sys.path[:0] = {PATHS!r}; from beffroi.adapters.codecs.child import main; main()"
)
LIMITS = [  # in the order of child.Limits
    str(limit)
    for limit in (
        CODEC_PROCESS_BYTES_MAX,
        CODEC_MEMORY_BYTES_MAX,
        CODEC_STACK_BYTES_MAX,
        CODEC_OUTPUT_BYTES_MAX,
        CODEC_TIME_MS_MAX,
        CODEC_PROCESS_CPU_S_MAX,
    )
]
REPLY_BYTES_MAX = max(4 * CODEC_OUTPUT_BYTES_MAX, ERROR_CHARS_MAX) + 1_024  # 4: UTF-8 of a unit


class KilledError(Exception):
    """The process is gone: it was killed in time, or it died. The text says which."""


class Worker:
    """One process that runs one codec. Not for several threads at once."""

    def __init__(self, codec: Codec, cwd: str) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", BOOT, codec.sha256, *LIMITS],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd=cwd,
                env={"TZ": "UTC"},
                start_new_session=True,
            )
        try:
            self.walls = self._introduce(codec)
        except BaseException:
            self.kill()
            raise

    def run(self, frames: Sequence[Uplink]) -> Iterator[bytes]:
        """One reply for each frame, as it comes. KilledError ends it: the next frame is guilty."""
        try:
            self._send(b"".join(_framed(_input(frame)) for frame in frames))
            for _ in frames:
                yield self._receive(CODEC_WALL_MS_MAX, starved_ms=CODEC_STARVED_MS_MAX)
        except KilledError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _introduce(self, codec: Codec) -> list[str]:
        try:
            walls = self._receive(CODEC_START_MS_MAX).decode("ascii", "replace").split()
            self._send(codec.source.encode())
        except KilledError as error:
            raise CodecBrokenError(f"the codec process did not start: {error}") from None
        return walls

    def _send(self, message: bytes) -> None:
        self._socket.settimeout(CODEC_START_MS_MAX / 1000)
        try:
            self._socket.sendall(_framed(message))
        except OSError as error:
            raise KilledError(f"it does not listen ({error})") from None

    def _receive(self, wall_ms: int, *, starved_ms: int = 0) -> bytes:
        clock = _Deadline(self.pid, wall_ms, starved_ms)
        size = int.from_bytes(self._exactly(4, clock), "big")
        if size > REPLY_BYTES_MAX:
            raise KilledError(f"it sent {size} bytes")
        return self._exactly(size, clock)

    def _exactly(self, size: int, clock: _Deadline) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._socket.settimeout(clock.left_s())
            try:
                part = self._socket.recv(size - len(parts))
            except TimeoutError:
                if clock.passed():
                    raise KilledError(f"stopped after {clock.wall_ms} ms") from None
                continue
            except OSError as error:
                raise KilledError(f"it hung up ({error})") from None
            if not part:
                raise KilledError("it died at one of its limits")
            parts += part
        return bytes(parts)


class _Deadline:
    """Wall time that counts only half against a process that did not get the processor.

    On a loaded machine an honest codec may wait longer than CODEC_WALL_MS_MAX without having done
    anything: it is given up to `starved_ms`, as long as it used less than half of its time.
    """

    def __init__(self, pid: int, wall_ms: int, starved_ms: int) -> None:
        self.wall_ms = wall_ms
        self._pid = pid
        now = time.monotonic()
        self._end = now + wall_ms / 1000
        self._last = max(self._end, now + starved_ms / 1000)
        self._used_ns = _cpu_ns(pid) if starved_ms else None

    def left_s(self) -> float:
        return max(0.001, self._end - time.monotonic())

    def passed(self) -> bool:
        now = time.monotonic()
        if now < self._end:
            return False
        used = _cpu_ns(self._pid)
        if used is None or self._used_ns is None or now >= self._last:
            return True
        if (used - self._used_ns) / 1e6 >= self.wall_ms / 2:
            return True
        self._end = now + 0.02
        return False


def _cpu_ns(pid: int) -> int | None:
    """Processor time that the process has had, where the kernel tells."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def _input(frame: Uplink) -> bytes:
    given: dict[str, Any] = {"bytes": list(frame.payload), "fPort": frame.f_port}
    if frame.recv_time:  # text, not a Date: codecs call its string methods
        given["recvTime"] = frame.recv_time
    return json.dumps(given).encode()
