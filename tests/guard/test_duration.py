"""An action with `minutes` ends by itself, whatever becomes of hub, guard and clock."""

from __future__ import annotations

import pytest
from tests.guard.kit import HUB_KEY, P1_KEY, ROSTER, Rig, envelope

from beffroi.guard.trust import Trusted
from beffroi.kernel.envelope import Action, Allowed, Case


@pytest.fixture
def timed(tmp_path):
    minutes, level = Allowed(((1, 240),)), Allowed(((0, 100),))
    dim = Action((Case("B", {"level_pct": level, "minutes": minutes}),), "Régler", "Set")
    on = Action((Case("A", safe=True),), "Allumer", "On")
    envelopes = {
        name: envelope(name, actions={"dim": dim, "on": on}) for name in ("lamp-1", "lamp-2")
    }
    rig = Rig(tmp_path, trusted=Trusted(ROSTER, envelopes))
    rig.envelopes = envelopes
    rig.lease()
    rig.hub.take()
    yield rig
    rig.store.close()


def dim(rig: Rig, level: int, minutes: int) -> None:
    rig.send(params={"level_pct": level, "minutes": minutes}, keys=(HUB_KEY, P1_KEY))


def test_it_ends_after_its_minutes_with_a_receipt(timed):
    dim(timed, 40, 5)
    timed.wait(299_000, step_ms=1_000, lease=True)
    assert timed.level() == 40
    assert timed.hub.take() == [("done", "lamp-1", "")]
    timed.wait(2_000, lease=True)
    assert timed.level() == 100
    assert timed.hub.take() == [("fallback", "lamp-1", "ended")]
    timed.wait(600_000, step_ms=1_000, lease=True)
    assert timed.hub.take() == []


def test_the_next_command_has_its_own_end(timed):
    dim(timed, 40, 1)
    timed.wait(50_000, step_ms=1_000, lease=True)
    dim(timed, 45, 10)
    timed.wait(500_000, step_ms=1_000, lease=True)
    assert timed.level() == 45
    timed.send(klass="A", action="on", params={}, keys=(HUB_KEY,))
    timed.hub.take()
    timed.wait(900_000, step_ms=1_000, lease=True)
    assert timed.hub.take() == []


@pytest.mark.parametrize("jump_ms", [0, -3_600_000, 10**12])
def test_a_jumping_clock_neither_stretches_nor_cuts_it(timed, jump_ms):
    dim(timed, 40, 2)
    timed.clock.wall_ms += jump_ms
    for _ in range(11):
        timed.clock.sleep(10_000)
        timed.lease(at_ms=timed.core.now_ms(timed.clock()))
        timed.worker.tick()
    assert timed.level() == 40
    timed.clock.sleep(10_000)
    timed.worker.tick()
    assert timed.level() == 100


def test_the_end_outlives_a_restart(timed):
    dim(timed, 40, 5)
    timed.clock.sleep(60_000)
    again = timed.again()
    again.lease()
    again.wait(230_000, step_ms=1_000, lease=True)
    assert again.level() == 40
    again.wait(11_000, lease=True)
    assert again.level() == 100
    assert again.hub.take() == [("started", "", "restart"), ("fallback", "lamp-1", "ended")]
    again.store.close()


def test_what_ended_while_the_guard_was_off_is_no_foreign_hand(timed):
    dim(timed, 40, 5)
    timed.drivers["lamp-1"].write({"level_pct": 100})
    timed.clock.sleep(301_000)
    again = timed.again()
    again.lease()
    again.wait(1_000)
    assert again.hub.take() == [("started", "", "restart"), ("fallback", "lamp-1", "ended")]
    again.store.close()
