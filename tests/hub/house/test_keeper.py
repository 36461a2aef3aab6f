"""The house on a real desk and store: told once, ended once, also over a restart of the hub."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beffroi.adapters.sql import open_store
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.alarms.text import render
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.house.facts import Machine, Papers
from beffroi.hub.house.keeper import House
from beffroi.hub.house.rules import RULES
from beffroi.model.finding import Severity
from beffroi.ports.store import StoreError

GB = 1024**3
FACTS = {
    "why": "x", "minutes": 1.0, "free_mb": 1.0, "share": 1.0, "device": "d", "times": 1.0,
    "count": 1.0, "days": 1.0,
}  # fmt: skip


class Clock:
    ms = 1_800_000_000_000

    def now_ms(self):
        return self.ms


class World:
    """A desk on a real store; `machine` is what the next look finds."""

    def __init__(self, folder):
        self.folder, self.clock = folder, Clock()
        self.machine = Machine(disk_free_bytes=50 * GB, disk_total_bytes=100 * GB, monotonic_ms=1)
        self.papers = Papers()
        self.start()

    def start(self):
        self.store = open_store(f"sqlite:///{self.folder / 'house.sqlite'}")
        self.desk = Desk(self.store.alarms, RULES)
        alarms = ToDesk(self.desk, self.store, self.clock)
        self.house = House(
            lambda: self.machine, lambda: self.papers, self.desk.open, alarms, self.clock
        )

    def turn(self):
        self.clock.ms += 2_000
        self.machine = replace(self.machine, monotonic_ms=self.machine.monotonic_ms + 2_000)
        self.house.turn()
        return {alarm.rule.removeprefix("house.") for alarm in self.desk.open() if alarm.active}

    def restart(self):
        self.store.close()
        self.start()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.store.close()


def test_an_alarm_comes_and_goes(world):
    assert world.turn() == set()
    world.machine = replace(world.machine, broker_trouble="out of space")
    assert world.turn() == {"broker_trouble"}
    (alarm,) = world.desk.open()
    assert (alarm.severity, alarm.domain) == (Severity.GRAVE, "house")
    version = alarm.version
    assert world.turn() == {"broker_trouble"}
    assert world.desk.open()[0].version == version, "told once"
    world.machine = replace(world.machine, broker_trouble="")
    assert world.turn() == set()


def test_what_ended_while_the_hub_was_down_is_ended_at_the_start(world):
    world.house.witnessed("aubigny: no answer")
    world.machine = replace(world.machine, disk_free_bytes=1)
    assert world.turn() == {"disk_full", "witnesses"}
    world.restart()
    assert world.turn() == {"disk_full"}
    world.machine = replace(world.machine, disk_free_bytes=50 * GB)
    assert world.turn() == set()


def test_f7_what_a_read_only_disk_cannot_keep_is_shown_and_told_again(world):
    """The store refuses; the page of the hub's state shows it all the same."""
    apply, world.store.alarms.apply = world.store.alarms.apply, refuse
    world.machine = replace(world.machine, disk_readonly=True)
    assert world.turn() == set()
    assert [one.rule for one in world.house.standing()] == ["house.disk_readonly"]
    world.store.alarms.apply = apply
    for _ in range(31):
        world.turn()
    assert world.turn() == {"disk_readonly"}


def refuse(changes):
    raise StoreError("attempt to write a readonly database")


def test_k9_a_fight_for_a_certificate_is_grave_at_the_third_time(world):
    world.turn()
    for _ in range(2):
        world.house.taken_over("guard-1", 1)
        assert world.turn() == set()
    world.house.taken_over("guard-1", 1)
    assert world.turn() == {"twins"}
    assert world.desk.open()[0].asset == "guard-1"


def test_papers_are_read_once_a_minute(world):
    reads = []
    house = House(
        lambda: world.machine, lambda: reads.append(1) or Papers(), list, print, world.clock
    )
    for _ in range(60):
        world.machine = replace(world.machine, monotonic_ms=world.machine.monotonic_ms + 2_000)
        house.turn()
    assert len(reads) == 2


def test_each_rule_has_words_and_advice_in_both_languages(world):
    for name, rule in RULES.items():
        assert name.startswith("house.")
        for label in (rule.text, rule.advice):
            assert label.fr != label.en
        assert rule.text.fr.count("{") == rule.text.en.count("{"), name
        assert "{" not in rule.advice.fr + rule.advice.en, "advice is not filled in"
        alarm = _alarm(name)
        for lang in ("fr", "en"):
            assert "{" not in render(alarm, rule, lang)
    french = " ".join(rule.text.fr + rule.advice.fr for rule in RULES.values())
    assert "'" not in french, "the apostrophe of the house is ’"


def _alarm(name):
    from tests.hub.alarms.kit import alarm

    return replace(alarm(), rule=name, facts=FACTS)
