"""How fast one guard is: the judge alone on one core, the way from accepted bytes to a signed
receipt with a real disk, and the whole way over the broker to a guard process and back.

    python bench/guard.py [--commands 200] [--folder DIR]   (DIR: on the disk to be measured)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from beffroi.guard.clock import instant
from beffroi.guard.core import Core, Me
from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.effects import Persist
from beffroi.guard.facts import Neighbours, Place
from beffroi.guard.outbox import Queue
from beffroi.guard.post import Wired
from beffroi.guard.store import Store
from beffroi.guard.trust import Trusted
from beffroi.guard.worker import Worker
from beffroi.kernel.decide import decide
from beffroi.kernel.keys import public_of
from beffroi.kernel.verdict import Accepted, Refused
from beffroi.lab.conformance import commune as town
from beffroi.lab.conformance.bench import Bench, now_ms

NONCE = bytes(range(16))
KEY = bytes([9]) * 32


def quantiles(values_ms: list[float]) -> dict[str, float]:
    ordered = sorted(values_ms)
    at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)  # noqa: E731
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": round(ordered[-1], 2)}


class Wire:
    """An outbox that is always empty; `receipts` counts."""

    def __init__(self) -> None:
        self.queue, self.receipts, self.sent = Queue((), 0), 0, 0

    def receipt(self, kept) -> None:
        del kept
        self.receipts += 1

    def status(self, wire) -> None:
        """Nobody listens."""


class Documents:
    """Trusted from the start."""

    def __init__(self, commune: town.Commune) -> None:
        self._now = Trusted(commune.roster, commune.envelopes)

    def current(self):
        return self._now

    def take(self, files, now_ms):
        del files, now_ms
        return self._now


def guard(folder: Path, commune: town.Commune) -> tuple[Core, Worker, Wire, Store]:
    store, wire = Store(folder), Wire()
    wired = {
        name: Wired(Neighbours(tuple(n for n in town.LAMPS if n != name)))
        for name in commune.envelopes
    }
    drivers = {name: Simulated({**town.WIRING[name], "shows": town.SHOWS[name]}) for name in wired}
    me = Me(town.NAME, town.GUARD, Place(43.0, 5.0, ZoneInfo("Europe/Paris")), KEY)
    core = Core(me, store.load(), NONCE, wired, instant())
    worker = Worker(core, store, drivers, Documents(commune), wire, instant)
    worker.begin()
    worker.lease(commune.lease(NONCE, 1, now_ms(), 120_000))
    return core, worker, wire, store


def judged(commune: town.Commune, core: Core, seconds: float) -> dict[str, object]:
    """Verdicts a second on one core, for a good command and for one whose last signature fails."""
    known = core.situation(instant(), town.LAMPS)
    command = commune.command(NONCE, 1, now_ms(), klass="C", params={"level_pct": 10})
    good = commune.wire(command, commune.hub_key, town.CLERK, town.DEPUTY)
    bad = commune.wire(command, commune.hub_key, town.CLERK, town.STRANGER)
    result: dict[str, object] = {"bytes": len(good)}
    for name, wire, kind in (("accepted", good, Accepted), ("refused", bad, Refused)):
        count, begun = 0, time.process_time()
        while time.process_time() - begun < seconds:
            assert isinstance(decide(wire, known), kind)
            count += 1
        result[f"{name}_per_s"] = round(count / (time.process_time() - begun))
    return result


def inside(commune: town.Commune, worker: Worker, wire: Wire, count: int) -> dict[str, object]:
    """Bytes in, record durable, act, read back, receipt signed and durable: one thread, real disk.
    `durable` is the share of the first write alone."""
    persist_ms: list[float] = []
    real = worker._do

    def timed(effect):
        begun = time.perf_counter()
        answer = real(effect)
        if isinstance(effect, Persist):
            persist_ms.append((time.perf_counter() - begun) * 1000)
        return answer

    worker._do = timed
    all_ms = []
    for n in range(1, count + 1):
        command = commune.command(NONCE, n, now_ms(), params={"level_pct": 30 + n % 70})
        sent, before = commune.wire(command), wire.receipts
        begun = time.perf_counter()
        worker.command(sent)
        all_ms.append((time.perf_counter() - begun) * 1000)
        assert wire.receipts == before + 1
    return {"commands": count, "total": quantiles(all_ms), "durable": quantiles(persist_ms)}


async def around(folder: Path, count: int) -> dict[str, object]:
    """From the hub's publish to the hub's receipt, over TLS, a broker that syncs nothing more than
    it must, and a guard process with a socket to its equipment."""
    took_ms = []
    async with Bench(folder, f"{sys.executable} -m beffroi.guard.main") as bench:
        await bench.start()
        for n in range(count):
            command = bench.command(params={"level_pct": 30 + n % 70})
            wire, seen = bench.commune.wire(command), len(bench.receipts)
            begun = time.perf_counter()
            await bench.send(wire)
            while not any(r.digest == command.digest for r, _ in bench.receipts[seen:]):
                await asyncio.sleep(0.001)
            took_ms.append((time.perf_counter() - begun) * 1000)
    return {"commands": count, **quantiles(took_ms)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--folder", type=Path, default=None)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.folder, prefix="beffroi-bench-") as name:
        home = Path(name)
        commune = town.Commune(home / "commune", public_of(KEY), now_ms())
        core, worker, wire, store = guard(home / "state", commune)
        result = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "judge": judged(commune, core, said.seconds),
            "guard": inside(commune, worker, wire, said.commands),
        }
        store.close()
        result["street"] = asyncio.run(around(home / "kit", said.commands))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
