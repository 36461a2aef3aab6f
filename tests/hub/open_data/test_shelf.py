"""The shelf of open data: read by many, and nothing of it is left when the hub is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from beffroi.hub.open_data.shelf import Shelf
from beffroi.model.limits import OPEN_FRESH_S, OPEN_SHELF_FILES_MAX

KILLED = """
import os, signal
from beffroi.hub.open_data.shelf import Shelf
shelf = Shelf()
shelf.take("a", 1, lambda out: [out.write(b"x")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def write(text: bytes) -> object:
    def make(out: BinaryIO) -> list[int]:
        return [out.write(text)]

    return make


def test_two_readers_do_not_disturb_each_other_and_outlive_the_file() -> None:
    shelf = Shelf()
    file, one = shelf.take("a", 0, write(b"lampes"))  # type: ignore[arg-type]
    again, two = shelf.take("a", OPEN_FRESH_S * 1000 - 1, write(b"other"))  # type: ignore[arg-type]
    assert (file.size, file.marks, again) == (6, (6,), file)
    assert one.read(3) == b"lam"
    assert two.read() == b"lampes"
    for number in range(OPEN_SHELF_FILES_MAX):
        shelf.take(f"b{number}", 0, write(b"x"))[1].close()  # type: ignore[arg-type]
    shelf.close()
    assert one.read() == b"pes"
    one.close()
    two.close()


def test_a_maker_that_fails_leaves_nothing() -> None:
    shelf, before = Shelf(), len(list(Path("/proc/self/fd").iterdir()))

    def fails(out: BinaryIO) -> list[int]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shelf.take("a", 0, fails)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_killed_hub_leaves_no_file(tmp_path: Path) -> None:
    env = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", KILLED], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
