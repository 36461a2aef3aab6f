"""A home copied while its evidence log grows comes back, and proves what it proved."""

from __future__ import annotations

import io
import tarfile
import threading
from pathlib import Path

import pytest

from beffroi.adapters.copies import CopyError, copy_home, restore_home
from beffroi.adapters.log import Log
from beffroi.adapters.log.fsck import fsck
from beffroi.evidence.entry import Draft


def a_home(folder: Path) -> Path:
    for name, text in {
        "config.toml": "[web]",
        "ca/ca.key": "secret",
        "keys/hub.key": "seed",
        "trust/metadata/1.root.json": "{}",
        "nats/store": "not in the copy",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text)
        path.chmod(0o600)
    return folder


def test_what_a_commune_needs_comes_back_and_nothing_else(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home")
    copy = tmp_path / "copies" / "one.home.tar.gz"
    assert copy_home(home, copy) == 4
    assert copy.stat().st_mode & 0o777 == 0o600
    assert restore_home(copy, tmp_path / "new") == 4
    assert (tmp_path / "new/ca/ca.key").read_text() == "secret"
    assert (tmp_path / "new/ca/ca.key").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "new/nats").exists()
    with pytest.raises(CopyError, match="empty folder"):
        restore_home(copy, tmp_path / "new")
    with pytest.raises(CopyError, match="exists"):
        copy_home(home, copy)


def test_a_log_that_grows_meanwhile_is_whole(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home")
    log = Log(home / "evidence", "c")
    stop = threading.Event()

    def write() -> None:
        at = 0
        while not stop.is_set():
            at += 1
            log.append([Draft("plan.kept", at, payload=b"x" * 200)] * 3)

    writer = threading.Thread(target=write)
    writer.start()
    copies = []
    try:
        for n in range(4):
            copy = tmp_path / f"{n}.home.tar.gz"
            before = log.checkpoint().size
            copy_home(home, copy)
            copies.append((copy, before))
    finally:
        stop.set()
        writer.join()
        log.close()
    for n, (copy, signed) in enumerate(copies):
        again = tmp_path / f"again-{n}"
        restore_home(copy, again)
        restored = Log(again / "evidence", "c")
        size = restored.checkpoint().size
        assert size >= signed, "what was signed before the copy is in it"
        restored.close()
        assert not fsck(again / "evidence").findings


def spoilt(copy: Path, name: str, data: bytes, kind: bytes = tarfile.REGTYPE) -> Path:
    """The same copy with one more member."""
    out = copy.with_name("spoilt.home.tar.gz")
    with tarfile.open(copy, "r:gz") as old, tarfile.open(out, "w:gz") as new:
        for info in old:
            new.addfile(info, old.extractfile(info))
        info = tarfile.TarInfo(name)
        info.size, info.type, info.linkname = len(data), kind, "/etc/passwd"
        new.addfile(info, io.BytesIO(data))
    return out


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("/etc/cron.d/x", tarfile.REGTYPE),
        ("ca/../../x", tarfile.REGTYPE),
        ("ca/link", tarfile.SYMTYPE),
        ("elsewhere/x", tarfile.REGTYPE),
        ("ca/added", tarfile.REGTYPE),
    ],
)
def test_a_hostile_copy_writes_nothing(tmp_path: Path, name: str, kind: bytes) -> None:
    copy = tmp_path / "one.home.tar.gz"
    copy_home(a_home(tmp_path / "home"), copy)
    bad = spoilt(copy, name, b"" if kind == tarfile.SYMTYPE else b"x", kind)
    with pytest.raises(CopyError):
        restore_home(bad, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_copy_writes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "one.home.tar.gz"
    copy_home(a_home(tmp_path / "home"), copy)
    whole = copy.read_bytes()
    for cut in range(0, len(whole), 7):
        copy.write_bytes(whole[:cut])
        with pytest.raises(CopyError):
            restore_home(copy, tmp_path / "new")
    assert not (tmp_path / "new").exists()
