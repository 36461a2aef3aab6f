"""The used set on disk: durable, alone, honest about damage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.adapters.used.file import MAGIC, UsedFile, UsedFileError
from beffroi.domains.single_use import Claim

A, B = b"a" * 16, b"b" * 16


def test_it_remembers_across_starts(tmp_path: Path) -> None:
    path = tmp_path / "used"
    with UsedFile(path) as used:
        assert used.claim(A, b"bay-1", 5) == b"bay-1"
        assert used.claim(A, b"bay-2", 5) == b"bay-1"
    with UsedFile(path) as used:
        assert used.claim(A, b"bay-2", 5) == b"bay-1"
        assert used.claim(B, b"bay-2", 9) == b"bay-2"
        assert list(used.claims()) == [Claim(A, b"bay-1", 5), Claim(B, b"bay-2", 9)]
    assert path.stat().st_mode & 0o077 == 0


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with UsedFile(tmp_path / "used"), pytest.raises(UsedFileError, match="in use"):
        UsedFile(tmp_path / "used")


@given(st.integers(0, 100))
@settings(max_examples=40)
def test_a_torn_last_record_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("used") / "used"
    with UsedFile(path) as used:
        used.claim(A, b"bay-1", 5)
        whole = path.stat().st_size
        used.claim(B, b"bay-2", 5)
    raw = path.read_bytes()
    path.write_bytes(raw[: max(whole, len(raw) - cut)])
    with UsedFile(path) as used:
        assert used.claim(A, b"x", 5) == b"bay-1"
        assert used.claim(B, b"x", 5) == (b"bay-2" if cut == 0 else b"x")
    with UsedFile(path) as used:
        assert len(list(used.claims())) == 2


def test_damage_inside_stops_the_verifier(tmp_path: Path) -> None:
    path = tmp_path / "used"
    with UsedFile(path) as used:
        for number in range(50):
            used.claim(number.to_bytes(16, "big"), b"bay-1", 5)
    whole = path.read_bytes()
    record = (len(whole) - len(MAGIC)) // 50
    for at in (len(MAGIC), len(MAGIC) + 3, len(whole) - record - 1, len(whole) - 2 * record):
        raw = bytearray(whole)
        raw[at] ^= 0x41
        path.write_bytes(raw)
        with pytest.raises(UsedFileError, match="damaged"):
            UsedFile(path)
        assert path.read_bytes() == bytes(raw)
    path.write_bytes(b"something else")
    with pytest.raises(UsedFileError, match="not a used set"):
        UsedFile(path)


def test_it_is_synced_before_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill cannot show this, a power cut would: what is written is asked to be on the disk."""
    synced: list[int] = []
    path, fsync = tmp_path / "used", os.fsync
    with UsedFile(path) as used:
        monkeypatch.setattr(os, "fsync", lambda f: (fsync(f), synced.append(path.stat().st_size)))
        used.claim(A, b"bay-1", 5)
        assert synced == [path.stat().st_size]
        used.claim(A, b"bay-2", 5)  # known: nothing is written
        assert len(synced) == 1


CLAIMER = """
import sys
from pathlib import Path
from beffroi.adapters.used.file import UsedFile
with UsedFile(Path(sys.argv[1])) as used:
    for number in range(100_000):
        used.claim(number.to_bytes(16, "big"), b"bay-1", 5)
        print(number, flush=True)
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "used"
    child = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.2)
    os.kill(child.pid, signal.SIGKILL)
    answered = [line for line in child.stdout.read().split("\n") if line]
    child.wait()
    with UsedFile(path) as used:
        kept = {claim.nonce for claim in used.claims()}
    whole = [int(one) for one in answered[:-1]]  # the last line itself may be torn
    assert whole
    assert {number.to_bytes(16, "big") for number in whole} <= kept
