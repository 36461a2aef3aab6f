"""Trust and judge together: who is out, and until when (cases K10 and K14)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.guard.trust_kit import COMMUNE, GUARD, Town, member

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.guard.trust import TrustError
from beffroi.kernel.command import Command
from beffroi.kernel.decide import decide
from beffroi.kernel.dsse import COMMAND, Signed, pack
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.situation import Situation
from beffroi.kernel.state import State
from beffroi.kernel.verdict import Accepted, Reason, Refused

NONCE = b"n" * 16


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def judged(town, *numbers, klass="B", level_pct=50):
    """What the guard, with what it believes now, says of a command signed by these keys."""
    trusted = town.guard.current()
    rules = trusted.envelopes["lamp-1"]
    command = Command(
        "c1",
        COMMUNE,
        GUARD,
        "lamp-1",
        klass,
        "dim",
        NONCE,
        0,
        1,
        town.now_ms - 1_000,
        town.now_ms + 60_000,
        rules.digest,
        {"level_pct": level_pct},
    )
    signed = Signed(COMMAND, command.encoded())
    for seed in (online.seed(town.home, "hub"), *(bytes([n]) * 32 for n in numbers)):
        signed = signed.plus(SeedSigner(seed).sign(signed.pae))
    known = Situation(
        commune=COMMUNE,
        guard=GUARD,
        origin=f"beffroi/{COMMUNE}",
        nonce=NONCE,
        roster=trusted.roster,
        envelopes=trusted.envelopes,
        state=State(),
        now_ms=town.now_ms,
        lease_until_ms=town.now_ms + 30_000,
    )
    verdict = decide(pack(signed), known)
    return verdict.reason if isinstance(verdict, Refused) else type(verdict)


def test_k10_a_revoked_operator_is_refused_at_once_by_a_guard_that_hears_of_it(town):
    town.take()
    assert judged(town, 11) is Accepted
    town.change(ceremony.revoke("p1"))
    town.publish()
    town.take()
    assert judged(town, 11) is Reason.UNKNOWN_KEY


def test_k10_a_guard_that_hears_nothing_refuses_everybody_after_a_day(town):
    """Offline, it cannot know who was revoked: so it stops obeying anybody at all."""
    town.take()
    town.change(ceremony.revoke("p1"))
    town.publish()
    town.now_ms += DAY_MS - 1_000
    assert judged(town, 11) is Accepted  # the window that docs/trust.md states
    town.now_ms += 1_000
    assert judged(town, 11) is Reason.ROSTER_EXPIRED


def test_k10_a_hub_that_withholds_the_revocation_can_do_so_until_the_documents_end(town):
    """It holds the freshness key. What bounds it is the end that the holders signed offline."""
    town.take()
    town.change(ceremony.revoke("p1"))  # signed, but this hub does not pass it on
    last_ms = town.guard.current().roster.expires_ms
    for _ in range(35):
        town.later(3 * DAY_MS)
        try:
            last_ms = town.take().roster.expires_ms
        except TrustError:
            break
    assert last_ms <= online.current(town.home)[0].expires_ms
    assert judged(town, 11) is Reason.ROSTER_EXPIRED


def test_k14_two_keys_of_one_person_are_one_person(town):
    town.change(ceremony.add_member(replace(member("p1", 12), independent=False)))
    town.publish()
    town.take()
    assert judged(town, 11, 12, klass="C") is Reason.SAME_PERSON_TWICE


def test_k14_a_person_cannot_be_entered_twice_by_other_capitals(town):
    with pytest.raises(ValueError, match="capitals"):
        town.change(ceremony.add_member(member("P1", 12)))


def test_k1_without_a_person_nothing_of_class_b(town):
    town.take()
    assert judged(town) is Reason.TOO_FEW_PERSONS


def test_the_documents_name_the_command_they_were_written_for(town):
    """A command for the envelope of yesterday is refused with that reason, not obeyed."""
    town.take()
    assert judged(town, 11, level_pct=5) is Reason.OUTSIDE_ENVELOPE
