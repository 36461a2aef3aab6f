"""What the broker acknowledged must be found in the store, whatever happens to the broker.

    python bench/faults_broker.py kill  [--times 200]   kill -9 at random instants under load
    python bench/faults_broker.py fsync [--times 3]     its fsync fails with EIO (needs strace)
    python bench/faults_broker.py full                  its disk is full, then not (needs root)
    python bench/faults_broker.py away                  nobody reads while an hour's messages come

A load process with a ledger publishes over mTLS, QoS 1; a consumer reads the bus and commits to
SQLite (synchronous=FULL) before it acknowledges. At the end: acknowledged minus stored. Prints a
table; exit code 1 when anything acknowledged is missing. The seed is printed: it replays the
instants, not the schedule of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import structlog

from beffroi.adapters.nats.bus import BusError, NatsBus
from beffroi.lab.load import Result, Spec, read_ledger, write_bundle
from beffroi.lab.stack import Stack
from beffroi.model.asset import Device

DEVICES = 20
SETTLE_S_MAX = 90.0


class Keeper:
    """The consumer: commits, then acknowledges."""

    def __init__(self, path: Path, bus: NatsBus) -> None:
        self.received = 0
        self._bus = bus
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.execute("create table m (device text, seq int, primary key (device, seq))")

    async def run(self) -> None:
        while True:
            got = await self._bus.fetch(500, 0.2)
            if got:
                self.received += len(got)
                await asyncio.to_thread(self._commit, [(m.sender, m.payload) for m in got])
                await self._bus.ack(got)

    def _commit(self, items: list[tuple[str, bytes]]) -> None:
        rows = [(sender, json.loads(payload)["seq"]) for sender, payload in items]
        with self._db:
            self._db.executemany("insert or ignore into m values (?, ?)", rows)

    def stored(self) -> set[tuple[str, int]]:
        return set(self._db.execute("select device, seq from m"))


@contextlib.asynccontextmanager
async def scene(home: Path, seconds: float, window: int) -> AsyncIterator[tuple[Stack, Keeper]]:
    """Broker, gate, consumer and load, all running."""
    async with Stack(home) as stack:
        bus = stack.bus()
        await bus.start()
        keeper = Keeper(home / "kept.sqlite", bus)
        task = asyncio.create_task(keeper.run())
        names = [f"dev-{i}" for i in range(DEVICES)]
        for name in names:
            write_bundle(home / "bundles", stack.enrol(Device(name, "a", status="pending")))
        here = stack.endpoint
        spec = Spec(
            here.mqtt_host,
            here.mqtt_port,
            str(home / "bundles"),
            names,
            str(home / "ledger.json"),
            window=window,
            seconds=seconds,
            drain_s=SETTLE_S_MAX,
        )
        (home / "spec.json").write_text(json.dumps(asdict(spec)))
        load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "beffroi.lab.load", str(home / "spec.json")
        )
        stack.load = load  # type: ignore[attr-defined]
        try:
            yield stack, keeper
            await load.wait()
            await emptied(bus)
        finally:
            if load.returncode is None:
                load.kill()
                await load.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await bus.stop()


AWAY_EACH, AWAY_WAIT_S = 600, 3.0  # of each device: an hour at one message in 6 s


async def away(home: Path) -> int:
    """The hub is not there; devices are acknowledged by the broker's disk. Then it comes back."""
    async with Stack(home) as stack:
        names = [f"dev-{i}" for i in range(DEVICES)]
        for name in names:
            write_bundle(home / "bundles", stack.enrol(Device(name, "a", status="pending")))
        here = stack.endpoint
        spec = Spec(
            here.mqtt_host, here.mqtt_port, str(home / "bundles"), names,
            str(home / "ledger.json"), window=20, count=AWAY_EACH, drain_s=SETTLE_S_MAX,
        )  # fmt: skip
        (home / "spec.json").write_text(json.dumps(asdict(spec)))
        load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "beffroi.lab.load", str(home / "spec.json")
        )
        await load.wait()
        await asyncio.sleep(AWAY_WAIT_S)
        bus = stack.bus()
        await bus.start()
        keeper = Keeper(home / "kept.sqlite", bus)
        task = asyncio.create_task(keeper.run())
        await emptied(bus)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bus.stop()
    return verdict("hub away", 1, home, keeper)


async def emptied(bus: NatsBus) -> None:
    end = time.monotonic() + SETTLE_S_MAX
    while time.monotonic() < end:
        with contextlib.suppress(BusError):
            if await bus.backlog() == 0:
                return
        await asyncio.sleep(0.2)


def verdict(what: str, times: int, home: Path, keeper: Keeper, note: str = "") -> int:
    """Prints the line of the table; 1 when something is missing."""
    result: Result = read_ledger(home / "ledger.json")
    acked = {(device, seq) for device, seqs in result.acked.items() for seq in seqs}
    stored = keeper.stored()
    lost = acked - stored
    columns = {
        "fault": what,
        "times": times,
        "acked": len(acked),
        "lost": len(lost),
        "stored": len(stored),
        "came_again": keeper.received - len(stored),
        "reconnects": result.connects - DEVICES,
        "unsent": result.undrained,
        "seconds": round(result.seconds),
        "note": note,
    }
    print(" | ".join(f"{name} {value}" for name, value in columns.items()), flush=True)
    if lost:
        print("LOST:", sorted(lost)[:20])
    return 1 if lost or not acked else 0


async def kills(home: Path, times: int, rng: random.Random) -> int:
    pauses = [rng.uniform(0.2, 2.0) for _ in range(times)]
    async with scene(home, seconds=sum(pauses) + 4.0 + times * 0.6, window=20) as (stack, keeper):
        await asyncio.sleep(3.0)
        done = killed = 0
        for pause in pauses:
            while stack.broker.pid in (0, killed):
                await asyncio.sleep(0.01)
            await asyncio.sleep(pause)
            killed = stack.broker.pid
            os.kill(killed, signal.SIGKILL)
            done += 1
    return verdict("kill -9 of the broker", done, home, keeper)


async def fsync_errors(home: Path, times: int, rng: random.Random) -> int:
    """strace answers EIO to every fsync for a second; nothing may be acknowledged on the strength
    of such an fsync. Then the broker is killed and starts from what is really on disk."""
    during = 0
    async with scene(home, seconds=times * 9.0 + 4.0, window=20) as (stack, keeper):
        await asyncio.sleep(3.0)
        for _ in range(times):
            while not stack.broker.pid:
                await asyncio.sleep(0.01)
            await asyncio.sleep(rng.uniform(0.5, 2.0))
            command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
            inject = ["-e", "inject=fsync,fdatasync:error=EIO", "-p", str(stack.broker.pid)]
            tracer = subprocess.Popen([*command, *inject], stderr=subprocess.DEVNULL)
            await asyncio.sleep(0.3)  # attached, and what was stored before has been read
            before = keeper.received
            await asyncio.sleep(0.7)
            during += keeper.received - before
            tracer.send_signal(signal.SIGINT)
            await asyncio.to_thread(tracer.wait)
            if stack.broker.pid:
                os.kill(stack.broker.pid, signal.SIGKILL)
            await asyncio.sleep(2.0)
    log = (home / "nats" / "server.log").read_text(errors="replace")
    errors = log.count("input/output error")
    return verdict(
        "fsync gives EIO", times, home, keeper, f"{errors} EIO lines, {during} stored during"
    )


async def full(home: Path) -> int:
    """The broker's folder is a small ext4 in a file; a big file fills it, then goes away."""
    image, mount = home / "disk.img", home / "nats"
    with image.open("wb") as file:
        file.truncate(96 * 1024**2)
    mount.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        async with scene(home, seconds=25.0, window=20) as (stack, keeper):
            await asyncio.sleep(6.0)
            ballast = mount / "ballast"
            subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=1M"], capture_output=True)
            await asyncio.sleep(8.0)
            ballast.unlink()
            await asyncio.sleep(4.0)
            restarts = stack.broker.restarts
        note = f"broker restarted {restarts} times by itself"
        return verdict("disk full for 8 s", 1, home, keeper, note)
    finally:
        subprocess.run(["umount", "-l", mount], check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=["kill", "fsync", "full", "away"])
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(f"seed {args.seed}")
    home = Path(tempfile.mkdtemp(prefix="beffroi-faults-"))
    rng = random.Random(args.seed)
    work = {
        "kill": lambda: kills(home, args.times or 200, rng),
        "fsync": lambda: fsync_errors(home, args.times or 3, rng),
        "full": lambda: full(home),
        "away": lambda: away(home),
    }[args.fault]
    code = asyncio.run(work())
    if code == 0:
        shutil.rmtree(home, ignore_errors=True)
    else:
        print(f"kept for inspection: {home}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
