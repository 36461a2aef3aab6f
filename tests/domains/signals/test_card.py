"""The proven controller and the conflict monitor, two programs by two hands, agree about lamps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.domains.signals.small import cross
from typer.testing import CliRunner

from beffroi.cli.signals import app
from beffroi.domains import signal_controller as signals
from beffroi.domains.signal_controller import Controller, Given
from beffroi.domains.signal_junction import Junction
from beffroi.domains.signals.card import card
from beffroi.domains.signals.table import toml
from beffroi.guard.monitor import rules
from beffroi.guard.monitor.card import read_card, sealed
from beffroi.guard.monitor.rules import Monitor
from beffroi.lab.broken_controllers import AmberShort, NoClearance, OneWayMatrix
from beffroi.lab.junctions import random_legs, signalled

BITS = {signals.RED: rules.RED, signals.AMBER: rules.AMBER, signals.GREEN: rules.GREEN}
LOOK_MS = 50


def run(machine: Controller, rng: random.Random, seconds: int) -> Iterator[tuple[int, list[int]]]:
    """Lamps as the monitor sees them every 50 ms, under orders at random."""
    state = machine.first()
    plans = [Given("plan", plan) for plan in (*machine.junction.plans, 255)]
    for second in range(seconds):
        for part in range(1_000 // LOOK_MS):
            yield 1_000 * second + LOOK_MS * part, [BITS[lamp] for lamp in state.lamps]
        state = machine.step(state, rng.choice([*plans, Given("local"), *[Given()] * 30]))


def watched(machine: Controller, made: Junction, seed: int, seconds: int = 900) -> Monitor:
    monitor = Monitor(read_card(card(made)))
    for frame, (now_ms, lamps) in enumerate(run(machine, random.Random(seed), seconds)):
        monitor.look(now_ms, frame, lamps)
    return monitor


@pytest.mark.parametrize("seed", range(6))
def test_the_monitor_never_trips_on_a_proven_controller(seed: int) -> None:
    rng = random.Random(seed)
    made = signalled(rng, "j", "", random_legs(rng)) if seed else cross()
    monitor = watched(Controller(made), made, seed)
    assert (monitor.mode, monitor.reason) == (rules.RUNNING, "")


@pytest.mark.parametrize("bug", [NoClearance, OneWayMatrix, AmberShort])
def test_it_trips_on_a_broken_one(bug: type[Controller]) -> None:
    assert watched(bug(cross()), cross(), 1).mode == rules.TRIPPED


def test_cards_are_written_sealed(tmp_path: Path) -> None:
    table = tmp_path / "a.toml"
    table.write_text(toml(cross()))
    done = CliRunner().invoke(app, ["card", str(table), str(tmp_path / "cards")])
    assert done.exit_code == 0, done.output
    made, _ = sealed(*(tmp_path / "cards" / f"junction-j.{end}" for end in ("card.json", "seal")))
    assert made.clearance_ms == {(0, 1): 2_000, (1, 2): 1_000}
    assert [group.amber_ms for group in made.groups] == [3_000, 3_000, 0]
    again = CliRunner().invoke(app, ["card", str(table), str(tmp_path / "cards")])
    assert again.exit_code == 1
