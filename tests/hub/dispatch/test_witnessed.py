"""A command that must be seen by a neighbour: real log, real witness, the proof judged twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.hub.dispatch.kit import COMMUNE, LOG, P1, TRUSTED, Town

from beffroi.adapters.log.cosigners import Cosigners
from beffroi.adapters.log.peers import Direct, Peer
from beffroi.adapters.log.witness import Answer, Witness
from beffroi.api.evidence_views import summary
from beffroi.evidence.vkey import Vkey
from beffroi.evidence.witness import vouched
from beffroi.hub.dispatch.request import Wish
from beffroi.hub.dispatch.sender import Sender
from beffroi.hub.dispatch.trust import Trusted
from beffroi.hub.dossier.facts import LogState
from beffroi.hub.dossier.gather import Stores, log_state
from beffroi.kernel.dsse import unpack
from beffroi.kernel.keys import ED25519, public_of
from beffroi.kernel.note import Checkpoint
from beffroi.kernel.roster import Member
from beffroi.ports.commands import State
from beffroi.ports.log_store import WitnessError

NAME = "temoin.aubigny"


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[tuple[Town, Witness]]:
    town = Town(tmp_path)
    witness = Witness(tmp_path / "witness", NAME, lambda: town.clock.ms // 1000)
    witness.trust(Vkey(f"beffroi/{COMMUNE}", public_of(LOG)))
    member = Member(ED25519, witness.vkey.public, NAME, "aubigny", "witness")
    roster = replace(TRUSTED.roster, members=(*TRUSTED.roster.members, member))
    town.trust.trusted = town.cabinet.trusted = Trusted(roster, TRUSTED.envelopes)
    town.dispatch.book.look()
    yield town, witness
    witness.close()
    town.stop()


def test_it_leaves_with_the_proof_and_the_cosignature(seen: tuple[Town, Witness]) -> None:
    town, witness = seen
    assert town.log is not None
    cosigners = Cosigners(town.log, [Peer(witness.vkey, Direct(witness))])
    dispatch = town.dispatch
    dispatch.sender = Sender(dispatch.book, dispatch.office, cosigners)
    row = dispatch.office.request(Wish("t-1", "seen", {"level_pct": 80}), "u1")
    town.sign(row, P1)
    town.settle(1)
    assert town.row(row).state is State.DONE
    proof = unpack(town.wire.commands()[0]).logged
    assert proof is not None
    assert NAME.encode() in proof.checkpoint
    cosigners.close()


def test_without_the_witness_it_waits_and_is_never_sent(seen: tuple[Town, Witness]) -> None:
    town, _ = seen
    row = town.dispatch.office.request(Wish("t-1", "seen", {"level_pct": 80}), "u1")
    town.sign(row, P1)
    town.settle(2)
    assert town.row(row).state is State.READY
    assert town.wire.commands() == []


class Counted:
    """Real neighbours, or none that answers; remembers how much had left when they were asked."""

    def __init__(self, town: Town, cosigners: Cosigners | None) -> None:
        self._town, self._cosigners = town, cosigners
        self.had_left: list[int] = []

    def cosign(self, checkpoint: Checkpoint, need: int, timeout_s: float) -> Checkpoint:
        self.had_left.append(len(self._town.wire.commands()))
        if self._cosigners is None:
            raise WitnessError("nobody answers")
        return self._cosigners.cosign(checkpoint, need, timeout_s)


def test_one_question_for_all_and_nothing_else_waits_for_it(seen: tuple[Town, Witness]) -> None:
    town, witness = seen
    assert town.log is not None
    cosigners = Cosigners(town.log, [Peer(witness.vkey, Direct(witness))])
    asked, dispatch = Counted(town, cosigners), town.dispatch
    dispatch.sender = Sender(dispatch.book, dispatch.office, asked)
    rows = []
    for target in ("t-1", "t-2"):
        rows.append(dispatch.office.request(Wish(target, "seen", {"level_pct": 80}), "u1"))
        town.clock.ms += 1
    behind, other = town.ask("t-1", 40), town.ask("t-3", 40)
    for row in (*rows, behind, other):
        town.sign(row, P1)
    town.turn()
    sent = [unpack(wire).payload for wire in town.wire.commands()]
    # t-3 left before anybody was asked; of t-1 the older one went first, or it could never go
    assert sent == [other.payload, rows[0].payload, rows[1].payload, behind.payload]
    assert asked.had_left == [1]
    cosigners.close()


class Late:
    """A witness that lets another one answer first."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def ask(self, request: bytes, timeout_s: float) -> Answer:
        time.sleep(0.2)
        return self._witness.handle(request)


def test_a_witness_that_the_root_has_not_named_does_not_count(
    seen: tuple[Town, Witness], tmp_path: Path
) -> None:
    """It answers first: its word was taken for enough, and the command waited until it ended. The
    page and the diligence file told of it as of a witness."""
    town, witness = seen
    assert town.log is not None
    other = Witness(tmp_path / "other", "temoin.inconnu", lambda: town.clock.ms // 1000)
    other.trust(Vkey(f"beffroi/{COMMUNE}", public_of(LOG)))
    stranger = Peer(other.vkey, Direct(other))
    alone = Cosigners(town.log, [stranger])
    alone.cosign(town.log.checkpoint(), 1, 5)
    told = town.log.witnessed()
    roster = town.dispatch.book.trusted.roster
    assert told is not None
    assert vouched(told, roster) == {}
    hands = (
        town.store,
        town.store.registers,
        town.store.commands,
        None,
        town.log,
        town.clock,
        {},
        {},
    )
    stores = Stores(*hands, roster=roster.encoded)
    assert log_state(stores) == LogState(town.log.origin, told.size, told.root.hex(), 0)
    page: Any = SimpleNamespace(dispatch=town.dispatch)
    assert summary(page)["witnessed_size"] == 0
    both = Cosigners(town.log, [stranger, Peer(witness.vkey, Late(witness))])
    dispatch = town.dispatch
    dispatch.sender = Sender(dispatch.book, dispatch.office, both)
    row = dispatch.office.request(Wish("t-1", "seen", {"level_pct": 80}), "u1")
    town.sign(row, P1)
    town.settle(1)
    assert town.row(row).state is State.DONE
    told = town.log.witnessed()
    assert told is not None
    assert vouched(told, roster).keys() == {NAME}
    assert log_state(stores) is not None
    assert log_state(stores).witnesses == 1
    assert summary(page)["witnessed_size"] == told.size
    for one in (alone, both, other):
        one.close()


def test_neighbours_that_are_silent_are_asked_once_a_turn(seen: tuple[Town, Witness]) -> None:
    town, _ = seen
    asked, dispatch = Counted(town, None), town.dispatch
    dispatch.sender = Sender(dispatch.book, dispatch.office, asked)
    for target in ("t-1", "t-2"):
        row = dispatch.office.request(Wish(target, "seen", {"level_pct": 80}), "u1")
        town.sign(row, P1)
    town.turn()
    town.turn()
    assert asked.had_left == [0, 0]
    assert town.wire.commands() == []
