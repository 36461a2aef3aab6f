"""Figures of short-stay bays from what their own watch says, as the hub stores it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import pytest
from tests.hub.indicators.town import NOW, SPAN, Town

from beffroi.domains.base import Watch
from beffroi.domains.parking import DOMAIN
from beffroi.model.asset import Asset
from beffroi.model.finding import Step
from beffroi.model.measure import HOUR_MS
from beffroi.model.reading import Obs

TICK_MS = HOUR_MS // 6
HOURS = (NOW - SPAN.start_ms) // HOUR_MS
TWO_STAYS = {10: 1.0, 11: 0.0, 30: 1.0, 31: 0.0}  # hour of SPAN: taken or free


def watched(
    town: Town, changes: dict[int, float], heard_h: Container[int], stay_min_max: float = 20.0
) -> None:
    """A bay whose sensor tells changes, and its state twice a day, in these hours; what its watch
    makes of that goes into the store."""
    order: dict[str, Any] = {"order": {"reference": "2026-12", "max_stay_min": stay_min_max}}
    town.asset("parking", "bay", "b1", **order)
    watch = DOMAIN.watch(Asset("b1", "parking", "bay", "B", 2, 46, attrs=order), None)
    told: dict[str, list[tuple[int, float]]] = {}
    for step in steps(watch, changes, heard_h):
        for one in step.derived:
            told.setdefault(one.prop, []).append((one.ts_ms - SPAN.start_ms, one.value))
    for prop, values in told.items():
        town.put("b1", prop, values)


def steps(watch: Watch, changes: dict[int, float], heard_h: Container[int]) -> Iterator[Step]:
    now = 0.0
    for hour in range(HOURS):
        now, at_ms = changes.get(hour, now), SPAN.start_ms + hour * HOUR_MS
        if hour in heard_h and (hour in changes or hour % 12 == 0):
            yield watch.step([Obs("occupied_device", "d", at_ms, now)])
        for ms in range(at_ms, at_ms + HOUR_MS, TICK_MS):
            yield watch.tick(ms)


def test_a_silent_bay_is_no_overstay(town: Town) -> None:
    """The sensor dies on the third day; both stays were within the order."""
    watched(town, TWO_STAYS, range(60), stay_min_max=120)
    assert town.figures("P3") == {"P3": 0.0}


def test_a_stay_beyond_the_order_is_one_overstay_though_the_sensor_fell_silent(town: Town) -> None:
    """Two stays, one of them too long; nothing was heard in the middle of it."""
    heard_h = {*range(40), *range(80, HOURS)}
    watched(town, {10: 1.0, 11: 0.0, 30: 1.0, 90: 0.0}, heard_h, stay_min_max=120)
    assert town.figures("P3") == {"P3": 50.0}


def test_a_bay_that_nobody_uses_is_known_all_the_time(town: Town) -> None:
    watched(town, TWO_STAYS, range(HOURS))
    found = town.measure("P2")
    assert found.known == pytest.approx(1.0, abs=0.01)
    assert found.value == pytest.approx(2 / 10, rel=0.01)


def test_the_time_that_a_sensor_is_silent_is_not_known(town: Town) -> None:
    """Last heard at hour 48: for a sensor of changes that says something until hour 74."""
    watched(town, TWO_STAYS, range(49))
    assert town.measure("P2").known == pytest.approx(74 / 240, abs=0.01)


def test_a_bay_that_has_been_silent_all_the_time_is_not_live(town: Town) -> None:
    watched(town, {}, range(0))
    town.put("b1", "state", [(HOUR_MS, 3.0)])
    assert town.measure("P1").value is None
