"""How Beffroi grows: the procedural commune at 1 k, 10 k and 100 k devices, on the real tree.

    python bench/scale.py                       # SQLite, three sizes (about 15 minutes)
    python bench/scale.py --quick               # a smoke run of some seconds
    python bench/scale.py --url postgresql+psycopg://user@host/db --sizes 1000 10000

For each size: generation, filling, start of `beffroi serve` until the map answers, memory of each
process, the map over HTTP at several zooms (p50, p99), one series of 30 days over HTTP and in the
store, hourly aggregate of all luminaires, bytes on disk. Readings are put in by `store.commit` in
bulk, not through the broker (that is `bench/ingest`): EVERY_H for all devices over LAST_DAYS, and
one value per ten minutes over 30 days for SERIES_30D series. Results: bench/results/scale*.json
and a plot.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beffroi.adapters.sql import SqlStore
from beffroi.domains.registry import domains
from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.demo import install_commune
from beffroi.model.asset import Asset, Device
from beffroi.model.reading import Quality, Row
from beffroi.ports.store import Batch, SeriesKey
from tree import Tree

RESULTS = Path(__file__).parent / "results"
HEADS_PER_DEVICE = 4.35
LAST_DAYS, EVERY_H = 2, 1
SERIES_30D = 200
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BATCH_ROWS = 20_000
ZOOMS = (("commune", 1.0), ("quarter", 0.25), ("block", 0.06), ("street", 0.015))


def main() -> int:
    args = _arguments()
    RESULTS.mkdir(exist_ok=True)
    results = []
    for size in args.sizes:
        folder = Path(tempfile.mkdtemp(prefix="beffroi-scale-", dir=args.tmp or None))
        try:
            results.append(measure(size, folder, args))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(json.dumps(results[-1], indent=1), flush=True)
    name = "scale-postgresql" if args.url else "scale-sqlite"
    if args.quick:
        name += "-quick"
    about = {"machine": _machine(), "args": vars(args), "results": results}
    (RESULTS / f"{name}.json").write_text(json.dumps(about, indent=1, default=str) + "\n")
    plot(results, RESULTS / f"{name}.png", name)
    print(f"{RESULTS / name}.json and .png")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--url", default="", help="an empty PostgreSQL database")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--tmp", default="", help="where homes are made")
    args = parser.parse_args()
    if args.quick:
        args.sizes, args.repeats = [300, 600], 10
    return args


def measure(size: int, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """One size, from nothing to figures."""
    out: dict[str, Any] = {"wanted": size}
    made = _timed(out, "generate_s", lambda: commune(round(size * HEADS_PER_DEVICE), 1))
    out |= {"devices": len(made.devices), "assets": len(made.assets)}
    out["inhabitants"] = made.commune.inhabitants
    tree = Tree(folder / "home", args.url)
    store = tree.store()
    _timed(out, "install_s", lambda: install_commune(store, made))
    now_ms = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    out["observations"] = _timed(out, "fill_s", lambda: fill(store, made, now_ms, args.quick))
    _timed(out, "seal_s", lambda: store.readings.seal(now_ms - now_ms % DAY_MS))
    tree.sign_in(store)
    out["start_s"] = round(tree.start(), 2)
    try:
        time.sleep(3 if args.quick else 10)
        out["memory_mb"] = _memory(tree)
        out["map_ms"] = _maps(tree, made, args.repeats)
        out["memory_after_maps_mb"] = _memory(tree)
        out["series_30d_http_ms"] = _series(tree, made, now_ms, args.repeats)
        out |= _store_reads(store, made, now_ms, args.repeats)
    finally:
        tree.stop()
    store.close()
    out["disk_mb"] = _disk(tree.home)
    return out


def _timed(out: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    start = time.monotonic()
    result = work()
    out[name] = round(time.monotonic() - start, 2)
    return result


# --- filling -------------------------------------------------------------------------------------
def fill(store: SqlStore, made: LabCommune, now_ms: int, quick: bool) -> int:
    """Rows straight into the store; returns how many."""
    keys = _keys(made)
    numbers = store.readings.series_ids(keys)
    days = 1 if quick else LAST_DAYS
    total = 0
    for hour in range(days * 24 // EVERY_H, 0, -1):
        at_ms = now_ms - hour * EVERY_H * HOUR_MS
        values = np.random.default_rng(hour).normal(40, 6, len(numbers)).round(1).tolist()
        rows = [
            Row(number, at_ms, value, Quality.GOOD, at_ms + 900)
            for number, value in zip(numbers, values, strict=True)
        ]
        total += _commit(store, rows)
    start_ms = now_ms - 30 * DAY_MS
    for number, _ in _chosen(keys, numbers):
        values = np.random.default_rng(number).normal(40, 6, 4_320).round(1).tolist()
        # five minutes off, so that they do not meet the hourly ones
        rows = [
            Row(number, start_ms + 300_000 + i * 600_000, value, Quality.GOOD, now_ms)
            for i, value in enumerate(values)
        ]
        total += _commit(store, rows)
    return total


def _commit(store: SqlStore, rows: Sequence[Row]) -> int:
    done = 0
    for start in range(0, len(rows), BATCH_ROWS):
        done += store.readings.commit(Batch(rows=list(rows[start : start + BATCH_ROWS]))).stored
    return done


def _keys(made: LabCommune) -> list[SeriesKey]:
    """The headline of every asset that is not derived, and the power of every luminaire."""
    assets = {asset.id: asset for asset in made.assets}
    return [_key(device, assets[device.asset]) for device in made.devices if not device.points]


def _key(device: Device, asset: Asset) -> SeriesKey:
    kind = domains()[asset.domain].kinds[asset.kind]
    prop = kind.headline
    if prop in kind.derived:
        prop = next(name for name in kind.properties if name not in kind.derived)
    return SeriesKey(asset.id, device.id, prop)


def _chosen(keys: Sequence[SeriesKey], numbers: Sequence[int]) -> list[tuple[int, SeriesKey]]:
    pairs = [(n, k) for n, k in zip(numbers, keys, strict=True) if k.asset.startswith("lamp-")]
    return random.Random(1).sample(pairs, min(SERIES_30D, len(pairs)))


# --- measuring -----------------------------------------------------------------------------------
def _memory(tree: Tree) -> dict[str, float]:
    found = {name: p.memory_info().rss / 1e6 for name, p in tree.processes().items()}
    return {name: round(mb, 1) for name, mb in (found | {"all": sum(found.values())}).items()}


def _maps(tree: Tree, made: LabCommune, repeats: int) -> dict[str, dict[str, float]]:
    """Boxes of each zoom at random places of the town."""
    tree.get("/api/map")
    out = {}
    lons, lats = [a.lon for a in made.assets], [a.lat for a in made.assets]
    for name, share in ZOOMS:
        boxes = list(_boxes(lons, lats, share, repeats))
        sizes: list[int] = []

        def ask(box: str, sizes: list[int] = sizes) -> None:
            sizes.append(len(tree.get(f"/api/map?bbox={box}")))

        out[name] = _spread(boxes, ask) | {"bytes_mean": round(statistics.fmean(sizes))}
    return out


def _boxes(lons: list[float], lats: list[float], share: float, count: int) -> Iterator[str]:
    rng = random.Random(share)
    wide, high = (max(lons) - min(lons)) * share, (max(lats) - min(lats)) * share
    for _ in range(count):
        spot = rng.randrange(len(lons))  # where something stands: people look at streets
        if share == 1.0:
            west, south = min(lons), min(lats)
        else:
            west, south = lons[spot] - wide / 2, lats[spot] - high / 2
        yield f"{west:.6f},{south:.6f},{west + wide:.6f},{south + high:.6f}"


def _series(tree: Tree, made: LabCommune, now_ms: int, repeats: int) -> dict[str, float]:
    keys = _keys(made)
    chosen = _chosen(keys, range(len(keys)))
    paths = [
        f"/api/assets/{key.asset}/series?prop={key.prop}&start_ms={now_ms - 30 * DAY_MS}"
        f"&end_ms={now_ms}"
        for _, key in chosen
    ]
    return _spread([paths[i % len(paths)] for i in range(repeats)], tree.get)


def _store_reads(
    store: SqlStore, made: LabCommune, now_ms: int, repeats: int
) -> dict[str, dict[str, float]]:
    keys = _keys(made)
    chosen = _chosen(keys, store.readings.series_ids(keys))
    start_ms = now_ms - 30 * DAY_MS
    picked = [chosen[i % len(chosen)][0] for i in range(repeats)]
    series = _spread(picked, lambda n: store.readings.points(n, start_ms, now_ms))
    days = [now_ms - DAY_MS] * max(3, repeats // 20)
    hours = _spread(
        days,
        lambda at: sum(
            len(part.n)
            for part in store.readings.hours_of_kind(
                "lighting", "luminaire", "power_W", at, at + DAY_MS
            )
        ),
    )
    return {"series_30d_store_ms": series, "hours_of_luminaires_1d_ms": hours}


def _spread(items: Sequence[Any], work: Callable[[Any], Any]) -> dict[str, float]:
    times = []
    for item in items:
        start = time.perf_counter()
        work(item)
        times.append((time.perf_counter() - start) * 1000)
    return {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p99": round(float(np.percentile(times, 99)), 2),
        "n": len(times),
    }


def _disk(home: Path) -> dict[str, float]:
    def size(pattern: str) -> float:
        return round(sum(f.stat().st_size for f in home.rglob(pattern) if f.is_file()) / 1e6, 1)

    return {"sqlite": size("beffroi.sqlite*"), "all": size("*")}


def _machine() -> dict[str, Any]:
    import psutil

    return {
        "cpus": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": psutil.getloadavg(),
        "python": platform.python_version(),
    }


# --- drawing -------------------------------------------------------------------------------------
def plot(results: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Growth with the number of devices, all axes logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    x = [r["devices"] for r in results]
    panels: dict[str, dict[str, list[float]]] = {
        "memory, MB": {
            name: [r["memory_after_maps_mb"].get(name, 0) for r in results]
            for name in ("hub", "gate", "broker", "all")
        },
        "start until the map answers, s": {"start": [r["start_s"] for r in results]},
        "map over HTTP, p99 ms": {
            zoom: [r["map_ms"][zoom]["p99"] for r in results] for zoom, _ in ZOOMS
        },
        "one series of 30 days, ms": {
            f"{where} {p}": [r[f"series_30d_{where}_ms"][p] for r in results]
            for where in ("http", "store")
            for p in ("p50", "p99")
        },
        "hours of all luminaires, 1 day, ms": {
            p: [r["hours_of_luminaires_1d_ms"][p] for r in results] for p in ("p50", "p99")
        },
        "disk, MB": {name: [r["disk_mb"][name] for r in results] for name in ("sqlite", "all")},
    }
    figure, axes = plt.subplots(2, 3, figsize=(15, 8))
    for axis, (name, lines) in zip(axes.flat, panels.items(), strict=True):
        for label, values in lines.items():
            axis.loglog(x, [max(v, 1e-2) for v in values], "o-", label=label)
        axis.set_title(name)
        axis.set_xlabel("devices")
        axis.grid(True, which="both", alpha=0.3)
        axis.legend()
    figure.suptitle(f"Beffroi: {title}")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    sys.exit(main())
