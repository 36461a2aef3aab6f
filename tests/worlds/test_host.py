"""An installation of two communes as processes: one dies, one leaves, the other stays."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from beffroi.adapters.nats.config import free_port
from beffroi.cli.host import resident_kib

WAIT_S = 90


class Installation:
    """`beffroi host` on a folder with the communes a and b."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port("127.0.0.1")
        self("init", "--base", "localhost", "--port", str(self.port))
        self("add", "a", "--name", "Ambleny")
        self("add", "b", "--name", "Bergues")
        log = (place / "log").open("wb")
        self.process = subprocess.Popen(
            [*BEFFROI, "host", str(place)], stdout=log, stderr=log, start_new_session=True
        )

    def __call__(self, command: str, *more: str) -> str:
        line = [*BEFFROI, "host", command, str(self.place), *more]
        done = subprocess.run(line, capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def code(self, commune: str) -> int:
        try:
            return httpx.get(
                f"http://127.0.0.1:{self.port}/healthz",
                headers={"host": f"{commune}.localhost:{self.port}"},
                timeout=10,
            ).status_code
        except httpx.TransportError:
            return 0

    def pids(self) -> dict[str, int]:
        state = json.loads((self.place / "host.json").read_text())
        return {name: one["pid"] for name, one in state["communes"].items()}

    def until(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < end, (self.place / "log").read_text()[-2_000:]
            time.sleep(0.2)


BEFFROI = (sys.executable, "-m", "beffroi")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("host"))
    try:
        made.until(lambda: made.code("a") == made.code("b") == 200)
        yield made
    finally:
        made.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            made.process.wait(60)
        if made.process.poll() is None:
            os.killpg(made.process.pid, signal.SIGKILL)


def below(pid: int) -> list[int]:
    """Direct children."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def hub_of(pid: int) -> int:
    for one in below(pid):
        if b"hub-process" in Path(f"/proc/{one}/cmdline").read_bytes():
            return one
    return 0


def test_a_dead_hub_stops_nobody_else_and_comes_back(host: Installation) -> None:
    served = host.pids()["a"]
    hub = hub_of(served)
    os.kill(hub, signal.SIGKILL)
    host.until(lambda: host.code("a") == 502)
    assert host.code("b") == 200
    host.until(lambda: host.code("a") == 200)
    assert host.pids()["a"] == served  # its own supervisor started it again


def test_nothing_is_shared_but_the_supervisor(host: Installation) -> None:
    homes = {name: host.place / "communes" / name for name in ("a", "b")}
    files = {name: {p.name for p in home.iterdir()} for name, home in homes.items()}
    assert {"beffroi.sqlite", "personal.sqlite", "personal.keys", "ca", "nats"} <= files["a"]
    for name in ("ca/ca.key", "ca/ca.crt", "personal.keys"):
        assert (homes["a"] / name).read_bytes() != (homes["b"] / name).read_bytes()
    pids = host.pids()
    assert set(below(host.process.pid)) >= set(pids.values())
    for name, other in (("a", "b"), ("b", "a")):
        for pid in [pids[name], *below(pids[name])]:
            opened = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
            assert not [one for one in opened if str(homes[other]) in one]


def test_status_says_who_runs_and_how_large(host: Installation) -> None:
    lines = {line.split()[0]: line for line in host("status").splitlines()}
    assert all("MiB" in lines[name] for name in ("a", "b"))
    assert resident_kib(host.pids()["a"]) > 50 * 1024
    listed = host("list")
    assert f"http://a.localhost:{host.port}" in listed


def test_one_is_stopped_taken_out_and_started_again(host: Installation, tmp_path: Path) -> None:
    host("take-out", "a", "--to", str(tmp_path / "copy"))
    assert host.code("a") == 502
    assert host.code("b") == 200
    names = {path.suffix for path in (tmp_path / "copy").iterdir()}
    assert {".backup", ".gz", ".keys"} <= names
    (copy,) = (tmp_path / "copy").glob("*.backup")
    line = [*BEFFROI, "restore", str(copy), "--home", str(tmp_path / "elsewhere")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stderr
    old, new = host.place / "communes" / "a", tmp_path / "elsewhere"
    for name in ("ca/ca.key", "personal.keys", "config.toml"):
        assert (new / name).read_bytes() == (old / name).read_bytes()
    host("start", "a")
    host.until(lambda: host.pids().get("a", 0) > 0)


def test_all_ends_with_the_supervisor(host: Installation) -> None:
    pids = list(host.pids().values())
    children = [one for pid in pids for one in below(pid)]
    assert "stopped" in host("stop")
    assert host.process.wait(60) == 0
    assert not [pid for pid in (*pids, *children) if Path(f"/proc/{pid}").exists()]
