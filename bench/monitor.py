"""How long from a dangerous picture at the lamps to the loss of the permit, under load.

    python bench/monitor.py [--faults 1000] [--cabinets 8] [--busy 2]

Real monitor processes, one for each cabinet, and as many busy processes as asked for beside them.
A fault that lasts must trip within 450 ms; before each one a glitch of 150 ms must not. The time
includes the 200 ms for which the monitor may not believe it. A look that came late (the machine was
busy elsewhere) makes a junction flash for a second without a latch: counted apart, as `late`.
Writes bench/results/monitor.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from beffroi.guard.monitor import limits
from beffroi.lab.output_stage import AMBER, GREEN, RED, OutputStage, seal, two_streets

CLEAR = (RED, RED, RED)
FAULTS = {
    "green-green": (GREEN, GREEN, RED),
    "green-amber": (GREEN, AMBER, RED),
    "amber-amber": (AMBER, AMBER, RED),
    "walkers-cars": (RED, GREEN, GREEN),
    "dark": (RED, 0, RED),
    "two lights": (RED | GREEN, RED, RED),
    "hang": CLEAR,  # the controller writes nothing any more
}
WAIT_S = 60.0
GLITCH_S = 0.15
POLL_S = 0.0005


class Bench:
    """One cabinet with its monitor."""

    def __init__(self, folder: Path, seed: int) -> None:
        seal(folder, two_streets())
        (folder / "state").mkdir()
        (folder / "state" / "door").touch()
        self.folder, self.dice = folder, random.Random(seed)
        self.stage = OutputStage(folder / "lamps", folder / "permit")
        self.stage.drive(CLEAR)
        named = {"card": "card.json", "seal": "card.sha256", "lamps": "lamps", "permit": "permit"}
        command = [sys.executable, "-m", "beffroi.guard.monitor", "--state", str(folder / "state")]
        for option, name in named.items():
            command += [f"--{option}", str(folder / name)]
        self.process = subprocess.Popen(command)

    def hold(self, lamps: tuple[int, ...], seconds: float, writes: bool = True) -> bool:
        """Show it; True as soon as the junction flashes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if writes:
                self.stage.drive(lamps)
            if self.stage.flashing:
                return True
            time.sleep(POLL_S)
        return False

    def ready(self) -> None:
        end = time.monotonic() + WAIT_S
        self.stage.drive(CLEAR)
        while self.stage.flashing:
            self.stage.drive(CLEAR)
            assert time.monotonic() < end, "the monitor does not permit"
            time.sleep(0.005)

    def reset(self) -> None:
        latch = self.folder / "state" / "latch"
        end = time.monotonic() + WAIT_S
        while not latch.exists():
            assert time.monotonic() < end, "not latched"
            time.sleep(0.002)
        while latch.exists():
            handle = os.open(self.folder / "state" / "key", os.O_WRONLY | os.O_NONBLOCK)
            os.write(handle, b"reset\n")
            os.close(handle)
            self.stage.drive(CLEAR)
            assert time.monotonic() < end, "not reset"
            time.sleep(0.05)

    def fault(self, name: str) -> tuple[str, float]:
        """("tripped", ms), or ("late", 0) when it flashed before there was anything wrong, or
        ("glitch", 0) when the glitch tripped it."""
        self.ready()
        if self.hold(CLEAR, self.dice.uniform(0.05, 0.3)):
            return "late", 0.0
        began = time.monotonic()
        if self.hold(FAULTS[name], GLITCH_S) or self.hold(CLEAR, 0.3):
            latched = (self.folder / "state" / "latch").exists()
            long = time.monotonic() - began > limits.CONFIRM / 1000 + GLITCH_S
            return ("glitch" if latched and not long else "late"), 0.0
        began = time.monotonic()
        flashed = self.hold(FAULTS[name], WAIT_S, writes=name != "hang")
        took_ms = (time.monotonic() - began) * 1_000
        assert flashed, f"{name} did not trip"
        self.reset()
        return "tripped", took_ms


def work(seed: int, count: int, out: multiprocessing.Queue[list[tuple[str, str, float]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), seed)
        names = list(FAULTS)
        found = []
        try:
            while len([1 for _, kind, _ in found if kind == "tripped"]) < count:
                name = names[len(found) % len(names)]
                found.append((name, *bench.fault(name)))
        finally:
            bench.process.kill()
            bench.process.wait()
        out.put(found)


def busy() -> None:
    while True:
        sum(range(10_000))


def quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1)


def measure(faults: int, cabinets: int, loads: int) -> dict[str, object]:
    out: multiprocessing.Queue[list[tuple[str, str, float]]] = multiprocessing.Queue()
    beside = [multiprocessing.Process(target=busy, daemon=True) for _ in range(loads)]
    each = -(-faults // cabinets)
    workers = [multiprocessing.Process(target=work, args=(n, each, out)) for n in range(cabinets)]
    for process in beside + workers:
        process.start()
    found = [one for _ in workers for one in out.get()]
    for process in workers:
        process.join()
    for process in beside:
        process.terminate()
    times = [ms for _, kind, ms in found if kind == "tripped"]
    return {
        "faults": len(times),
        "cabinets": cabinets,
        "busy_processes": loads,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "confirm_ms": limits.CONFIRM,
        "p50_ms": quantile(times, 0.5),
        "p99_ms": quantile(times, 0.99),
        "max_ms": quantile(times, 1.0),
        "over_450_ms": sum(ms > limits.REACTION_MAX for ms in times),
        "tripped_by_a_glitch": sum(kind == "glitch" for _, kind, _ in found),
        "late": sum(kind == "late" for _, kind, _ in found),
        "max_by_fault_ms": {
            name: quantile([ms for n, kind, ms in found if n == name and kind == "tripped"], 1.0)
            for name in FAULTS
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=1_000)
    parser.add_argument("--cabinets", type=int, default=8)
    parser.add_argument("--busy", type=int, default=2)
    options = parser.parse_args()
    result = measure(options.faults, options.cabinets, options.busy)
    path = Path(__file__).parent / "results" / "monitor.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
