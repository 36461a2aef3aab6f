"""Coordinated attacks in seeded months: how soon they are seen, and how often none is one.

    python bench/coordination.py [--months 200] [--first 5000]

Months with seeds from `--first` on; the rules and weights were set while looking at seeds below
1,000 only. Writes bench/results/coordination.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from pathlib import Path

from beffroi.hub.coordination.detector import Detector
from beffroi.lab.worlds.months import ATTACKS, FLEETS, attacked, normal

SEEN_MS = 3 * 3_600_000


def false_incidents(seed: int) -> Counter[str]:
    """By the rule that raised them."""
    detector, found = Detector(FLEETS), Counter[str]()
    for sign in normal(seed):
        before = detector.incident
        incident = detector.step(sign)
        if incident is not None and (before is None or incident.began_ms != before.began_ms):
            found[incident.why] += 1
    return found


def delay_ms(seed: int, name: str) -> int | None:
    """From the attack's first sign to the incident; None: not seen within SEEN_MS. An incident
    that was already going on does not count: somebody is looking, but at something else."""
    signs, began_ms = attacked(seed, name)
    detector = Detector(FLEETS)
    for sign in signs:
        incident = detector.step(sign)
        if sign.at_ms > began_ms + SEEN_MS:
            return None
        if incident is not None and incident.seen_ms >= began_ms:
            return incident.seen_ms - began_ms
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=int, default=200)
    parser.add_argument("--first", type=int, default=5000)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.months)
    false = sum((false_incidents(seed) for seed in seeds), Counter[str]())
    per_month = round(sum(false.values()) / options.months, 3)
    result: dict[str, object] = {
        "months": options.months,
        "first_seed": options.first,
        "false_incidents_per_month": per_month,
        "false_by_rule": dict(false),
    }
    print(f"false incidents: {per_month} a month {dict(false)}")
    for name in ATTACKS:
        delays = [delay_ms(seed, name) for seed in seeds]
        seen = sorted(d / 1000 for d in delays if d is not None)
        line = {
            "seen": round(len(seen) / options.months, 3),
            "delay_p50_s": round(statistics.median(seen), 1) if seen else None,
            "delay_p95_s": round(seen[int(len(seen) * 0.95)], 1) if seen else None,
        }
        result[name] = line
        print(f"{name:14} {line}")
    folder = Path(__file__).parent / "results"
    (folder / "coordination.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
