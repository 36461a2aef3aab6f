"""Proof per junction of a generated town: states, time, verdict; and what seeded bugs cost to find.

    python bench/junctions.py [--inhabitants 400000] [--seed 1] [--oracle 20] [--out FILE.json]

The junctions are those of the lab's town (one for 2,000 inhabitants), each with four plans. Every
state that any sequence of inputs can reach is looked at: any order of the hub, known plan or not,
together with any event on the spot, in every second. Then each controller with a seeded bug is
explored on the first five junctions, and z3 is asked about `--oracle` junctions of the town.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import track

from beffroi.domains.signal_junction import Junction
from beffroi.domains.signal_proof import explore, prove, story
from beffroi.domains.signals.table import junction
from beffroi.lab import furniture, inventory
from beffroi.lab.broken_controllers import BUGS
from beffroi.lab.formal import opinion
from beffroi.lab.town import town

BUGGY = 5


def of_town(inhabitants: int, seed: int) -> list[Junction]:
    ground = town(inhabitants, seed)
    books = inventory.signals(ground, furniture.crossings(ground))
    return [junction(asset.attrs["junction"]) for asset in books.assets]


def proofs(found: list[Junction]) -> dict[str, Any]:
    seconds, states, transitions, refused = [], [], [], []
    for made in track(found, "proofs"):
        began = time.process_time()  # of our own processor: others share the machine
        proof = prove(made)
        seconds.append(time.process_time() - began)
        states.append(proof.states)
        transitions.append(proof.transitions)
        if not proof.holds:
            refused.append({made.id: [line.fr for line in story(made, proof)]})
    return {
        "junctions": len(found),
        "proven": len(found) - len(refused),
        "refused": refused,
        "states": spread(states),
        "transitions": {**spread(transitions), "all": sum(transitions)},
        "processor seconds": {**spread(seconds), "all": round(sum(seconds), 2)},
    }


def spread(values: list[Any]) -> dict[str, float]:
    return {"min": round(min(values), 3), "p50": round(median(values), 3),
            "max": round(max(values), 3)}  # fmt: skip


def bugs(found: list[Junction]) -> dict[str, Any]:
    told = {}
    for bug in track(BUGS, "bugs"):
        began = time.process_time()
        looked = [explore(bug(made), made) for made in found[:BUGGY]]
        caught = [proof for proof in looked if proof.wrong]
        told[bug.__name__] = {
            "found on": f"{len(caught)} of {len(looked)}",
            "states until found": spread([proof.states for proof in caught]) if caught else None,
            "seconds each": round((time.process_time() - began) / len(looked), 3),
            "rule": sorted({proof.wrong.rule for proof in caught if proof.wrong}),
        }
    return told


def oracle(found: list[Junction], count: int) -> dict[str, Any]:
    seconds, agree = [], 0
    for made in track(found[:count], "z3"):
        began = time.process_time()
        agree += opinion(made).holds == prove(made).holds
        seconds.append(time.process_time() - began)
    return {"asked": len(seconds), "agree": agree, "seconds": spread(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inhabitants", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--oracle", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "load_before": round(os.getloadavg()[0], 2),
    }
    found = of_town(options.inhabitants, options.seed)
    report["proofs"] = proofs(found)
    report["seeded bugs"] = bugs(found)
    if options.oracle:
        report["z3"] = oracle(found, options.oracle)
    text = json.dumps(report, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
