"""Conversations with a guard: what comes in, what goes out, and nothing else."""

from __future__ import annotations

import pytest
from tests.guard.kit import GUARD, HUB_KEY, P1_KEY, P2_KEY, ROSTER, Rig, revoked

from beffroi.guard.trust import Trusted
from beffroi.kernel.keys import sha256


def test_a_first_start_says_so_and_goes_to_its_safe_state(tmp_path):
    rig = Rig(tmp_path)
    assert rig.hub.take() == [
        ("started", "", "first"),
        ("fallback", "lamp-1", "start"),
        ("fallback", "lamp-2", "start"),
    ]
    assert rig.acts() == ["fall_back"]
    assert {s.target for s in rig.hub.statuses} == {"lamp-1", "lamp-2"}


def test_a_command_is_done_when_it_is_shown(rig):
    command = rig.command()
    rig.send(command)
    assert rig.level() == 50
    (receipt,) = rig.hub.receipts
    assert receipt.outcome == "done"
    assert receipt.digest == command.digest
    assert receipt.readback["level_pct"] == 50
    assert rig.hub.statuses[-1].counter == 1


def test_receipts_are_numbered_and_chained(rig):
    for level in (50, 60, 20):
        rig.send(params={"level_pct": level})
    rig.worker.command(b"rubbish")
    numbers = [one.number for one in rig.hub.all]
    assert numbers == list(range(1, len(numbers) + 1))
    for before, after in zip(rig.hub.all, rig.hub.all[1:], strict=False):
        assert after.previous == before.hash
    assert rig.hub.all[0].previous == bytes(32)


def test_the_same_bytes_get_the_same_receipt_and_no_second_effect(rig):
    wire = rig.send()
    first = rig.hub.wires[-1]
    for _ in range(3):
        rig.worker.command(wire)
    assert rig.hub.wires[-3:] == [first] * 3
    assert rig.acts().count("dim") == 1


def test_the_same_command_packed_anew_gets_its_receipt_too(rig):
    command = rig.command()
    rig.send(command)
    first = rig.hub.wires[-1]
    rig.send(command, keys=(P1_KEY, HUB_KEY))
    assert rig.hub.wires[-1] == first
    assert rig.acts().count("dim") == 1


def test_an_attacker_who_knows_a_command_cannot_ask_for_its_receipt(rig):
    command = rig.command()
    rig.send(command)
    rig.hub.take()
    rig.send(command, keys=(bytes([9]) * 32, P1_KEY))
    assert rig.hub.take() == [("refused", "lamp-1", "unknown_key")]


def test_a_refused_command_may_be_sent_again_with_more_signatures(rig):
    command = rig.command(klass="C", params={"level_pct": 10})
    rig.send(command)
    rig.send(command, keys=(HUB_KEY, P1_KEY, P2_KEY))
    assert [o for o, _, _ in rig.hub.take()] == ["refused", "done"]


def test_two_neighbours_are_never_dark(rig):
    dark = {"klass": "C", "params": {"level_pct": 0}}
    rig.send(rig.command("lamp-1", **dark), keys=(HUB_KEY, P1_KEY, P2_KEY))
    rig.send(rig.command("lamp-2", **dark), keys=(HUB_KEY, P1_KEY, P2_KEY))
    assert rig.hub.take() == [
        ("done", "lamp-1", ""),
        ("refused", "lamp-2", "not_permitted_now"),
    ]
    assert rig.level("lamp-2") == 100


def test_silence_falls_back_once_and_the_hub_alone_does_not_undo_it(rig):
    rig.send()
    rig.wait(20_000)
    rig.hub.take()
    rig.wait(60_000)
    assert rig.hub.take() == [
        ("fallback", "lamp-1", "lease_lost"),
        ("fallback", "lamp-2", "lease_lost"),
    ]
    rig.lease()
    rig.wait(5_000)
    assert rig.level() == 100
    rig.send()
    assert rig.hub.take() == [("done", "lamp-1", "")]


def test_without_a_lease_only_the_safe_direction_is_left(rig):
    rig.wait(31_000)
    rig.hub.take()
    rig.send()
    rig.send(klass="A", action="on", params={}, keys=(HUB_KEY,))
    assert rig.hub.take() == [("refused", "lamp-1", "no_lease"), ("done", "lamp-1", "")]


@pytest.mark.parametrize(
    "wrong",
    [{"number": 1}, {"guard": "other"}, {"commune": "other"}, {"nonce": bytes(16)}],
    ids=["again", "guard", "commune", "start"],
)
def test_a_lease_that_is_not_a_new_one_for_me_does_not_count(rig, wrong):
    rig.wait(25_000)
    rig.lease(**wrong)
    rig.wait(6_000)
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()


def test_equipment_that_does_not_obey_is_failed_and_falls_back(rig):
    rig.drivers["lamp-1"].fault(deaf=True)
    rig.drivers["lamp-1"].write({"level_pct": 70})
    rig.send()
    rig.wait(6_000)
    got = rig.hub.take()
    assert got[:2] == [("failed", "lamp-1", "not_shown"), ("fallback", "lamp-1", "failed")]
    (failed,) = [one for one in rig.hub.all if one.outcome == "failed"]
    assert failed.readback["level_pct"] == 70
    assert "expected 50" in failed.detail


def test_equipment_that_obeys_late_is_done_when_it_does(rig):
    rig.drivers["lamp-1"].fault(late=5)
    rig.send()
    assert rig.hub.take() == []
    rig.wait(4_000)
    assert rig.hub.take() == [("done", "lamp-1", "")]


def test_equipment_that_shows_something_else_is_failed(rig):
    rig.drivers["lamp-1"].fault(shows={"level_pct": 99})
    rig.send()
    rig.wait(6_000)
    assert rig.hub.take()[0] == ("failed", "lamp-1", "not_shown")


def test_equipment_that_does_not_answer_is_failed_and_its_fallback_tried_until_it_does(rig):
    rig.drivers["lamp-1"].fault(mute=True)
    rig.send()
    assert rig.hub.take() == [
        ("failed", "lamp-1", "not_told"),
        ("failed", "lamp-1", "fallback_failed"),
    ]
    rig.wait(40_000, lease=True)
    assert all(reason in ("silent",) for _, _, reason in rig.hub.take())
    rig.drivers["lamp-1"].fault()
    rig.wait(11_000, lease=True)
    assert rig.hub.take() == [("fallback", "lamp-1", "failed")]


def test_a_foreign_hand_is_noticed_and_undone(rig):
    rig.send()
    rig.hub.take()
    rig.drivers["lamp-1"].write({"level_pct": 0})
    rig.wait(5_000)
    assert rig.hub.take() == [("tampered", "lamp-1", "changed"), ("fallback", "lamp-1", "tampered")]
    assert rig.level() == 100
    tampered = next(one for one in rig.hub.all if one.outcome == "tampered")
    assert tampered.readback["level_pct"] == 0
    assert tampered.detail == "level_pct is 0, expected 50"


def test_a_foreign_hand_on_the_safe_state_is_noticed_too(rig):
    rig.wait(10_000)
    rig.drivers["lamp-1"].write({"level_pct": 0})
    rig.wait(5_000)
    assert ("tampered", "lamp-1", "changed") in rig.hub.take()
    assert rig.level() == 100


def test_a_hand_that_does_not_stop_is_undone_each_time_with_few_receipts(rig):
    rig.wait(10_000, lease=True)
    rig.hub.take()
    for _ in range(100):
        rig.drivers["lamp-1"].write({"level_pct": 0})
        rig.wait(1_000, lease=True)
    got = rig.hub.take()
    assert 2 <= got.count(("tampered", "lamp-1", "changed")) <= 11
    assert rig.acts().count("fall_back") > 11


def test_one_odd_reading_is_a_glitch(rig):
    rig.send()
    rig.hub.take()
    lamp = rig.drivers["lamp-1"]
    lamp.fault(shows={"level_pct": 51})
    rig.core.posts["lamp-1"].next_look_mono_ms = 0
    rig.worker.tick()
    lamp.fault()
    rig.wait(10_000)
    assert rig.hub.take() == []


def test_a_newer_command_takes_the_place_of_one_that_is_not_shown_yet(rig):
    rig.drivers["lamp-1"].fault(deaf=True)
    rig.send()
    rig.drivers["lamp-1"].fault()
    rig.send(klass="A", action="on", params={}, keys=(HUB_KEY,))
    assert rig.hub.take() == [("failed", "lamp-1", "superseded"), ("done", "lamp-1", "")]


def test_a_revoked_hub_key_ends_the_lease_and_a_revoked_person_signs_no_more(rig):
    rig.send()
    rig.hub.take()
    rig.worker.run(rig.core.trusted(revoked("p1"), rig.envelopes, rig.clock()))
    rig.send()
    assert rig.hub.take() == [("refused", "lamp-1", "unknown_key")]
    rig.worker.run(rig.core.trusted(revoked("hub"), rig.envelopes, rig.clock()))
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()


def test_envelopes_of_others_are_not_ours(rig):
    theirs = {"lamp-1": rig.envelopes["lamp-2"], "lamp-9": rig.envelopes["lamp-2"]}
    rig.worker.run(rig.core.trusted(ROSTER, theirs, rig.clock()))
    rig.send()
    assert rig.hub.take() == [("refused", "lamp-1", "unknown_target")]


def test_documents_that_the_root_did_not_sign_change_nothing(rig):
    rig.worker.trust(b"\xa1\x65files\xa0")
    rig.worker.trust(b"rubbish")
    assert rig.hub.take() == [("refused", "", "trust")] * 2
    rig.send()
    assert rig.hub.take() == [("done", "lamp-1", "")]


def test_a_guard_without_documents_does_nothing(tmp_path):
    rig = Rig(tmp_path, trusted=Trusted(revoked("hub"), {}))
    rig.hub.take()
    rig.lease()
    rig.send()
    assert rig.hub.take() == [("refused", "lamp-1", "unknown_target")]


def test_an_expired_roster_ends_leases_and_commands(rig):
    rig.clock.sleep(86_400_000 - 1_000)
    rig.worker.tick()
    rig.hub.take()
    rig.clock.sleep(1_000)
    rig.lease()
    rig.send()
    rig.send(klass="A", action="on", params={}, keys=(HUB_KEY,))
    assert {reason for _, _, reason in rig.hub.take()} == {"roster_expired"}


def test_a_flood_of_rubbish_costs_few_receipts_and_no_command(rig):
    for n in range(500):
        rig.worker.command(b"rubbish %d" % n)
    assert 30 <= len(rig.hub.take()) <= 31
    rig.send()
    assert rig.hub.take() == [("done", "lamp-1", "")]
    rig.wait(1_000)
    rig.worker.command(b"more")
    assert "470 more" in rig.hub.receipts[-1].detail


def test_a_status_says_what_the_next_command_needs(rig):
    rig.send()
    status = rig.hub.statuses[-1]
    assert (status.guard, status.target, status.nonce) == (GUARD, "lamp-1", rig.nonce)
    assert status.envelope == rig.envelopes["lamp-1"].digest
    assert (status.epoch, status.counter, status.leased) == (0, 1, 1)
    assert status.roster_version == ROSTER.version
    assert status.facts["level_pct"] == 50
    assert set(status.facts) >= {"local_minute", "weekday", "sun_mdeg", "night", "adjacent_dark"}


def test_statuses_come_by_themselves(rig):
    rig.hub.statuses.clear()
    rig.wait(95_000, lease=True)
    assert 3 <= sum(s.target == "lamp-1" for s in rig.hub.statuses) <= 5


def test_a_receipt_names_the_command_even_when_it_is_refused(rig):
    command = rig.command(params={"level_pct": 101})
    rig.send(command)
    (receipt,) = rig.hub.receipts
    assert (receipt.reason, receipt.digest) == ("outside_envelope", command.digest)
    assert receipt.digest == sha256(command.encoded())


def test_a_lease_counts_from_when_it_came_not_from_when_it_was_read(rig):
    came = rig.clock()
    rig.clock.sleep(20_000)
    rig.lease()
    rig.core._tenure.lost()
    rig.leases += 1
    lease = rig.lease_wire()
    rig.worker.lease(lease, came)
    rig.wait(11_000)
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()


def test_mute_equipment_is_asked_seldom_whatever_is_asked_of_it(rig):
    lamp, asked = rig.drivers["lamp-1"], []
    real = lamp.read
    lamp.read = lambda: (asked.append(1), real())[1]
    lamp.fault(mute=True)
    for _ in range(100):
        rig.worker.command(rig.wire(keys=(HUB_KEY,)))
    assert len(asked) <= 1
    rig.wait(300_000, step_ms=500, lease=True)
    assert len(asked) < 30


def test_the_same_bytes_while_it_is_not_shown_yet_wait_for_the_same_receipt(rig):
    rig.drivers["lamp-1"].fault(late=5)
    wire = rig.send()
    rig.worker.command(wire)
    assert rig.hub.take() == []
    rig.wait(4_000)
    assert rig.hub.take() == [("done", "lamp-1", "")]
    assert rig.acts().count("dim") == 1


def test_leases_of_an_expired_roster_do_not_keep_it_from_falling_back(rig):
    rig.clock.sleep(86_400_000 - 1_000)
    rig.lease()
    rig.hub.take()
    rig.wait(60_000, step_ms=500, lease=True)
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()
