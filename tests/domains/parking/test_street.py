"""The simulated street, held-out seeds: fusion against each technology alone. All simulated.

The full figures are printed by bench/parking.py; here a few bays guard against getting worse.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from beffroi.lab.worlds.parking import street_day

BENCH = Path(__file__).parents[3] / "bench" / "parking.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_parking", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_parking"] = module
    spec.loader.exec_module(module)
    return module


def test_a_street_is_a_pure_function_of_its_seed() -> None:
    one, two, other = (street_day(seed, 2, step_s=30) for seed in (5, 5, 6))
    for a, b, c in zip(one, two, other, strict=True):
        assert np.array_equal(a.field, b.field)
        assert np.array_equal(a.recv_ms, b.recv_ms)
        assert not np.array_equal(a.field, c.field)
        assert (np.diff(a.ts_ms) > 0).all()
        assert (a.recv_ms >= a.ts_ms).all()


def test_fusion_beats_each_technology_on_seeds_it_was_not_made_with(bench: ModuleType) -> None:
    right = dict.fromkeys(bench.VIEWS, 0)
    total, delays = 0, []
    for day in street_day(2000, 2, start_ms=bench.START_MS, step_s=3.0):
        for view, only in bench.VIEWS.items():
            result = bench.run(day, only)
            right[view] += result.right
            if view == "fusion":
                total += result.total
                delays += result.delays
    shares = {view: n / total for view, n in right.items()}
    assert shares["fusion"] > max(shares["magnetometer"], shares["radar"])
    assert shares["fusion"] > 0.97
    assert np.median(delays) <= 10_000
