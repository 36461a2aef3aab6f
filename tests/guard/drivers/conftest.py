"""Real peers of the drivers: a PLC process and an SNMP agent process, on ports of their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

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


@pytest.fixture
def plant() -> Iterator[Peer]:
    yield from peer("beffroi.lab.plant", "--watchdog-s", "1.0")
