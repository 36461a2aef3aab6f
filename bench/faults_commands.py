"""kill -9 of the hub, the broker and the guard while commands flow: at most one effect each, and a
truthful end.

    python bench/faults_commands.py [--kills 20] [--seed 1]

A real `beffroi serve` and a real guard. An operator asks without pause; at random moments one of
the processes is killed and started again. At the end the book, the receipts and the alarms are
compared. Exit status 1 when they disagree.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from command_latency import GUARD, TARGETS, Town, leased

SETTLE_S_MAX = 120.0


class Asking(threading.Thread):
    """Asks until `halt`; a hub that is down is asked again."""

    def __init__(self, tree: Town) -> None:
        super().__init__(daemon=True)
        self._tree = tree
        self.halt = threading.Event()
        self.accepted: list[str] = []
        self.failed = 0

    def run(self) -> None:
        n = 0
        while not self.halt.is_set():
            n += 1
            try:
                made = self._tree.ask(TARGETS[n % len(TARGETS)], 1 + n % 100)
                self.accepted.append(made["id"])
            except OSError:  # down, or "the guard is not heard"
                self.failed += 1
            time.sleep(0.05)


def campaign(kills: int, seed: int, home: Path) -> dict[str, Any]:
    tree, dice = Town(home, quick=True), random.Random(seed)
    cabinet = tree.install()
    log = (home / "guard.log").open("ab")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(cabinet.command, stdout=log, stderr=log)

    guard, killed = start(), Counter[str]()
    asking = Asking(tree)
    try:
        tree.start()
        leased(tree)
        asking.start()
        for _ in range(kills):
            time.sleep(dice.uniform(0.3, 2.5))
            who = dice.choice(["hub", "hub", "broker", "guard"])
            if who == "guard":
                guard.kill()
                guard.wait()
                guard = start()
            elif not tree.kill(who):
                continue
            killed[who] += 1
        asking.halt.set()
        asking.join(60)
        return result(tree, asking, killed)
    finally:
        asking.halt.set()
        guard.terminate()
        guard.wait(20)
        tree.stop()


def result(tree: Town, asking: Asking, killed: Counter[str]) -> dict[str, Any]:
    store = tree.store()
    end = time.monotonic() + SETTLE_S_MAX
    while time.monotonic() < end:
        rows = store.commands.commands()
        if not [row for row in rows if row.state in ("requested", "ready", "sent")]:
            break
        time.sleep(1.0)
    rows = store.commands.commands()
    receipts = store.commands.receipts(GUARD, 100_000)
    effects = Counter(one.digest for one in receipts if one.outcome == "done")
    done = {row.digest for row in rows if row.state == "done"}
    known = {row.id for row in rows}
    numbers = sorted(one.number for one in receipts)
    odd = {alarm.rule for alarm in store.alarms.open_alarms()}
    store.close()
    return {
        "killed": dict(killed),
        "accepted": len(asking.accepted),
        "not_accepted": asking.failed,
        "states": dict(Counter(str(row.state) for row in rows)),
        "accepted_and_lost": len(set(asking.accepted) - known),
        "effects": len(effects),
        "effects_twice": sum(count > 1 for count in effects.values()),
        "book_and_receipts_differ": len(done ^ set(effects)),
        "receipts_missing": (numbers[-1] - len(set(numbers))) if numbers else 0,
        "alarms": sorted(odd),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(given.kills, given.seed, Path(folder) / "home")
    print(json.dumps(found))
    wrong = ("accepted_and_lost", "effects_twice", "book_and_receipts_differ", "receipts_missing")
    open_states = {"requested", "ready", "sent"} & found["states"].keys()
    return int(any(found[name] for name in wrong) or bool(open_states))


if __name__ == "__main__":
    sys.exit(main())
