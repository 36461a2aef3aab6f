"""A real `beffroi serve` process tree on a folder of its own, for programs of the lab.

Free ports, sessions straight from the store (signing in is not what is tried here). Knows nothing
of what is done with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.pki.ca import CertificateAuthority
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.api import sessions
from beffroi.lab.street import Address
from beffroi.ports.store import Store, User

START_S_MAX = 90.0
STOP_S_MAX = 40.0
ANSWER_S_MAX = 30.0
SESSION_S = 12 * 3_600


class HubError(Exception):
    """The hub did not come up; the text says where its output is."""


class Answer(NamedTuple):
    """Of the web side. `body` is JSON where there is any."""

    status: int
    body: Any

    @property
    def code(self) -> str:
        """The machine name of a refusal, the status of anything else."""
        problem = self.body.get("code") if isinstance(self.body, dict) else None
        return str(problem or self.status)


class HubProcess:
    """`install` things into `store()` first, then `start`; `stop` at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.web_port, self.mqtt_port, nats = free_port(), free_port(), free_port()
        (home / "config.toml").write_text(
            f"[web]\nport = {self.web_port}\n[mqtt]\nport = {self.mqtt_port}\n"
            f"[nats]\nport = {nats}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.mqtt_port)

    @property
    def site(self) -> str:
        return f"http://localhost:{self.web_port}"

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.load(self.home / "nats")

    def store(self) -> SqlStore:
        return open_store(f"sqlite:///{self.home / 'beffroi.sqlite'}")

    def enrolment(self, store: Store) -> Enrolment:
        clock = SystemClock()
        authority = CertificateAuthority(self.home / "ca", clock.now_ms())
        return Enrolment(authority, store, clock, *self.address)

    async def start(self) -> None:
        """Until its pages answer."""
        command = [sys.executable, "-m", "beffroi", "serve", "--home", str(self.home)]
        with (self.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_S_MAX
        while True:
            answer = await self.call(None, "GET", "/sign-in")
            if answer.status == 200:
                return
            if time.monotonic() > end or self._process.poll() is not None:
                raise HubError(f"the hub did not start: see {self.home / 'serve.log'}")
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait, STOP_S_MAX)

    # --- the web side ------------------------------------------------------------------------
    async def call(
        self, session: Session | None, method: str, path: str, body: object = None
    ) -> Answer:
        """`body`: bytes as they are, a text as a form, anything else as JSON."""
        return await asyncio.to_thread(self._call, session, method, path, body)

    def _call(self, session: Session | None, method: str, path: str, body: object) -> Answer:
        kind, data = _packed(body)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web_port}{path}",
            None if body is None else data,
            {
                "Content-Type": kind,
                "Origin": f"http://127.0.0.1:{self.web_port}",
                **(session.headers if session else {}),
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:  # noqa: S310
                return Answer(answer.status, _json(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()))
        except OSError as error:
            return Answer(0, str(error))


class Session(NamedTuple):
    """A signed-in browser: what a thief of it has."""

    user: User
    headers: Mapping[str, str]


def signed_in(store: Store, user: User) -> Session:
    """As after a good passphrase."""
    store.people.put_user(user)
    token = f"{int(time.time() * 1000)}.{secrets.token_urlsafe(32)}"
    until_ms = int((time.time() + SESSION_S) * 1000)
    store.people.put_session(sessions.hashed(token), user.id, until_ms)
    cookie = f"{sessions.COOKIE}={token}"
    return Session(user, {"Cookie": cookie, "X-CSRF-Token": sessions.csrf_of(token)})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _packed(body: object) -> tuple[str, bytes]:
    if isinstance(body, bytes):
        return "application/octet-stream", body
    if isinstance(body, str):
        return "application/x-www-form-urlencoded", body.encode()
    return "application/json", json.dumps(body).encode()


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data
