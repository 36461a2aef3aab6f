"""How fast the store is, and how small: SQLite and PostgreSQL, side by side in one run.

    python bench/store.py [--series 1000 10000 100000] [--rows 300000] [--engines sqlite postgres]

Per number of series: batches of 5,000 rows spread over all of them (rollups included, one durable
commit each), one-row commits, the newest value of every series, sealing. Then one month of 200
series at ten minutes: bytes per observation, 30 days of one series, hourly rollups of the kind.
PostgreSQL is a private cluster with fsync, or `--postgres URL` (an empty database). `cpu` figures
are per second of this process's CPU, so they depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import func, select

from beffroi.adapters.sql import SqlStore, open_store, schema
from beffroi.model.asset import Asset
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
DAY = 86_400_000
TEN_MIN = 600_000
T0 = 19_700 * DAY
BATCH = 5_000
MONTH_SERIES = 200


class Took(NamedTuple):
    """Seconds on the wall and of our own CPU."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[..., Any], *args: Any) -> tuple[Any, Took]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work(*args)
    return answer, Took(time.perf_counter() - wall, time.process_time() - cpu)


def spread(ids: list[int], rows: int, rng: random.Random) -> Iterator[list[Row]]:
    """Every series in turn, in another order each round, as devices do."""
    batch: list[Row] = []
    for turn in range(-(-rows // len(ids))):
        at = T0 + turn * TEN_MIN
        for n in rng.sample(ids, len(ids)):
            ts = at + rng.randrange(60_000)
            batch.append(Row(n, ts, round(rng.gauss(20, 3), 2), 0, ts + rng.randrange(5, 60)))
            if len(batch) == BATCH:
                yield batch
                batch = []


def many_series(store: SqlStore, count: int, rows: int) -> dict[str, float]:
    keys = [SeriesKey(f"asset-{n}", f"device-{n}", "level_m") for n in range(count)]
    ids, named = timed(store.readings.series_ids, keys)
    took: list[Took] = []
    for batch in spread(ids, rows, random.Random(1)):
        if len(took) * BATCH >= rows:
            break
        took.append(timed(store.readings.commit, Batch(batch))[1])
    kept = len(took) * BATCH
    singles = []
    for n in range(100):
        row = Row(ids[n], T0 + 400 * DAY, 1.0, 0, T0 + 400 * DAY)
        singles.append(timed(store.readings.commit, Batch([row]))[1].wall_s)
    _, newest = timed(store.readings.last, ids)
    sealed, sealing = timed(store.readings.seal, T0 + 300 * DAY)
    return {
        "series_made_s": named.wall_s,
        "insert_rows_per_s": kept / sum(t.wall_s for t in took),
        "insert_rows_per_cpu_s": kept / sum(t.cpu_s for t in took),
        "batch_ms_p50": 1e3 * statistics.median(t.wall_s for t in took),
        "batch_ms_p99": 1e3 * float(np.quantile([t.wall_s for t in took], 0.99)),
        "single_commit_ms_p50": 1e3 * statistics.median(singles),
        "single_commit_ms_p99": 1e3 * float(np.quantile(singles, 0.99)),
        "last_of_all_s": newest.wall_s,
        "seal_rows_per_s": sealed / sealing.wall_s,
        "seal_days_per_cpu_s": count / sealing.cpu_s,
    }


def one_month(store: SqlStore) -> dict[str, float]:
    """200 series of one kind for 30 days: a random walk with two decimals, delays of 5-60 ms."""
    names = [f"month-{n}" for n in range(MONTH_SERIES)]
    store.assets.put_assets([Asset(name, "d", "k", name, 2.0, 48.0) for name in names])
    ids = store.readings.series_ids([SeriesKey(name, "m", "level_m") for name in names])
    rng = np.random.default_rng(2)
    for day in range(30):
        ts = T0 + day * DAY + np.arange(144) * TEN_MIN
        rows = []
        for n in ids:
            value = np.round(20 + rng.normal(0, 0.1, 144).cumsum(), 2).tolist()
            delay = rng.integers(5, 60, 144)
            times = (ts.tolist(), value, (ts + delay).tolist())
            rows += [Row(n, t, v, 0, r) for t, v, r in zip(*times, strict=True)]
        store.readings.commit(Batch(rows))
    sealed, sealing = timed(store.readings.seal, T0 + 31 * DAY)
    whole = (T0, T0 + 30 * DAY)
    month = [timed(store.readings.points, n, *whole)[1].wall_s for n in ids[:40]]
    kind_of = ("d", "k", "level_m")
    hours, kind = timed(
        lambda: sum(len(part.n) for part in store.readings.hours_of_kind(*kind_of, *whole))
    )
    with store.database.read() as conn:
        sizes = [
            conn.execute(select(func.sum(func.length(table.c.payload)))).scalar_one()
            for table in (schema.block, schema.day)
        ]
    return {
        "month_seal_rows_per_s": sealed / sealing.wall_s,
        "month_seal_rows_per_cpu_s": sealed / sealing.cpu_s,
        "block_bytes_per_obs": sizes[0] / sealed,
        "rollup_bytes_per_obs": sizes[1] / sealed,
        "month_of_one_series_ms_p50": 1e3 * statistics.median(month),
        "hours_of_kind_ms": 1e3 * kind.wall_s,
        "hours_of_kind_hours": float(hours),
    }


@contextmanager
def urls(engine: str, given: str) -> Iterator[Callable[[], str]]:
    """Makes urls of empty databases."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as place:
            numbers = iter(range(99))
            yield lambda: f"sqlite:///{place}/{next(numbers)}.sqlite"
        return
    if given:
        yield lambda: given
        return
    home = ROOT / "tests" / "adapters" / "sql" / "conftest.py"
    spec = importlib.util.spec_from_file_location("store_conftest", home)
    assert spec is not None
    assert spec.loader is not None
    fixtures = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = fixtures
    spec.loader.exec_module(fixtures)
    programs = fixtures.postgres_bin()
    if programs is None:
        sys.exit("PostgreSQL 15 or newer is not installed: use --engines sqlite or --postgres URL")
    cluster = fixtures.Cluster(programs, fsync=True)
    try:
        yield cluster.database
    finally:
        cluster.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--postgres", default="", help="url of an empty database")
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for engine in asked.engines:
        with urls(engine, asked.postgres) as new_url:
            for count in asked.series:
                store = open_store(new_url())
                found[f"{engine} {count}"] = many_series(store, count, asked.rows)
                store.close()
            store = open_store(new_url())
            found[f"{engine} month"] = one_month(store)
            store.close()
        print(f"{engine} done", flush=True)
    show(found)
    RESULTS.mkdir(exist_ok=True)
    about = {"rows": asked.rows, "batch": BATCH, "load_1_min": os.getloadavg()[0]}
    content = {**about, "cpus": os.cpu_count(), "results": found}
    (RESULTS / "store.json").write_text(json.dumps(content, indent=1) + "\n")


def show(found: dict[str, dict[str, float]]) -> None:
    """One block of lines for each kind of run, a column for each run."""
    for month in (False, True):
        runs = {name: r for name, r in found.items() if name.endswith("month") is month}
        print("\n" + " " * 28 + "".join(f"{name:>18}" for name in runs))
        for figure in next(iter(runs.values())):
            print(f"{figure:28}" + "".join(f"{r[figure]:18,.2f}" for r in runs.values()))


if __name__ == "__main__":
    main()
