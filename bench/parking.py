"""Short-stay bays in a simulated street: fusion against each technology alone.

    python bench/parking.py --seeds 1000-1039 [--bays 4] [--jobs 1]

All three columns run the hub's own watch; "alone" sees only the readings of one technology.
What is measured, on what the hub knows (time of reception, not of measurement):
- accuracy: share of time in which the told occupancy equals the truth, every second of latency
  counted as error, from ten minutes after midnight on;
- delay: from the change in the truth (half the vehicle on the bay) to the told change; 0 if it was
  told during the first half of the manoeuvre; a change never told before the next one is missed;
- "without two-wheelers": the same accuracy, the time of motorcycles' stays left out (one in three
  stands beside the radar's beam and moves the field no more than a neighbour's car does);
- false changes: told changes that bring the told state away from the truth.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from beffroi.domains.parking.watch import BayWatch
from beffroi.lab.worlds.parking import DAY_S, MANOEUVRE_S, BayDay, street_day
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

START_MS = 1_790_000_000_000
SETTLE_MS = 600_000
MOTORCYCLE = 4  # in FLEET
ORDER = {"reference": "simulated", "max_stay_min": 20}
VIEWS = {"fusion": "", "magnetometer": "mag", "radar": "radar"}


class Result(NamedTuple):
    """Of one bay and day in one view. Times in ms."""

    right: int
    total: int
    right_cars: int
    total_cars: int
    delays: list[int]
    missed: int
    false_changes: int
    alarms: dict[str, int]


def run(day: BayDay, only: str, **attrs: object) -> Result:
    """Feed one day as the hub would: in order of reception, late readings not shown."""
    asset = Asset("b", "parking", "bay", "b", 0, 0,
                  attrs={"mag_zero_uT": day.zero, "order": ORDER, **attrs})  # fmt: skip
    watch, told, newest = BayWatch(asset, None), [], 0
    alarms: dict[str, int] = {}
    for recv_ms, ts_ms, values in day.readings():
        if ts_ms <= newest:
            continue
        newest = ts_ms
        step = watch.step([Obs(p, "d", ts_ms, v) for p, v in values.items() if p.startswith(only)])
        for item in step.derived:
            if item.prop == "occupied":
                told.append((recv_ms, item.value > 0.5))
        for finding in step.findings:
            alarms[finding.rule] = alarms.get(finding.rule, 0) + finding.active
    return score(day, told, alarms)


def score(day: BayDay, told: list[tuple[int, bool]], alarms: dict[str, int]) -> Result:
    """Compare what was told with the truth, millisecond by millisecond."""
    changes = sorted(
        (START_MS + round(s * 1000), state)
        for stay in day.stays
        for s, state in ((stay.start_s, True), (stay.end_s, False))
    )
    edges = sorted({START_MS + SETTLE_MS, START_MS + DAY_S * 1000,
                    *(c for c, _ in changes), *(c for c, _ in told)})  # fmt: skip
    truth, said = _states(edges, changes), _states(edges, told)
    right = total = right_cars = total_cars = wrong_turns = 0
    bikes = [(START_MS + s.start_s * 1000, START_MS + s.end_s * 1000)
             for s in day.stays if s.kind == MOTORCYCLE]  # fmt: skip
    for i in range(len(edges) - 1):
        if START_MS + SETTLE_MS <= edges[i] < START_MS + DAY_S * 1000:
            length = edges[i + 1] - edges[i]
            total += length
            good = length if truth[i] == said[i] else 0
            right += good
            if not any(a <= edges[i] + length / 2 < b for a, b in bikes):
                total_cars, right_cars = total_cars + length, right_cars + good
    at = {edge: i for i, edge in enumerate(edges)}
    delays, missed = _delays(changes, told)
    for when, state in told[1:]:
        i = at[when]
        early = any(abs(when - c) <= MANOEUVRE_S * 1000 and s == state for c, s in changes)
        wrong_turns += truth[i] != state and not early
    return Result(right, total, right_cars, total_cars, delays, missed, wrong_turns, alarms)


def _states(edges: list[int], changes: list[tuple[int, bool]]) -> list[bool]:
    out, state, k = [], False, 0
    for edge in edges:
        while k < len(changes) and changes[k][0] <= edge:
            state, k = changes[k][1], k + 1
        out.append(state)
    return out


def _delays(changes: list[tuple[int, bool]], told: list[tuple[int, bool]]) -> tuple[list[int], int]:
    delays, missed = [], 0
    for i, (when, state) in enumerate(changes):
        end = changes[i + 1][0] if i + 1 < len(changes) else START_MS + DAY_S * 1000
        before = [s for t, s in told if t <= when]
        if before and before[-1] == state:
            delays.append(0)
            continue
        first = next((t for t, s in told if when < t < end and s == state), None)
        if first is None:
            missed += 1
        else:
            delays.append(first - when)
    return delays, missed


def seed_results(args: tuple[int, int]) -> dict[str, list[Result]]:
    """All bays of one seed in all views."""
    seed, bays = args
    street = street_day(seed, bays, start_ms=START_MS)
    return {view: [run(day, only) for day in street] for view, only in VIEWS.items()}


def table(results: list[dict[str, list[Result]]], seeds: list[int]) -> None:
    for view in VIEWS:
        all_bays = [r for result in results for r in result[view]]
        delays = np.array([d for r in all_bays for d in r.delays]) / 1000
        accuracy = 100 * sum(r.right for r in all_bays) / sum(r.total for r in all_bays)
        per_seed = [
            100 * sum(r.right for r in result[view]) / sum(r.total for r in result[view])
            for result in results
        ]
        missed, false = sum(r.missed for r in all_bays), sum(r.false_changes for r in all_bays)
        days = len(all_bays)
        alarms: dict[str, int] = {}
        for r in all_bays:
            for k, n in r.alarms.items():
                alarms[k] = alarms.get(k, 0) + n
        cars = 100 * sum(r.right_cars for r in all_bays) / sum(r.total_cars for r in all_bays)
        print(f"{view}: accuracy {accuracy:.3f} %, without two-wheelers {cars:.3f} %")
        worst = seeds[int(np.argmin(per_seed))]
        print(
            f"  seeds: median {np.median(per_seed):.3f}, worst {min(per_seed):.3f} (seed {worst})"
        )
        p50, p95, p99 = np.quantile(delays, (0.5, 0.95, 0.99))
        print(f"  delay p50 {p50:.1f} s, p95 {p95:.1f} s, p99 {p99:.1f} s")
        print(
            f"  missed {missed} of {missed + len(delays)} changes; {false / days:.2f} false a day"
        )
        print(f"  alarms {dict(sorted(alarms.items()))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0-19")
    parser.add_argument("--bays", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="print every seed")
    args = parser.parse_args()
    low, high = (int(s) for s in args.seeds.split("-"))
    seeds = list(range(low, high + 1))
    with ProcessPoolExecutor(args.jobs) as pool:
        results = list(pool.map(seed_results, [(seed, args.bays) for seed in seeds]))
    if args.each:
        for seed, result in zip(seeds, results, strict=True):
            shares = {
                v: [round(100 * r.right / r.total, 2) for r in rs] for v, rs in result.items()
            }
            print(seed, shares)
    print(f"simulated street, seeds {args.seeds}, {args.bays} bays, one day each")
    table(results, seeds)


if __name__ == "__main__":
    main()
