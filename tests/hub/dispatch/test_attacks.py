"""K1, K2, M1-M3: what a hub that accepts everything, with all its keys, can make a guard do.

The attacker has the hub's key and everything it knows; he writes bytes straight to the guard. The
guard is the in-test cabinet, whose judge is the one of every guard.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub.dispatch.kit import (
    CAB,
    GUARD,
    HUB,
    LOG,
    P1,
    P1B,
    P2,
    P3,
    Cabinet,
    Clock,
    Town,
    command_of,
    forged,
)

from beffroi.kernel.command import Command
from beffroi.kernel.dsse import COMMAND, RECEIPT, Signed, pack, unpack
from beffroi.ports.commands import State

HOSTILE = 3_000


class Stolen:
    """All that root on the hub has, without a hub."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cabinet = Cabinet(self.clock)


def fresh() -> Stolen:
    return Stolen()


def test_k1_one_of_two_signatures_is_not_enough_at_the_guard() -> None:
    for signers in ((), (P1,), (P2,), (P1, P1), (P1, P1B), (P1, P3), (LOG,), (CAB, P1)):
        stolen = fresh()
        stolen.cabinet.hear(forged(None, command_of(stolen), HUB, *signers))  # type: ignore[arg-type]
        assert stolen.cabinet.moved == [], signers
    stolen = fresh()
    stolen.cabinet.hear(forged(None, command_of(stolen), HUB, P1, P2))  # type: ignore[arg-type]
    assert len(stolen.cabinet.moved) == 1  # the test can fail


def test_k2_root_on_the_hub_forges_every_command_type_without_effect() -> None:
    stolen = fresh()
    tried = 0
    for klass in ("A", "B", "C"):
        for action, params in (
            ("dim", {"level_pct": 0}),
            ("dim", {"level_pct": 49}),
            ("alert", {"text": "a"}),
            ("seen", {"level_pct": 80}),
            ("explode", {}),
        ):
            for seeds in ((HUB,), (HUB, HUB), (HUB, LOG), (HUB, CAB), (LOG,), ()):
                command = command_of(stolen, klass=klass, action=action, params=params)
                stolen.cabinet.hear(forged(None, command, *seeds))  # type: ignore[arg-type]
                tried += 1
    assert tried == 90
    assert stolen.cabinet.moved == []


def test_k2_mutations_of_a_valid_command_have_no_effect_but_its_own() -> None:
    """Hostile bytes near the valid ones, seeded: no effect unless the bytes are the valid ones."""
    stolen, dice = fresh(), random.Random(20)
    command = command_of(stolen)
    valid = forged(None, command, HUB, P1, P2)  # type: ignore[arg-type]
    for _ in range(HOSTILE):
        wire = bytearray(valid)
        for _ in range(dice.randint(1, 4)):
            kind, at = dice.randrange(3), dice.randrange(len(wire))
            if kind == 0:
                wire[at] ^= 1 << dice.randrange(8)
            elif kind == 1:
                del wire[at : at + dice.randint(1, 9)]
            else:
                wire[at:at] = dice.randbytes(dice.randint(1, 9))
        if bytes(wire) != valid:
            stolen.cabinet.hear(bytes(wire))
    assert stolen.cabinet.moved == []
    stolen.cabinet.hear(valid)
    assert len(stolen.cabinet.moved) == 1


@given(st.data())
@settings(max_examples=60)
def test_k2_no_field_can_be_changed_after_the_signatures(data: st.DataObject) -> None:
    stolen = fresh()
    command = command_of(stolen)
    signed = unpack(forged(None, command, HUB, P1, P2))  # type: ignore[arg-type]
    change = data.draw(
        st.sampled_from(
            [
                {"params": {"level_pct": 1}},
                {"target": "t-2"},
                {"klass": "A"},
                {"counter": command.counter + 1},
                {"expires_ms": command.expires_ms + 1},
                {"id": "other"},
                {"plan": "p.1"},
                {"guard": "g-2"},
            ]
        )
    )
    other: Command = replace(command, **change)
    hub = Signed(COMMAND, other.encoded()).by(HUB).signatures[0]
    wire = pack(replace(signed, payload=other.encoded(), signatures=(hub, *signed.signatures[1:])))
    stolen.cabinet.hear(wire)
    assert stolen.cabinet.moved == []


def test_k2_approvals_of_one_command_serve_no_other(town: Town) -> None:
    row = town.sign(town.sign(town.ask(level=0), P1), P2)
    town.settle(1)
    sent = unpack(town.wire.commands()[0])
    evil = command_of(town)
    hub = Signed(COMMAND, evil.encoded()).by(HUB).signatures[0]
    wire = pack(Signed(COMMAND, evil.encoded(), (hub, *sent.signatures[:-1])))
    town.cabinet.hear(wire)
    assert len(town.cabinet.moved) == 1
    assert town.row(row).state is State.DONE


def test_k2_a_lease_or_receipt_never_passes_for_a_command() -> None:
    stolen = fresh()
    payload = command_of(stolen).encoded()
    signed = Signed(RECEIPT, payload).by(HUB).by(P1).by(P2)
    stolen.cabinet.hear(pack(signed))
    stolen.cabinet.hear(pack(replace(signed, kind=COMMAND)))
    assert stolen.cabinet.moved == []


@pytest.mark.parametrize("copies", [2, 100])
def test_m1_duplicates_have_one_effect_and_one_receipt(town: Town, copies: int) -> None:
    row = town.ask()
    town.turn()
    for _ in range(copies - 1):
        town.cabinet.hear(town.wire.commands()[0])
    town.settle(3)
    assert len(town.cabinet.moved) == 1
    assert town.row(row).state is State.DONE
    assert len(town.store.commands.receipts(GUARD, 200)) == 1


def test_m2_an_older_command_after_a_newer_one_is_refused(town: Town) -> None:
    town.wire.lose = lambda topic: topic == "cmd"
    first = town.ask(level=80)
    town.turn()
    town.clock.ms += 10
    second = town.ask(level=90)
    town.turn()
    one, two = town.wire.commands()[:1], town.wire.commands()[-1:]
    for wire in (*two, *one):
        town.cabinet.hear(wire)
    town.hear()
    assert town.cabinet.moved == [("t-1", "dim", {"level_pct": 90})]
    assert town.row(second).state is State.DONE
    assert (town.row(first).state, town.row(first).reason) == (State.REFUSED, "replayed")


def test_m3_yesterdays_capture_is_refused(town: Town) -> None:
    town.ask()
    town.settle(1)
    captured = town.wire.commands()
    town.clock.ms += 86_400_000
    town.cabinet.start_again()
    town.cabinet.answers.clear()
    for wire in captured:
        town.cabinet.hear(wire)
    assert len(town.cabinet.moved) == 1
