"""Real peers of the drivers: a PLC process and an SNMP agent process, on ports of their own."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

READY_S = 30


@dataclass
class Peer:
    """A child that prints `listening <port>` and takes orders by line."""

    module: str
    arguments: list[str]
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, "--port", str(self.port), *self.arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.port = int(self.line().split()[1])

    def line(self) -> str:
        assert self.process
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], READY_S)[0], f"{self.module} is mute"
        return self.process.stdout.readline()

    def order(self, text: str) -> str:
        assert self.process
        assert self.process.stdin
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def send(self, signal_number: int) -> None:
        assert self.process
        os.kill(self.process.pid, signal_number)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.communicate(timeout=10)
            self.process = None


def peer(module: str, *arguments: str) -> Iterator[Peer]:
    started = Peer(module, list(arguments))
    started.start()
    try:
        yield started
    finally:
        started.stop()


def fresh(started: Peer) -> Peer:
    """As on the first day, whatever the test before it did."""
    if started.process is None:
        started.start()
    started.send(signal.SIGCONT)
    started.order("reset")
    return started


@pytest.fixture(scope="module")
def plant_process() -> Iterator[Peer]:
    yield from peer("beffroi.lab.plant", "--watchdog-s", "1.0")


@pytest.fixture(scope="module")
def controller_process() -> Iterator[Peer]:
    yield from peer("beffroi.lab.ntcip_agent", "controller", "--speed", "60")


@pytest.fixture(scope="module")
def sign_process() -> Iterator[Peer]:
    yield from peer("beffroi.lab.ntcip_agent", "sign")


@pytest.fixture
def plant(plant_process: Peer) -> Peer:
    return fresh(plant_process)


@pytest.fixture
def controller(controller_process: Peer) -> Peer:
    return fresh(controller_process)


@pytest.fixture
def sign(sign_process: Peer) -> Peer:
    return fresh(sign_process)


@pytest.fixture
def slow_controller() -> Iterator[Peer]:
    """One whose seconds are seconds."""
    yield from peer("beffroi.lab.ntcip_agent", "controller")


@pytest.fixture
def snmp(tmp_path: Path) -> dict[str, str]:
    """The `snmp` table of a wiring, with its secrets in files of our own."""
    table = {"user": "beffroi"}
    for name, secret in (("auth_file", "lab-authentication"), ("priv_file", "lab-encryption")):
        path = tmp_path / name
        path.write_text(secret + "\n")
        path.chmod(0o600)
        table[name] = str(path)
    return table


@pytest.fixture
def net_snmp() -> Callable[..., str]:
    """An SNMP implementation that is not ours: Debian's `snmp` tools."""
    if not shutil.which("snmpget"):
        pytest.skip("needs the independent SNMP client: apt-get install snmp")

    def run(tool: str, port: int, *arguments: str) -> str:
        command = [
            tool, "-v3", "-l", "authPriv", "-u", "beffroi", "-a", "SHA-256", "-A",
            "lab-authentication", "-x", "AES", "-X", "lab-encryption", "-t", "5", "-On", "-Oe",
            "-Ox", f"127.0.0.1:{port}", *arguments,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return done.stdout + done.stderr

    return run
