"""The monitor as a process: it reacts, it latches, it is deaf, and its death makes it flash."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from beffroi.guard.monitor.lamps import Permit
from beffroi.guard.monitor.main import EXIT_CARD, EXIT_SOCKET
from beffroi.lab.output_stage import AMBER, GREEN, RED, OutputStage, seal, two_streets

CLEAR = (RED, RED, RED)
SOON_S = 30


def may_be_first() -> bool:
    """May a process of ours go before others?"""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    return os.geteuid() == 0 or limit >= 50


@dataclass
class Cabinet:
    """An output stage that drives its lamps without pause, and the monitor beside it."""

    folder: Path
    lamps: tuple[int, ...] = CLEAR
    process: subprocess.Popen[str] | None = None
    ends: bool = False
    stage: OutputStage = field(init=False)

    def __post_init__(self) -> None:
        self.stage = OutputStage(self.folder / "lamps", self.folder / "permit")
        (self.folder / "state").mkdir()
        threading.Thread(target=self._drive, daemon=True).start()

    def _drive(self) -> None:
        # A real output stage is hardware: it does not wait for a busy machine, as far as we may.
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        while not self.ends:
            self.stage.drive(self.lamps)
            time.sleep(0.01)

    def arguments(self) -> list[str]:
        named = {
            "card": "card.json",
            "seal": "card.sha256",
            "lamps": "lamps",
            "permit": "permit",
            "state": "state",
        }
        return [part for name, at in named.items() for part in (f"--{name}", str(self.folder / at))]

    def start(self) -> None:
        command = [sys.executable, "-m", "beffroi.guard.monitor", *self.arguments()]
        if may_be_first():
            command.append("--realtime")
        self.process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)

    def until(self, flashing: bool) -> None:
        end = time.monotonic() + SOON_S
        while self.stage.flashing != flashing:
            assert time.monotonic() < end, f"flashing is still {not flashing}"
            time.sleep(0.005)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.communicate(timeout=SOON_S)
            self.process = None

    def reset(self, word: bytes = b"reset\n") -> None:
        handle = os.open(self.folder / "state" / "key", os.O_WRONLY | os.O_NONBLOCK)
        os.write(handle, word)
        os.close(handle)

    def latched(self) -> str:
        end = time.monotonic() + SOON_S
        latch = self.folder / "state" / "latch"
        while not (latch.exists() and latch.read_text()):
            assert time.monotonic() < end, "not latched"
            time.sleep(0.01)
        return latch.read_text()


@contextmanager
def cabinet_in(folder: Path) -> Iterator[Cabinet]:
    seal(folder, two_streets())
    made = Cabinet(folder)
    try:
        yield made
    finally:
        made.kill()
        made.ends = True


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    with cabinet_in(tmp_path) as made:
        made.start()
        made.until(flashing=False)
        yield made


@pytest.fixture(scope="module")
def quiet_cabinet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cabinet]:
    """For tests that only look, and must leave it as it is."""
    with cabinet_in(tmp_path_factory.mktemp("cabinet")) as made:
        made.start()
        made.until(flashing=False)
        yield made


def test_a_conflict_makes_it_flash_for_good_until_somebody_comes(cabinet: Cabinet) -> None:
    cabinet.lamps = (GREEN, GREEN, RED)
    cabinet.until(flashing=True)
    assert "conflict: a and b" in cabinet.latched()
    assert Permit(cabinet.folder / "permit").read() == 0  # taken away, not only left to age

    cabinet.lamps = CLEAR  # the fault is gone: it does not matter
    time.sleep(1.2)
    assert cabinet.stage.flashing
    cabinet.reset()  # the key without anybody at the cabinet
    time.sleep(1.2)
    assert cabinet.stage.flashing

    cabinet.kill()  # nor does a restart
    cabinet.start()
    time.sleep(1.5)
    assert cabinet.stage.flashing

    (cabinet.folder / "state" / "door").touch()
    cabinet.reset(b"please\n")
    time.sleep(0.3)
    assert (cabinet.folder / "state" / "latch").exists()
    cabinet.reset()
    cabinet.until(flashing=False)
    assert not (cabinet.folder / "state" / "latch").exists()
    record = (cabinet.folder / "state" / "record.jsonl").read_text()
    assert record.count('"tripped"') == 2


def test_a_latch_that_could_not_be_written_is_tried_again(cabinet: Cabinet) -> None:
    """A restart meanwhile would forget the trip."""
    state = cabinet.folder / "state"
    (state / "latch").symlink_to(state / "full" / "latch")
    cabinet.lamps = (GREEN, GREEN, RED)
    cabinet.until(flashing=True)
    time.sleep(0.3)
    assert not (state / "latch").exists()
    (state / "full").mkdir()
    assert "conflict: a and b" in cabinet.latched()


def test_a_reset_while_the_fault_stands_only_goes_on_flashing(cabinet: Cabinet) -> None:
    cabinet.lamps = (AMBER, GREEN, RED)
    cabinet.until(flashing=True)
    cabinet.latched()
    (cabinet.folder / "state" / "door").touch()
    cabinet.reset()
    end = time.monotonic() + 1.3
    while time.monotonic() < end:
        assert cabinet.stage.flashing
        time.sleep(0.01)


def test_dead_stopped_or_ended_it_permits_nothing(cabinet: Cabinet) -> None:
    assert cabinet.process
    cabinet.process.send_signal(signal.SIGSTOP)
    cabinet.until(flashing=True)
    cabinet.process.send_signal(signal.SIGCONT)
    cabinet.until(flashing=False)  # after another second of red
    cabinet.kill(signal.SIGTERM)
    assert cabinet.stage.flashing
    cabinet.start()
    cabinet.until(flashing=False)
    cabinet.kill()
    cabinet.until(flashing=True)


def test_a_controller_that_hangs_makes_it_flash(cabinet: Cabinet) -> None:
    cabinet.ends = True
    cabinet.until(flashing=True)
    assert "silent" in cabinet.latched()


def test_a_card_changed_under_it_makes_it_flash(cabinet: Cabinet) -> None:
    (cabinet.folder / "card.json").chmod(0o644)
    cabinet.until(flashing=True)
    assert "card" in cabinet.latched()


def test_it_does_not_start_with_a_card_that_can_be_written(tmp_path: Path) -> None:
    with cabinet_in(tmp_path) as made:
        (tmp_path / "card.json").chmod(0o644)
        made.start()
        assert made.process
        _, said = made.process.communicate(timeout=SOON_S)
        assert made.process.returncode == EXIT_CARD
        assert "can be written" in said
        assert made.stage.flashing


# --- it is deaf -------------------------------------------------------------------------------


def test_it_has_no_socket_that_anything_could_be_sent_to(quiet_cabinet: Cabinet) -> None:
    """T1: there is nothing to attack by network. Looked at from outside, during work."""
    cabinet = quiet_cabinet
    assert cabinet.process
    seen = psutil.Process(cabinet.process.pid)
    assert seen.net_connections(kind="all") == []
    handles = Path(f"/proc/{cabinet.process.pid}/fd")
    opened = [str(handle.readlink()) for handle in handles.iterdir()]
    assert opened
    assert not [link for link in opened if link.startswith("socket:")]
    libraries = Path(f"/proc/{cabinet.process.pid}/maps").read_text()
    assert not re.search(r"/(_socket|_ssl)\.cpython", libraries)


def test_a_storm_on_every_open_port_of_the_machine_changes_nothing(
    quiet_cabinet: Cabinet,
) -> None:
    for connection in psutil.net_connections(kind="udp4"):
        if connection.laddr:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker, suppress(OSError):
                attacker.sendto(b"reset\n" * 20, ("127.0.0.1", connection.laddr.port))
    quiet_cabinet.until(flashing=False)
    assert not (quiet_cabinet.folder / "state" / "latch").exists()


def test_code_that_opens_a_socket_in_it_ends_it(tmp_path: Path) -> None:
    attack = (
        "import sys; from beffroi.guard.monitor import main as m; sys.addaudithook(m.deaf); "
        "import socket; socket.socket(); print('open')"
    )
    done = subprocess.run(
        [sys.executable, "-c", attack], capture_output=True, text=True, timeout=SOON_S
    )
    assert (done.returncode, done.stdout) == (EXIT_SOCKET, "")


def test_it_imports_nothing_that_knows_a_network() -> None:
    listed = "import sys, beffroi.guard.monitor.main; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", listed], capture_output=True, text=True, timeout=SOON_S, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"socket", "_socket", "ssl", "asyncio", "http", "urllib.request", "paho"}
    ours = {name for name in loaded if name.startswith("beffroi.")}
    assert all(name.startswith("beffroi.guard") for name in ours)


def test_the_key_is_a_pipe_of_its_own_user(quiet_cabinet: Cabinet) -> None:
    cabinet = quiet_cabinet
    key = cabinet.folder / "state" / "key"
    assert key.is_fifo()
    assert key.stat().st_mode & 0o077 == 0
    cabinet.kill()
    key.chmod(0o622)
    cabinet.start()
    assert cabinet.process
    _, said = cabinet.process.communicate(timeout=SOON_S)
    assert cabinet.process.returncode == EXIT_CARD
    assert "pipe" in said
