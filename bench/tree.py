"""A real `beffroi serve` process tree on a folder of its own, as a benchmark or a fault sees it.

Free ports, a signed-in reader's cookie, and the processes by name so that they can be measured
or killed. Knows no benchmark.
"""

from __future__ import annotations

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.pki.ca import CertificateAuthority
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.api import sessions
from beffroi.ports.store import User

READER = User("bench", "Bench", "reader")
MAP_S_MAX = 600.0


# The supervisor waits up to 30 s before it starts a child again that died young. A campaign that
# kills every few seconds would mostly see processes that are down: here it waits 0.3 s. Only the
# supervisor is changed, its children are the real commands.
QUICK = """
from beffroi.adapters.nats.server import Broker
from beffroi.cli import children
from beffroi.cli.main import app
children.BACKOFF_S_MAX = 0.3
Broker.__init__.__kwdefaults__["backoff_s_max"] = 0.3
app()
"""


class TreeError(Exception):
    """The tree did not come up; the text holds the last lines of its output."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Tree:
    """`start`, then `get(path)`; `stop` at the end. `url` selects another database; `quick`
    starts again at once what died; `entry` is Python run instead of `-m beffroi`."""

    def __init__(self, home: Path, url: str = "", *, quick: bool = False, entry: str = "") -> None:
        self.home = home
        entry = QUICK if quick else entry
        self._entry = ["-c", entry] if entry else ["-m", "beffroi"]
        self.url = url or f"sqlite:///{home / 'beffroi.sqlite'}"
        self.mqtt_port, self.web_port = free_port(), free_port()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "config.toml").write_text(
            f"[web]\nport = {self.web_port}\n"
            f"[mqtt]\nport = {self.mqtt_port}\n"
            f"[nats]\nport = {free_port()}\n" + (f'[database]\nurl = "{url}"\n' if url else "")
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (home / "serve.log").open("ab")
        self._cookie = ""

    def store(self) -> SqlStore:
        """The same database, opened from here."""
        return open_store(self.url)

    def enrolment(self, store: SqlStore) -> Enrolment:
        clock = SystemClock()
        authority = CertificateAuthority(self.home / "ca", clock.now_ms())
        return Enrolment(authority, store, clock, "127.0.0.1", self.mqtt_port)

    def sign_in(self, store: SqlStore) -> None:
        """A session for READER, straight in the store: signing in is not what is measured."""
        store.people.put_user(READER)
        token = f"{int(time.time() * 1000)}.{secrets.token_urlsafe(32)}"
        until_ms = int((time.time() + 12 * 3_600) * 1000)
        store.people.put_session(sessions.hashed(token), READER.id, until_ms)
        self._cookie = f"{sessions.COOKIE}={token}"

    def launch(self) -> None:
        """Start without waiting."""
        command = [sys.executable, *self._entry, "serve", "--home", str(self.home)]
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def start(self) -> float:
        """Seconds from the command until the map answers."""
        began = time.monotonic()
        self.launch()
        self.wait("/api/map", MAP_S_MAX)
        return time.monotonic() - began

    def wait(self, path: str, seconds: float) -> None:
        """Until the path answers 200."""
        end = time.monotonic() + seconds
        while True:
            try:
                self.get(path)
            except (OSError, urllib.error.URLError) as error:
                if time.monotonic() > end or not self.alive:
                    self.stop()  # else it would be there, and busy, for what is measured next
                    raise TreeError(f"{path}: {error}; see {self.home}/serve.log") from error
                time.sleep(0.05)
            else:
                return

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web_port}{path}", headers={"Cookie": self._cookie}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def processes(self) -> dict[str, psutil.Process]:
        """By name: supervisor, broker, gate, hub, codecs (those that run now)."""
        if self._process is None or not self.alive:
            return {}
        top = psutil.Process(self._process.pid)
        found = {"supervisor": top}
        for child in top.children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            name = next((w[:-8] for w in words if w.endswith("-process")), "")
            if not name and words and "nats-server" in words[0]:
                name = "broker"
            if name:
                found.setdefault(name, child)
        return found

    def kill(self, name: str) -> int:
        """kill -9 of one process; returns its pid, 0 when it does not run now."""
        process = self.processes().get(name)
        if process is None:
            return 0
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return 0
        return int(process.pid)

    def stop(self) -> None:
        """SIGTERM to the supervisor, then what is left of its group."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        self._process = None

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Nothing of the stopped tree keeps the home's disk busy in this block."""
        self._log.close()
        yield
        self._log = (self.home / "serve.log").open("ab")

    def last_words(self) -> str:
        return (self.home / "serve.log").read_text(errors="replace")[-2_000:]
