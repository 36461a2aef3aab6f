"""What keeps the processes running goes on when the machine has no room for a moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from beffroi.cli import children
from beffroi.cli.children import Child
from beffroi.cli.host_run import STATE, Crew


async def test_a_child_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory for a fork: the task ended, and a hub or a commune was never started again."""
    tries: list[int] = []
    enough = asyncio.Event()

    async def spawn(*_: Any) -> Any:
        tries.append(1)
        if len(tries) == 3:
            enough.set()
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(children, "spawn", spawn)
    monkeypatch.setattr(children, "BACKOFF_S_MIN", 0.0)
    keeping = asyncio.create_task(Child("hub", tmp_path).keep())
    await asyncio.wait_for(enough.wait(), 5)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


def test_a_full_disk_ends_no_commune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note of who runs could not be written: that ended the supervisor, and all with it."""

    def full(*_: Any) -> None:
        raise OSError(28, "no space")

    crew = Crew(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("beffroi.cli.host_run.durable.replace", full)
        crew.look()
    assert not (tmp_path / STATE).exists()
    crew.look()
    assert (tmp_path / STATE).exists()
