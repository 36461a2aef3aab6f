"""Water on real and simulated input: attacks on C-Town, leaks in seeded worlds, cost per value.

    python bench/water.py [--data DIR] [--seeds N]      (or BEFFROI_DATA; about two minutes)

C-Town: the network watch learns on the clean year (dataset03), then meets the seven attacks of
dataset04 and is given the official score, loaded from the data folder. What was tuned on what is
said in src/beffroi/domains/water/domain.md.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from beffroi.domains.water import DOMAIN
from beffroi.lab.worlds.water import WaterWorld
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

HOUR, DAY = 3_600_000, 86_400_000
T0 = 1_740_000_000_000
PERIOD = HOUR // 4
LEAK_DAY, DAYS = 30, 45
SHARES = (0.01, 0.02, 0.05, 0.10, 0.20)


def rows(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        names, *lines = csv.reader(file)
    keys = [name.strip() for name in names[1:]]
    return [dict(zip(keys, map(float, line[1:]), strict=True)) for line in lines]


def official(place: Path) -> Any:
    spec = importlib.util.spec_from_file_location("official", place / "batadal_score.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def c_town(place: Path) -> None:
    watch = DOMAIN.watch(Asset("n", "water", "network", "N", 2, 46), None)
    clean = rows(place / "BATADAL_dataset03.csv")
    attacks = rows(place / "dataset04_full_labels.csv")
    alarm: list[bool] = []
    label: list[bool] = []
    active, clean_alarms, told, peak = False, 0, 0, 0.0
    start = time.perf_counter()
    for i, row in enumerate([*clean, *attacks]):
        flag = row.pop("ATT_FLAG")
        raw = DOMAIN.decode("ctown", row)
        step = watch.step([Obs(p, "rtu", i * HOUR, v) for p, v in raw.items()])
        for finding in step.findings:
            active = finding.active
            clean_alarms += active and i < len(clean)
        if i < len(clean):
            told += len(step.derived)
            peak = max([peak, *(d.value for d in step.derived)])
        else:
            alarm.append(active)
            label.append(flag > 0)
    spent = time.perf_counter() - start
    module = official(place)
    result = module.score(label, alarm)
    false = sum(not any(label[s:e]) for s, e in module.windows(alarm))
    print(f"C-Town, dataset03 (clean): {told} hours judged after learning, {clean_alarms} alarms,")
    print(f"  highest oddity {peak:.2f} (alarm above 1)")
    print("C-Town, dataset04 (7 attacks), official score:")
    print("  " + ", ".join(f"{k} {float(result[k]):.3f}" for k in ("S", "S_TTD", "S_CLF")))
    print("  " + ", ".join(f"{k} {float(result[k]):.3f}" for k in ("TPR", "TNR", "precision")))
    print(f"  detected {result['detected']}/{result['attacks']}, hours to detect {result['ttd']},")
    print(f"  false alarms {false} in {label.count(False)} clean hours")
    print(f"  {1e6 * spent / (len(clean) + len(attacks)) / 43:.0f} us per value, network watch")


def leak(seed: int, share: float, inhabitants: int = 1_500) -> tuple[float | None, float, int]:
    """(days to the first alarm at the place, L/s estimated / L/s true, alarms elsewhere)."""
    world = WaterWorld(inhabitants, seed)
    sectors = [a for a in world.assets() if a.kind == "sector"]
    watches = {a.id: DOMAIN.watch(a, None) for a in sectors}
    l_s = share * world.use_l_s / len(sectors)
    days, ratio, elsewhere = None, float("nan"), 0
    for i in range(DAYS * DAY // PERIOD):
        if share and i * PERIOD == LEAK_DAY * DAY:
            world.inject("leak", sector="sector-1", l_s=l_s)
        by = defaultdict(list)
        ts = T0 + i * PERIOD
        for (ident, prop), value in world.step(ts).items():
            if ident in watches:
                by[ident].append(Obs(prop, "d", ts, value))
        for ident, obs in by.items():
            for finding in watches[ident].step(obs).findings:
                name = finding.rule.removeprefix("water.")
                if not finding.active or name not in ("leak", "burst"):
                    continue
                here = share and ident == "sector-1" and i * PERIOD >= LEAK_DAY * DAY
                elsewhere += not here
                if here and days is None:
                    days = i * PERIOD / DAY - LEAK_DAY
                if here and name == "leak":
                    ratio = float(finding.facts["leak_l_s"]) / l_s
    return days, ratio, elsewhere


def leaks(seeds: int) -> None:
    print(f"\nLeaks (simulated, EPANET, 1,500 inhabitants, {seeds} seeds, {DAYS} days each):")
    print(
        "  share of a mean sector’s use | found | days: median, worst | estimated/true | elsewhere"
    )
    for share in (0.0, *SHARES):
        told = [leak(seed, share) for seed in range(seeds)]
        found = [days for days, _, _ in told if days is not None]
        ratios = [ratio for _, ratio, _ in told if ratio == ratio]
        when = f"{statistics.median(found):.2f}, {max(found):.2f}" if found else "-"
        ratio = f"{statistics.median(ratios):.2f}" if ratios else "-"
        wrong = sum(count for _, _, count in told)
        print(f"  {100 * share:3.0f} % | {len(found)}/{seeds} | {when} | {ratio} | {wrong}")


def cost() -> None:
    print("\nCost of a watch (one process, one value per step unless told):")
    for kind, prop, attrs in (
        ("tank", "level_m", {"height_m": 5.0, "area_m2": 50.0}),
        ("pump", "flow_l_s", {}),
        ("node", "pressure_bar", {}),
        ("sector", "inflow_m3_h", {}),
        ("quality", "chlorine_mg_l", {}),
    ):
        watch = DOMAIN.watch(Asset("a", "water", kind, "A", 2, 46, attrs=attrs), None)
        obs = [[Obs(prop, "d", T0 + i * PERIOD, 2 + i % 997 / 1e3)] for i in range(20_000)]
        start = time.perf_counter()
        for batch in obs:
            watch.step(batch)
        print(f"  {kind:8} {1e6 * (time.perf_counter() - start) / len(obs):5.1f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("BEFFROI_DATA", ""))
    parser.add_argument("--seeds", type=int, default=12)
    given = parser.parse_args()
    place = Path(given.data) / "batadal"
    if given.data and place.is_dir():
        c_town(place)
    else:
        print("C-Town left out: --data or BEFFROI_DATA must name the folder with batadal/")
    leaks(given.seeds)
    cost()


if __name__ == "__main__":
    main()
