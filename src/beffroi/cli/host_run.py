"""Runs an installation of many communes: one `beffroi serve` per commune, and the front door.

Children share nothing but this supervisor: each has its own home, database, vault, authority,
broker, evidence log and keys. What is to run is read from the folder every two seconds, so that
adding or stopping a commune needs no word to this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from beffroi.adapters import durable
from beffroi.adapters.door import Door
from beffroi.adapters.patience import Patient
from beffroi.cli import place as places
from beffroi.cli.children import Child
from beffroi.cli.host_homes import Home, front_door, homes
from beffroi.cli.serve import end_signals, free
from beffroi.cli.settings import SettingsError, load
from beffroi.model.limits import COMMUNE_STOP_S_MAX, WEB_CONNECTIONS_MAX

LOOK_S = 2.0
STATE = "host.json"  # who runs: for `status` and `stop`
DOOR_STOP_S_MAX = 5

log = structlog.get_logger("host")


class Crew:
    """The communes that run now, each kept by a task."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._keepers: dict[str, tuple[Child, asyncio.Task[None]]] = {}
        self.door = Child("door", place)
        self._state = b""

    def look(self) -> None:
        """Start what is to run, ask what is not to end."""
        wanted = {home.id: home for home in homes(self._place) if not home.stopped}
        for commune in wanted.keys() - self._keepers.keys():
            self._keepers[commune] = _kept(wanted[commune])
            log.info("commune_started", commune=commune)
        for commune in self._keepers.keys() - wanted.keys():
            _, task = self._keepers[commune]
            if task.done():
                del self._keepers[commune]
                log.info("commune_stopped", commune=commune)
            elif not task.cancelling():
                task.cancel()
        self._tell()

    def _tell(self) -> None:
        state: dict[str, Any] = {
            "pid": os.getpid(),
            "door": self.door.pid,
            "communes": {
                name: {"pid": child.pid, "restarts": child.restarts}
                for name, (child, _) in sorted(self._keepers.items())
            },
        }
        data = json.dumps(state, indent=1).encode()
        if data != self._state:
            try:
                durable.replace(self._place / STATE, data)
            except OSError as error:  # a full disk ends no commune; it is tried again
                log.error("state_not_written", error=str(error))
            else:
                self._state = data

    async def end(self) -> None:
        """All communes at once."""
        tasks = [task for _, task in self._keepers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        (self._place / STATE).unlink(missing_ok=True)


def _kept(home: Home) -> tuple[Child, asyncio.Task[None]]:
    env = {places.COMMUNE_ENV: home.id}
    child = Child(home.id, home.folder, "serve", env=env, stop_s_max=COMMUNE_STOP_S_MAX)
    return child, asyncio.create_task(child.keep())


async def run(place: Path) -> None:
    """Until a signal. InUseError, NotReadyError, SettingsError."""
    door = front_door(place)
    with places.alone_in(place):
        (place / STATE).unlink(missing_ok=True)  # of one that was killed: its ids are others' now
        stop = end_signals()
        free(door.host, door.port, "door.port", "host.toml")
        crew = Crew(place)
        opened = asyncio.create_task(crew.door.keep())
        try:
            while not stop.is_set():
                crew.look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_S)
        finally:
            opened.cancel()  # first: nobody comes in while the hubs finish what they have
            with contextlib.suppress(asyncio.CancelledError):
                await opened
            await crew.end()


class Names:
    """Host name -> port, read again when the folder or a file of settings has changed."""

    def __init__(self, place: Path) -> None:
        self._place, self._base = place, front_door(place)
        self._seen: dict[Path, tuple[int, int]] = {}
        self._table: dict[str, int] = {}
        self._next_s = 0.0

    def __call__(self) -> Mapping[str, int]:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + LOOK_S
            self._table = dict(self._read())
        return self._table

    def _read(self) -> list[tuple[str, int]]:
        found = []
        for home in homes(self._place):
            with contextlib.suppress(SettingsError, OSError):  # one wrong file closes one commune
                found.append((self._base.name_of(home.id), self._port(home)))
        return found

    def _port(self, home: Home) -> int:
        path = home.folder / "config.toml"
        changed_ns = path.stat().st_mtime_ns
        known = self._seen.get(path)
        if known is None or known[0] != changed_ns:
            known = self._seen[path] = changed_ns, load(home.folder).web.port
        return known[1]


async def door_process(place: Path) -> None:
    """Until a signal: the front door alone."""
    stop = end_signals()
    settings = front_door(place)
    door = Door(Names(place), https=settings.https, clock=time.monotonic)
    server = uvicorn.Server(
        uvicorn.Config(
            door,
            host=settings.host,
            port=settings.port,
            ssl_certfile=settings.tls_cert or None,
            ssl_keyfile=settings.tls_key or None,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=settings.behind_proxy,
            ws="none",
            timeout_graceful_shutdown=DOOR_STOP_S_MAX,
            timeout_keep_alive=30,
            limit_concurrency=2 * WEB_CONNECTIONS_MAX,
            http=Patient,
        )
    )
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    await door.close()
