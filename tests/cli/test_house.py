"""What the house reads of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beffroi.cli.house import read_only

LINE = "36 35 {device} / /home rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro{more}\n"


@pytest.mark.parametrize(
    ("own", "more", "found"),
    [(True, "", False), (True, ",emergency_ro", True), (False, ",emergency_ro", False)],
)
def test_an_ext4_that_gave_up_writing(tmp_path: Path, own: bool, more: str, found: bool) -> None:
    """As Linux 6.18 writes it; of another file system it says nothing about ours."""
    device = tmp_path.stat().st_dev
    shown = f"{os.major(device) + (not own)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text("\n36\n" + LINE.format(device=shown, more=more))
    assert read_only(tmp_path, mounts) is found


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert not read_only(tmp_path, tmp_path / "none")
