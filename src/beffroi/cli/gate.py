"""The gate as a process of its own: `python -m beffroi.cli.gate HOME`, started by `beffroi serve`.

Waits for the broker, answers until SIGTERM, ends with its parent. Needs only the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import uvloop

from beffroi.adapters.nats import process
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.gate import Gate
from beffroi.adapters.nats.roster import Roster
from beffroi.adapters.sql import open_store
from beffroi.cli import settings


async def gate(home: Path) -> None:
    """Run the gate of this home folder until cancelled or told to end."""
    store = await asyncio.to_thread(open_store, settings.load(home).store_url)
    try:
        guard = Gate(
            Endpoint.load(home / "nats"), home / "nats", Roster(store.assets, store.people)
        )
        task = asyncio.ensure_future(guard.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        store.close()


def main() -> None:
    """One argument: the home folder."""
    process.die_with_parent()
    uvloop.run(gate(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
