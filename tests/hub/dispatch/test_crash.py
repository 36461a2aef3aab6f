"""F2: the hub is killed at every step between request and receipt, before and after the step.

Whatever dies where: at most one effect, a truthful end, no effect that the log does not tell of.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hub.dispatch.kit import P1, P2, Crash, Killed, Town, signature

from beffroi.ports.commands import FINAL, State

STEPS = [
    "append", "apply",  # request
    "append", "apply",  # first approval
    "append", "apply",  # second approval, ready
    "append", "apply", "send",  # sent
    "append", "apply", "ack",  # receipt
]  # fmt: skip


def live(town: Town) -> None:
    """One class C command from request to receipt, as far as the hub lives."""
    rows = town.store.commands.commands()
    row = rows[0] if rows else town.ask(level=0)
    for seed in (P1, P2):
        if town.row(row).state is State.AWAITING:
            signed = {one.key for one in town.store.commands.approvals(row.id)}
            if signature(row, seed).key not in signed:
                town.sign(row, seed)
    town.turn()
    town.hear()


def test_the_steps_are_those_that_the_kills_hit(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.restart(crash := Crash())
    live(town)
    assert crash.names == STEPS
    town.stop()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(STEPS) + 1))
def test_killed_at_a_step(tmp_path: Path, at: int, after: bool) -> None:
    town = Town(tmp_path)
    town.restart(Crash(at, after))
    with pytest.raises(Killed):
        live(town)
    town.restart()
    for _ in range(4):
        live(town)
        town.clock.ms += 1_000
    _truthful(town)
    assert len(town.cabinet.moved) == 1  # somebody asked again when the request itself was lost
    town.stop()


@pytest.mark.parametrize("at", range(7, len(STEPS) + 1))
def test_killed_twice_in_a_row(tmp_path: Path, at: int) -> None:
    """Lost, then lost but written: the second kill hits the repair of the first."""
    town = Town(tmp_path)
    town.restart(Crash(at))
    with pytest.raises(Killed):
        live(town)
    for second in range(1, 7):
        town.restart(Crash(second, after=True))
        try:
            live(town)
        except Killed:
            continue
    town.restart()
    for _ in range(4):
        live(town)
        town.clock.ms += 1_000
    _truthful(town)
    assert len(town.cabinet.moved) == 1
    town.stop()


def _truthful(town: Town) -> None:
    rows = [row for row in town.store.commands.commands() if row.sent_ms]
    assert {row.state for row in rows} <= FINAL
    done = [row for row in rows if row.state is State.DONE]
    assert len(done) == len(town.cabinet.moved)
    kinds: dict[bytes, list[str]] = {}
    for entry in town.entries():
        kinds.setdefault(entry["subject"], []).append(entry["kind"])
    for row in done:
        told = kinds[bytes.fromhex(row.digest)]
        assert {"command.approved", "command.sent"} <= set(told)
    assert town.store.check() == []
    assert town.rules() == set()
