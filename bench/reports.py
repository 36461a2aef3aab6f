"""Readers of the public map and of status pages while a town has many reports, over real HTTP.

    python bench/reports.py --reports 10000 --readers 1000 --seconds 20

Prints requests, errors, p50 and p99 for each page. The served town and the readers share the
machine: on two cores the figures are the server's and the readers' together.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from beffroi.hub.reports.desk import hashed
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState

DAY_MS = 86_400_000
ROOT = Path(__file__).resolve().parents[1]


def served() -> Any:
    """The town of the tests. Somebody else’s package may be called `tests` too: ours is meant."""
    ours = ModuleType("tests")
    ours.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = ours
    return import_module("tests.ui.world").world


def fill(town: Any, count: int) -> list[str]:
    """Published reports all over the commune; secrets of some status links."""
    commune = town.services.store.assets.commune()
    desk = town.services.reports
    assert commune is not None
    assert desk is not None
    rng, now_ms = random.Random(5), town.services.clock.now_ms()
    topics = list(desk.topics)
    for n in range(count):
        at_ms = now_ms - rng.randrange(300 * DAY_MS)
        report = Report(
            f"b{n:07}",
            rng.choice(topics),
            rng.choice((ReportState.ACCEPTED, ReportState.ANSWERED, ReportState.CLOSED)),
            at_ms,
            at_ms,
            commune.lon + rng.uniform(-0.02, 0.02),
            commune.lat + rng.uniform(-0.02, 0.02),
            text="Un trou devant le portail, à l’entrée du chemin",
            place="chemin du Lavoir",
            first_answer_ms=at_ms + DAY_MS,
        )
        event = ReportEvent(report.id, 1, at_ms, "author", "received", told=True)
        desk.store.add(ReportChange(report, event), hashed(f"secret-{n}"))
    return [f"secret-{n}" for n in range(min(count, 500))]


async def read(url: str, paths: list[str], readers: int, seconds: float) -> list[tuple[str, float]]:
    """(path kind, seconds or -1 for an error) of every request."""
    found: list[tuple[str, float]] = []
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=readers, max_keepalive_connections=readers)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:

        async def reader(n: int) -> None:
            rng = random.Random(n)
            while time.monotonic() < end:
                path = rng.choice(paths)
                start = time.monotonic()
                try:
                    answer = await client.get(path)
                    took = time.monotonic() - start if answer.status_code == 200 else -1.0
                except httpx.HTTPError:
                    took = -1.0
                found.append((path.split("/")[1], took))
                await asyncio.sleep(rng.uniform(1, 5))  # a person looks at a page

        await asyncio.gather(*(reader(n) for n in range(readers)))
    return found


def told(found: list[tuple[str, float]]) -> None:
    for kind in sorted({kind for kind, _ in found}):
        times = sorted(took for name, took in found if name == kind and took >= 0)
        errors = sum(took < 0 for name, took in found if name == kind)
        if times:
            p50, p99 = (times[int(len(times) * q)] * 1_000 for q in (0.5, 0.99))
            print(f"{kind:26} {len(times):7} ok {errors:5} errors", end="  ")
            print(f"p50 {p50:7.0f} ms  p99 {p99:7.0f} ms")
        else:
            print(f"{kind:26} {0:7} ok {errors:5} errors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served()(Path(folder)) as town:
        start = time.monotonic()
        secrets = fill(town, args.reports)
        print(f"{args.reports} reports written in {time.monotonic() - start:.1f} s")
        paths = ["/signalements.geojson", "/signalements"] * 150
        paths += [f"/suivi/{secret}" for secret in secrets[:300]]
        told(asyncio.run(read(town.url, paths, args.readers, args.seconds)))


if __name__ == "__main__":
    main()
