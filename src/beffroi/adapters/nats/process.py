"""Starts and ends a child process that cannot outlive us nor take more than its share."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """From now on the kernel sends this process SIGTERM when its parent ends (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def spawn(
    command: Sequence[str | Path], log: Path | None, env: Mapping[str, str], files_max: int
) -> asyncio.subprocess.Process:
    """Start `command`, its output to a new file `log`, or to where ours goes (None).

    The kernel ends it when this process ends.
    """
    parent = os.getpid()

    def in_child() -> None:
        die_with_parent()
        if os.getppid() != parent:  # the parent ended between fork and here
            os._exit(1)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = files_max if hard == resource.RLIM_INFINITY else min(files_max, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    fd = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=fd,
            stderr=fd,
            env={**os.environ, **env},
            preexec_fn=in_child,
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor to handle
        )
    finally:
        if fd is not None:
            os.close(fd)


async def end(process: asyncio.subprocess.Process | None, wait_s_max: float) -> None:
    """Ask it to end, make it after `wait_s_max`. Nothing to do when it runs no more."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), wait_s_max)
        except TimeoutError:
            process.kill()
            await process.wait()
