"""Runs the benchmarks one after another, each under its conditions, and writes docs/bench.md anew.

    python bench/run.py [NAME ...] [--list]

Before each: the machine, the load and the commit are printed and kept in
`results/conditions.json`. A benchmark that fails does not stop the others; exit code 1 then.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import page

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CONDITIONS = RESULTS / "conditions.json"

# name -> command line below bench/. {out} is the file of results of a script that only prints.
SUITE: dict[str, str] = {
    "alarm_latency": "alarm_latency.py",
    "command_latency": "command_latency.py",
    "guard": "guard.py > {out}",
    "evidence": "evidence.py --out {out}",
    "junctions": "junctions.py --out {out}",
    "coordination": "coordination.py",
    "monitor": "monitor.py",
    "hostile": "hostile.py --out {out}",
    "flood": "flood.py",
    "store": "store.py",
    "ingest": "ingest.py",
    "reconnect": "reconnect.py",
    "codec": "codec.py",
    "flows": "flows.py",
    "public_load": "public_load.py",
    "dossier": "dossier.py",
}


def conditions() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    )
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 1),
    }


def run(name: str) -> bool:
    """One benchmark, its output on the terminal; True when it ended well."""
    line, out = SUITE[name], RESULTS / f"{name}.json"
    words, _, to_file = line.partition(" > ")
    command = [sys.executable, *(word.format(out=out) for word in words.split())]
    command[1] = str(HERE / command[1])
    about = conditions()
    print(f"== {name}: {line}", flush=True)
    print("   " + ", ".join(f"{key} {value}" for key, value in about.items()), flush=True)
    began = time.monotonic()
    if to_file:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        if done.returncode == 0:
            out.write_text(done.stdout)
    else:
        done = subprocess.run(command)
    about |= {"seconds": round(time.monotonic() - began), "exit": done.returncode}
    known = json.loads(CONDITIONS.read_text()) if CONDITIONS.exists() else {}
    known[name] = about
    CONDITIONS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(SUITE)
    if unknown:
        parser.error(f"no benchmark {min(unknown)!r}: choose from {', '.join(SUITE)}")
    if asked.list:
        for name, line in SUITE.items():
            print(f"{name:16} {line}")
        return 0
    RESULTS.mkdir(exist_ok=True)
    bad = [name for name in asked.names or SUITE if not run(name)]
    page.write()
    print(f"failed: {', '.join(bad)}" if bad else "all ended well")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
