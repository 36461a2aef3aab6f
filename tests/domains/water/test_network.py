"""The whole network at once, on an invented process and on the year of C-Town."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from beffroi.domains.water import DOMAIN
from beffroi.domains.water.decode import BAR_PER_MH2O
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

HOUR = 3_600_000
NETWORK = Asset("n", "water", "network", "N", 2, 46)


def frame(i: int, rng: random.Random, lie: float = 0.0) -> dict[str, float]:
    """Six tags of one hour that obey two laws (flow and pressure follow demand and pump)."""
    demand = 10 + 4 * math.sin(2 * math.pi * i / 24) + rng.gauss(0, 1)
    pump = 20 + rng.gauss(0, 3)
    return {
        "p/flow_l_s": pump,
        "s/inflow_m3_h": 3.6 * demand,
        "t/inflow_l_s": pump + rng.gauss(0, 0.2),
        "t/outflow_l_s": demand + rng.gauss(0, 0.2) + lie,
        "n1/pressure_bar": 4 - 0.05 * demand + rng.gauss(0, 0.02),
        "n2/pressure_bar": 3 - 0.08 * demand + rng.gauss(0, 0.02),
    }


def test_a_lie_within_the_normal_range_is_found_and_ends_a_day_after() -> None:
    rng, watch = random.Random(1), DOMAIN.watch(NETWORK, None)
    found = []
    for i in range(3_000):
        lie = 3.0 if 2_500 <= i < 2_600 else 0.0
        values = frame(i, rng, lie)
        found += [
            (i, f)
            for f in watch.step([Obs(p, "d", i * HOUR, v) for p, v in values.items()]).findings
        ]
        if i == 2_550:
            watch = DOMAIN.watch(NETWORK, json.loads(json.dumps(watch.dump())))
    assert [f.active for _, f in found] == [True, False]
    (start, first), (end, _) = found
    assert 2_500 <= start <= 2_505
    assert 2_620 <= end <= 2_640
    assert first.facts["tag"] == "t/outflow_l_s"


def test_saved_and_taken_up_again_is_the_same_as_going_on() -> None:
    rng, one = random.Random(2), DOMAIN.watch(NETWORK, None)
    two = DOMAIN.watch(NETWORK, None)
    for i in range(1_700):
        if i % 97 == 0:
            two = DOMAIN.watch(NETWORK, json.loads(json.dumps(two.dump())))
        obs = [Obs(p, "d", i * HOUR, v) for p, v in frame(i, rng).items()]
        a, b = one.step(obs), two.step(obs)
        assert a.findings == b.findings
        assert [d.value for d in a.derived] == pytest.approx([d.value for d in b.derived])


def test_constant_zero_and_missing_tags_do_no_harm() -> None:
    rng, watch = random.Random(3), DOMAIN.watch(NETWORK, None)
    for i in range(2_000):
        values = {**frame(i, rng), "z/flow_l_s": 0.0, "c/level_m": 3.0}
        if 1_800 < i < 1_850:
            values.pop("n1/pressure_bar")
        if 1_900 < i < 1_910:
            values = {"z/flow_l_s": 0.0}
        step = watch.step([Obs(p, "d", i * HOUR, v) for p, v in values.items()])
        assert not step.findings
        assert all(math.isfinite(d.value) for d in step.derived)


def rows(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        names, *lines = csv.reader(file)
    keys = [name.strip() for name in names[1:]]
    return [dict(zip(keys, map(float, line[1:]), strict=True)) for line in lines]


@pytest.mark.data
def test_the_seven_attacks_on_c_town(data_dir: Path) -> None:
    """Learns on the clean year alone; the official score on the file of attacks."""
    place = data_dir / "batadal"
    spec = importlib.util.spec_from_file_location("official", place / "batadal_score.py")
    assert spec
    assert spec.loader
    official: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    watch, alarm, label = DOMAIN.watch(NETWORK, None), [], []
    clean, attacks = (
        rows(place / "BATADAL_dataset03.csv"),
        rows(place / "dataset04_full_labels.csv"),
    )
    active, clean_alarms = False, 0
    for i, row in enumerate([*clean, *attacks]):
        flag = row.pop("ATT_FLAG")
        raw = DOMAIN.decode("ctown", row)
        for finding in watch.step([Obs(p, "rtu", i * HOUR, v) for p, v in raw.items()]).findings:
            active = finding.active
            clean_alarms += active and i < len(clean)
        if i >= len(clean):
            alarm.append(active)
            label.append(flag > 0)
    result = official.score(label, alarm)
    assert clean_alarms == 0
    assert result["detected"] == 7
    assert result["S"] > 0.9
    assert result["TNR"] > 0.9


def test_c_town_tags_are_decoded() -> None:
    raw = DOMAIN.decode("ctown", {"P_J280": 10.0, "L_T1": 2.0, "S_PU1": 1})
    assert raw == {"P_J280": pytest.approx(10 * BAR_PER_MH2O), "L_T1": 2.0, "S_PU1": 1}


def test_absurd_hours_do_not_teach_that_lies_are_usual() -> None:
    """Ten absurd values, each an hour alone, must not widen what a tag may say afterwards."""
    rng, watch = random.Random(4), DOMAIN.watch(NETWORK, None)
    raised = []
    for i in range(2_600):
        values = frame(i, rng, 3.0 if i >= 2_500 else 0.0)
        if 1_500 <= i < 2_400 and i % 90 == 0:
            values["t/outflow_l_s"] = 900.0
        for finding in watch.step([Obs(p, "d", i * HOUR, v) for p, v in values.items()]).findings:
            raised += [i] if finding.active else []
    assert any(2_500 <= i <= 2_506 for i in raised)
