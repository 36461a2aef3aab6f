"""A people counter's watch: forecasts, what is unusual, dead and forged counters."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.flows import DOMAIN
from beffroi.domains.flows.entities import COUNT_MAX, COUNTER
from beffroi.domains.flows.predictor import Predictor
from beffroi.domains.flows.surprise import RARE_H, WARM_H, Surprise
from beffroi.model.asset import Asset
from beffroi.model.finding import Step
from beffroi.model.reading import Obs

HOUR = 3_600_000
T0 = 1_790_000_000_000 // (168 * HOUR) * (168 * HOUR)
ASSET = Asset("c", "flows", "counter", "C", 2, 46, attrs={"timezone": "UTC"})


def usual(hour: int) -> float:
    """A town's rhythm."""
    return 20 + 400 * max(0.0, math.sin(math.pi * ((hour % 24) - 6) / 16)) * (
        0.5 if hour // 24 % 7 >= 5 else 1.0
    )


class Town:
    def __init__(self) -> None:
        self.watch = DOMAIN.watch(ASSET, None)
        self.hour, self.rng = 0, random.Random(3)
        self.raised: list[str] = []
        self.active: set[str] = set()
        self.expected: list[tuple[float, float]] = []

    def take(self, step: Step) -> None:
        for finding in step.findings:
            (self.active.add if finding.active else self.active.remove)(finding.rule)
            if finding.active:
                self.raised.append(finding.rule)

    def see(self, count: float) -> None:
        self.hour += 1
        step = self.watch.step([Obs("count_1h", "d", T0 + self.hour * HOUR, count)])
        self.take(step)
        for item in step.derived:
            if item.prop == "expected_1h":
                self.expected.append((count, item.value))

    def normal(self, hours: int) -> None:
        for _ in range(hours):
            mean = usual(self.hour)
            self.see(float(max(0, round(self.rng.gauss(mean, math.sqrt(mean) * 1.5)))))


@pytest.fixture
def town() -> Town:
    town = Town()
    town.normal(8 * 168)
    return town


def test_an_ordinary_town_is_forecast_and_raises_nothing(town: Town) -> None:
    late = town.expected[-336:]
    error = sum(abs(count - said) for count, said in late) / sum(count for count, _ in late)
    assert error < 0.10
    assert town.raised == []


def test_a_crowd_is_told_and_ends(town: Town) -> None:
    town.normal(9 - town.hour % 24 + 24)
    for _ in range(3):
        town.see(3_000)
    assert town.active == {"flows.crowd"}
    town.normal(24)
    assert town.active == set()
    assert town.raised == ["flows.crowd"]


def test_an_emptied_square_is_told(town: Town) -> None:
    town.normal(12 - town.hour % 24 + 24)
    town.see(8)
    assert "flows.empty" in town.active
    town.normal(24)
    assert town.active == set()


def test_a_dead_counter_is_told_and_teaches_nothing(town: Town) -> None:
    town.normal(12 - town.hour % 24 + 24)
    before = json.dumps(town.watch.dump()["predictor"]["profile"])
    for _ in range(200):
        town.see(0)
    assert "flows.counter_dead" in town.active
    learnt = json.loads(before)
    after = town.watch.dump()["predictor"]["profile"]
    changed = sum(a != b for a, b in zip(learnt, after, strict=True))
    assert changed <= 2, "only the first hour, before it was known to be dead"
    town.normal(24)
    assert "flows.counter_dead" not in town.active


def test_a_spoofed_constant_is_told_and_teaches_no_more(town: Town) -> None:
    for _ in range(48):
        town.see(250)
    assert "flows.counter_stuck" in town.active
    town.normal(24)
    assert "flows.counter_stuck" not in town.active


def test_swapped_counters_are_noticed_within_a_day() -> None:
    """The quiet counter suddenly speaks for the busy one, and the reverse."""
    found = []
    for factor in (8.0, 1 / 8):
        town = Town()
        town.normal(8 * 168)
        for _ in range(24):
            town.see(round(usual(town.hour) * factor))
        found += town.raised
    assert "flows.crowd" in found
    assert "flows.empty" in found


def test_a_forged_hour_cannot_teach_more_than_its_bound(town: Town) -> None:
    slot = (town.hour) % 168
    before = town.watch.dump()["predictor"]["profile"]
    town.see(COUNT_MAX)
    after = town.watch.dump()["predictor"]["profile"]
    moved = [abs(a - b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(moved) == 1, slot
    assert moved[0] <= 0.2 * 2.0 + 1e-9


def test_silence_is_told_but_not_of_history() -> None:
    town = Town()
    town.normal(24)
    town.take(town.watch.tick(T0 + 26 * HOUR))
    assert town.active == set()
    town.take(town.watch.tick(T0 + 28 * HOUR))
    assert town.active == {"flows.silent"}
    town.normal(1)
    town.take(town.watch.tick(T0 + town.hour * HOUR))
    assert town.active == set()
    assert town.watch.tick(T0 + 2_000 * HOUR) == Step()


def test_five_minute_counts_add_up_to_the_same_forecast() -> None:
    whole, parts = DOMAIN.watch(ASSET, None), DOMAIN.watch(ASSET, None)
    said: list[list[Any]] = [[], []]
    for hour in range(3 * 168):
        for i in range(12):
            at = T0 + hour * HOUR + (i + 1) * 300_000
            said[1] += parts.step([Obs("count", "d", at, float(hour % 24 + i))]).derived
        total = sum(hour % 24 + i for i in range(12))
        said[0] += whole.step([Obs("count_1h", "d", T0 + (hour + 1) * HOUR, total)]).derived
    assert said[1] == said[0][: len(said[1])]
    assert len(said[1]) >= len(said[0]) - 4


def test_false_calls_are_bounded_even_for_a_heavy_tail() -> None:
    """Errors of a Student law with two degrees of freedom: thresholds follow, calls stay rare."""
    rng = random.Random(11)
    surprise, calls, hours = Surprise(), 0, 60_000
    for i in range(hours):
        tail = rng.gauss(0, 1) / math.sqrt(max(rng.expovariate(1), 1e-9))
        count = 200 * math.exp(max(-5.0, min(5.0, 0.1 * tail)))
        score = surprise.score(i % 24, count, 200)
        calls += any(surprise.learn(i % 24, count, 200, score))
    assert calls <= 2 * (2.0 * (hours - WARM_H) / RARE_H)


def test_a_predictor_survives_anything() -> None:
    predictor = Predictor()
    rng = random.Random(5)
    for i in range(3_000):
        predictor.learn(i % 168, rng.choice([0, 0, 5, COUNT_MAX, 1, rng.random() * 500]))
        value = predictor.forecast((i + 1) % 168)
        assert value is None or (math.isfinite(value) and value >= 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 40 * HOUR),
            st.sampled_from(["count_1h", "count", "battery_V"]),
            st.floats(0, COUNT_MAX),
        ),
        max_size=60,
    )
)
def test_whatever_comes_it_stays_sound_and_survives_a_restart(
    raw: list[tuple[int, str, float]],
) -> None:
    straight, restarted, now = DOMAIN.watch(ASSET, None), DOMAIN.watch(ASSET, None), T0
    told: dict[str, int] = {}
    for gap, prop, value in raw:
        now += gap
        restarted = DOMAIN.watch(ASSET, json.loads(json.dumps(restarted.dump())))
        step = straight.step([Obs(prop, "d", now, value)])
        assert restarted.step([Obs(prop, "d", now, value)]) == step
        for item in step.derived:
            assert item.prop in COUNTER.derived
            bounds = COUNTER.properties[item.prop]
            assert bounds.low <= item.value <= bounds.high
            assert item.ts_ms > told.get(item.prop, 0)
            told[item.prop] = item.ts_ms
        for finding in step.findings:
            if finding.active:
                DOMAIN.rules[finding.rule].text.fr.format(**finding.facts)
        assert restarted.tick(now + 5) == straight.tick(now + 5)
    assert restarted.dump() == straight.dump()
