"""Keeps our own Python child processes running: started again when they die, ended with us.

Knows processes only. Their output goes where ours goes, so that one journal tells the story.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from beffroi.adapters.nats.process import end, spawn

STOP_S_MAX = 20.0
BACKOFF_S_MIN = 0.2
BACKOFF_S_MAX = 30.0
STEADY_S = 60.0
FILES_MAX = 8_192

log = structlog.get_logger("supervisor")


class Child:
    """`beffroi NAME-process --home HOME` (or `COMMAND --home HOME`), for as long as the supervisor
    wants it."""

    def __init__(
        self,
        name: str,
        home: Path,
        command: str = "",
        *,
        env: Mapping[str, str] | None = None,
        stop_s_max: float = STOP_S_MAX,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._env, self._stop_s_max = env or {}, stop_s_max
        work = command or f"{name}-process"
        self._command = [sys.executable, "-m", "beffroi", work, "--home", str(home)]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def keep(self) -> None:
        """Until cancelled; then the child is asked to end, and made to."""
        wait_s = BACKOFF_S_MIN
        try:
            while True:
                started = time.monotonic()
                code = await self._once()
                if time.monotonic() - started > STEADY_S:
                    wait_s = BACKOFF_S_MIN
                log.warning("child_restart", child=self.name, ended_with=code, wait_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_S_MAX)
                self.restarts += 1
        finally:
            await end(self._process, self._stop_s_max)

    async def _once(self) -> int | str:
        """How it ended, or why it could not begin: a machine without memory gets some back."""
        try:
            self._process = await spawn(self._command, None, self._env, FILES_MAX)
        except OSError as error:
            return str(error)
        return await self._process.wait()
