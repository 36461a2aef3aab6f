"""Files that are whole or not there: also when the disk fails in the middle."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beffroi.adapters import copies, durable


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("beffroi.adapters.durable.os.fsync", fsync)


def test_a_new_file_is_never_over_another_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    durable.create(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        durable.create(path, b"two")
    assert path.read_bytes() == b"one"


@pytest.mark.usefixtures("full")
def test_a_failing_disk_leaves_nothing_behind_and_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="no space"):
        durable.replace(path, b"new")
    with pytest.raises(OSError, match="no space"):
        durable.create(tmp_path / "other", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
    assert path.read_bytes() == b"old"


def test_a_copy_of_a_home_that_failed_is_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the keys in a file that looks like a backup would be found on the day it is needed"""
    home, target = tmp_path / "home", tmp_path / "copy.tar.gz"
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "hub.pem").write_text("x")

    def broken(_: Path) -> bytes:
        raise copies.CopyError("cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(copies, "_content", broken)
        with pytest.raises(copies.CopyError):
            copies.copy_home(home, target)
    assert not target.exists()
    assert copies.copy_home(home, target) == 1


def test_threads_that_replace_one_file_do_not_share_their_half(tmp_path: Path) -> None:
    path, parts = tmp_path / "list", [bytes([n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: durable.replace(path, data), parts))
    assert path.read_bytes() in parts
    assert [one.name for one in tmp_path.iterdir()] == ["list"]
