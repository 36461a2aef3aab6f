"""A living junction by its telemetry: each fault and each lie is told, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from beffroi.domains.base import DecodeError
from beffroi.domains.signals import DOMAIN
from beffroi.lab.commune import commune
from beffroi.lab.worlds.signals import EVENTS, SignalsEventError, SignalsWorld
from beffroi.model.finding import Finding
from beffroi.model.reading import Obs

T0 = 1_750_075_200_000  # Monday 16 June 2025, 14:00 in Paris
MIN = 60_000
PERIOD = 10_000
ASSET = next(asset for asset in commune(800, 1).assets if asset.domain == "signals")
TOLD = {
    "conflict": {"signals.conflict", "signals.flashing"},
    "lamp_out": {"signals.fault"},
    "rogue_plan": {"signals.plan_uncommanded"},
    "unknown_plan": {"signals.plan_unknown"},
    "all_green": {"signals.greens_together", "signals.stuck"},
    "stuck": {"signals.stuck"},
    "door_open": {"signals.door_open"},
    "silent": {"signals.silent"},
}


class Street:
    """One junction and its watch, which is saved and read again now and then."""

    def __init__(self) -> None:
        self.world = SignalsWorld([ASSET])
        self.watch = DOMAIN.watch(ASSET, None)
        self.findings: list[Finding] = []
        self.now = T0

    def run(self, minutes: float) -> None:
        for i in range(int(minutes * MIN / PERIOD)):
            self.now += PERIOD
            values = self.world.step(self.now)
            obs = [Obs(prop, "d", self.now, value) for (_, prop), value in values.items()]
            for step in (self.watch.step(obs) if obs else None, self.watch.tick(self.now)):
                self.findings += step.findings if step else []
            if i % 50 == 49:
                self.watch = DOMAIN.watch(ASSET, json.loads(json.dumps(self.watch.dump())))

    def order(self, action: str, **params: int) -> None:
        """A guard has done it, and the hub notes what the domain makes of it."""
        getattr(self.world, {"select_plan": "select"}.get(action, action))(ASSET.id, **params)
        noted = DOMAIN.ordered(ASSET, action, params, b"", self.now)
        obs = [Obs(prop, "", self.now, value) for prop, value in noted.items()]
        self.findings += self.watch.step(obs).findings if obs else []

    def told(self) -> set[str]:
        return {finding.rule for finding in self.findings if finding.active}


def test_nothing_is_told_of_a_quiet_day() -> None:
    street = Street()
    street.run(24 * 60)
    assert street.findings == []


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_each_event_is_told_and_ends(event: str) -> None:
    street = Street()
    street.run(20)
    street.world.inject(event, ASSET.id)
    street.run(40)
    assert street.told() == TOLD[event]
    street.world.mend(event, ASSET.id)
    street.run(30)
    active: dict[str, bool] = {finding.rule: finding.active for finding in street.findings}
    assert not any(active.values())
    for finding in street.findings:
        rule = DOMAIN.rules[finding.rule]
        if finding.active:
            assert rule.text.fr.format(**finding.facts)
            assert rule.text.en.format(**finding.facts)


def test_an_ordered_plan_is_no_surprise_and_its_end_neither() -> None:
    street = Street()
    street.run(10)
    street.order("select_plan", plan=3)
    street.run(40)
    street.order("select_plan", plan=2)
    street.run(40)
    street.order("local")
    street.run(40)
    assert street.findings == []
    street.world.select(ASSET.id, 4)  # not by an order that the hub knows
    street.run(20)
    assert street.told() == {"signals.plan_uncommanded"}


def test_silence_of_the_hub_leads_to_the_local_plan_without_alarm() -> None:
    street = Street()
    street.order("select_plan", plan=3)
    street.run(20)
    street.world.local(ASSET.id)  # the lease ended: nobody ordered it
    street.run(40)
    assert street.findings == []


def test_flashing_is_told_though_it_was_ordered() -> None:
    street = Street()
    street.run(10)
    street.order("flash")
    street.run(5)
    assert street.told() == {"signals.flashing"}


def test_the_hour_explains_its_plan() -> None:
    street = Street()
    street.now = T0 + 3 * 60 * MIN  # 17:00, plan 2 by attrs.day
    street.world.select(ASSET.id, 2)
    street.run(60)
    assert street.findings == []


def test_a_wait_beyond_the_law_is_told() -> None:
    watch = DOMAIN.watch(ASSET, None)
    assert not watch.step([Obs("wait_s", "d", T0, 120.0)]).findings
    (finding,) = watch.step([Obs("wait_s", "d", T0 + 1, 121.0)]).findings
    assert (finding.rule, finding.facts) == (
        "signals.waiting", {"wait_s": 121.0, "most_s": 120})  # fmt: skip


@pytest.mark.parametrize("junction", [None, 3, {}, {"id": "x"}])
def test_a_watch_without_data_still_tells_faults(junction: Any) -> None:
    watch = DOMAIN.watch(replace(ASSET, attrs={"junction": junction, "day": 7}), None)
    shown = {"state": 1, "plan": 77, "greens": 255, "fault": 1}
    obs = [Obs(prop, "d", T0, value) for prop, value in shown.items()]
    assert {finding.rule for finding in watch.step(obs).findings} == {"signals.conflict"}


def test_an_unknown_model_or_event_is_an_error() -> None:
    with pytest.raises(DecodeError):
        DOMAIN.decode("acme", {"plan": 1})
    world = SignalsWorld([ASSET])
    with pytest.raises(SignalsEventError, match="no event"):
        world.inject("explode", ASSET.id)
    with pytest.raises(SignalsEventError, match="no junction"):
        world.inject("stuck", "nowhere")
