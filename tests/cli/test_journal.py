"""A log line never raises: the disk that is full is what the log would have told of."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import cast

import pytest
import structlog

from beffroi.cli.place import Journal


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_costs_the_line_and_nothing_else() -> None:
    with contextlib.suppress(OSError), Path("/dev/full").open("w", buffering=1) as full:
        journal = Journal(full)
        log = structlog.WriteLogger(file=cast("object", journal))  # type: ignore[arg-type]
        for _ in range(3):
            log.msg("the disk is full")
        lost = journal.lost
    assert lost == 3


def test_a_closed_file_costs_the_line_and_nothing_else(tmp_path: Path) -> None:
    file = (tmp_path / "log").open("w")
    file.close()
    assert Journal(file).write("late") == 0
    Journal(file).flush()
