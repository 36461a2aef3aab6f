"""The course of commands from request to receipt, on real store, real log and the real judge."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hub.dispatch.kit import (
    GLASS,
    NOW_MS,
    P1,
    P1B,
    P2,
    P3,
    READER,
    TRUSTED,
    Town,
    envelope,
    signature,
)

from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.request import Wish
from beffroi.hub.dispatch.trust import Trusted
from beffroi.ports.commands import State


def code(error: pytest.ExceptionInfo[DeniedError]) -> str:
    return error.value.denied.code


def test_class_a_goes_by_itself_and_ends_done(town: Town) -> None:
    row = town.ask(level=80)
    assert (row.klass, row.state) == ("A", State.READY)
    town.settle(1)
    assert town.row(row).state is State.DONE
    assert town.cabinet.moved == [("t-1", "dim", {"level_pct": 80})]
    kinds = [event.kind for event in town.store.commands.events(row.id)]
    assert kinds == ["requested", "approved", "sent", "did"]


def test_the_evidence_is_written_in_order_and_names_no_person(town: Town) -> None:
    row = town.sign(town.ask(level=30), P1, "account-of-camille")
    town.settle(1)
    mine = [e for e in town.entries() if e["subject"] == bytes.fromhex(row.digest)]
    assert [e["kind"] for e in mine] == [
        "command.requested",
        "command.signed",
        "command.approved",
        "command.sent",
    ]
    whole = repr(town.entries())
    assert "camille" not in whole
    assert "'p1'" not in whole  # as a value: random digests may hold the letters
    assert any(e["kind"] == "guard.receipt" for e in town.entries())


def test_class_b_waits_for_one_person(town: Town) -> None:
    row = town.ask(level=30)
    assert (row.klass, row.state) == ("B", State.AWAITING)
    town.settle(2)
    assert town.cabinet.moved == []
    lacks = town.dispatch.office.missing(row)
    assert lacks is not None
    assert (lacks.persons, lacks.persons_have, lacks.authority_missing) == (1, 0, True)
    assert [one.person for one in lacks.asked] == ["p1", "p2", "p3"]
    town.sign(row, P1)
    town.settle(1)
    assert town.row(row).state is State.DONE


def test_class_c_needs_two_persons_and_one_outside_these_pages(town: Town) -> None:
    row = town.ask(level=0)
    assert town.sign(row, P1).state is State.AWAITING
    lacks = town.dispatch.office.missing(town.row(row))
    assert lacks is not None
    assert (lacks.persons_have, lacks.independent_missing) == (1, True)
    assert town.sign(row, P3).state is State.AWAITING  # two persons, none independent
    assert town.sign(row, P2).state is State.READY
    town.settle(1)
    assert town.row(row).state is State.DONE


def test_an_alert_needs_two_organisations(town: Town) -> None:
    row = town.dispatch.office.request(Wish("t-1", "alert", {"text": "a"}), "u1")
    town.sign(row, P1)
    assert town.sign(row, P2).state is State.AWAITING
    assert town.sign(row, P3).state is State.READY


def test_the_authority_in_charge_must_be_among_them(town: Town) -> None:
    row = town.ask(level=30)
    assert town.sign(row, P3).state is State.AWAITING
    lacks = town.dispatch.office.missing(town.row(row))
    assert lacks is not None
    assert lacks.authority_missing
    assert lacks.asked[0].in_charge


def test_k14_one_person_does_not_count_twice_by_key_or_account(town: Town) -> None:
    row = town.ask(level=0)
    town.sign(row, P1, "account-1")
    with pytest.raises(DeniedError) as again:
        town.sign(row, P1, "account-2")
    assert code(again) == "same_person_twice"
    with pytest.raises(DeniedError) as second_key:
        town.sign(row, P1B, "account-2")
    assert code(second_key) == "same_person_twice"
    with pytest.raises(DeniedError) as another:
        town.dispatch.office.approve(row.id, signature(row, P2), "passkey", "account-1", "p1")
    assert code(another) == "another_person"
    assert town.row(row).state is State.AWAITING


def test_one_account_does_not_bring_two_passkeys(town: Town) -> None:
    row = town.ask(level=0)
    office = town.dispatch.office
    office.approve(row.id, signature(row, P1), "passkey", "account-1", "p1")
    with pytest.raises(DeniedError) as error:
        office.approve(row.id, signature(row, P2), "passkey", "account-1", "p2")
    assert code(error) == "same_account_twice"


def test_a_signature_for_other_bytes_or_by_a_stranger_does_not_count(town: Town) -> None:
    one, two = town.ask(level=30), town.ask("t-2", level=30)
    office = town.dispatch.office
    for wrong, reason in (
        (signature(two, P1), "bad_signature"),
        (signature(one, b"\x63" * 32), "unknown_key"),
        (signature(one, READER), "wrong_role"),
    ):
        with pytest.raises(DeniedError) as error:
            office.approve(one.id, wrong, "signer", "", None)
        assert code(error) == reason


def test_breaking_the_glass_is_loud(town: Town) -> None:
    row = town.ask(level=30)
    town.sign(row, GLASS)
    assert "break_glass" in town.rules()
    assert any(e["kind"] == "key.broken" for e in town.entries())
    assert all(one.person != "glass" for one in town.dispatch.office.preview(
        Wish("t-2", "dim", {"level_pct": 30})).missing.asked)  # fmt: skip
    town.settle(1)
    assert town.row(row).state is State.DONE


def test_outside_the_envelope_nobody_may(town: Town) -> None:
    for wish in (
        Wish("t-1", "dim", {"level_pct": 101}),
        Wish("t-1", "dim", {}),
        Wish("t-1", "explode", {}),
        Wish("t-9", "dim", {"level_pct": 80}),
        Wish("t-1", "dim", {"level_pct": "80"}),
    ):
        with pytest.raises(DeniedError):
            town.dispatch.office.request(wish, "u1")
    assert town.store.commands.commands() == []


def test_a_condition_that_does_not_hold_is_said_at_once(town: Town) -> None:
    town.cabinet.facts["flooded"] = 1
    town.cabinet.tell()
    town.hear()
    with pytest.raises(DeniedError) as error:
        town.ask(level=0)
    assert code(error) == "not_permitted_now"


def test_what_the_guard_refuses_ends_refused_with_its_reason(town: Town) -> None:
    row = town.sign(town.sign(town.ask(level=0), P1), P2)
    town.cabinet.facts["flooded"] = 1  # the hub does not know yet
    town.settle(1)
    done = town.row(row)
    assert (done.state, done.reason) == (State.REFUSED, "not_permitted_now")
    assert town.cabinet.moved == []


def test_equipment_that_does_not_do_it_ends_failed_with_an_alarm(town: Town) -> None:
    town.cabinet.broken = True
    row = town.ask()
    town.settle(1)
    assert town.row(row).state is State.FAILED
    assert "failed" in town.rules()


def test_a_lost_message_is_repeated_and_the_effect_is_one(town: Town) -> None:
    losses = iter([True, True, False])
    town.wire.lose = lambda topic: topic == "cmd" and next(losses, False)
    row = town.ask()
    town.settle(12)
    assert town.row(row).state is State.DONE
    assert len(town.cabinet.moved) == 1
    assert len(set(town.wire.commands())) == 1  # the same bytes each time


def test_a_lost_link_ends_unknown_and_a_late_receipt_corrects_it(town: Town) -> None:
    row = town.ask(lifetime_ms=60_000)
    town.turn()  # sent, done, and its receipt is kept back
    town.clock.ms += 60_000
    town.turn()
    assert town.row(row).state is State.SENT
    town.clock.ms += 61_000
    town.turn()
    assert town.row(row).state is State.UNKNOWN
    assert "unknown" in town.rules()
    town.hear()
    assert town.row(row).state is State.DONE


def test_nothing_is_sent_after_its_end(town: Town) -> None:
    row = town.ask(level=30, lifetime_ms=60_000)
    town.clock.ms += 61_000
    town.turn()
    assert town.row(row).state is State.EXPIRED
    with pytest.raises(DeniedError) as error:
        town.sign(row, P1)
    assert code(error) == "not_awaiting"
    assert town.wire.commands() == []


def test_cancelled_before_it_is_sent_and_never_after(town: Town) -> None:
    row = town.ask(level=30)
    assert town.dispatch.office.cancel(row.id, "u1").state is State.CANCELLED
    sent = town.ask("t-2")
    town.turn()
    with pytest.raises(DeniedError) as error:
        town.dispatch.office.cancel(sent.id, "u1")
    assert code(error) == "too_late"
    town.settle(2)
    assert [target for target, _, _ in town.cabinet.moved] == ["t-2"]


def test_a_guard_that_starts_again_makes_waiting_commands_void(town: Town) -> None:
    row = town.ask(level=30)
    town.cabinet.start_again()
    town.hear()
    town.turn()
    assert (town.row(row).state, town.row(row).reason) == (State.REFUSED, "other_start")
    town.settle(1)
    assert town.cabinet.moved == []


def test_rules_that_changed_make_waiting_commands_void(town: Town) -> None:
    row = town.ask(level=30)
    newer = {**TRUSTED.envelopes, "t-1": envelope("t-1", version=4)}
    town.trust.trusted = Trusted(TRUSTED.roster, newer)
    town.dispatch.book.look()
    with pytest.raises(DeniedError) as error:
        town.sign(row, P1)
    assert code(error) == "other_envelope"
    with pytest.raises(DeniedError) as behind:
        town.ask(level=30)
    assert code(behind) == "guard_behind"


def test_a_revoked_key_no_longer_counts_when_it_is_sent(town: Town) -> None:
    row = town.sign(town.ask(level=30), P1)
    left = tuple(m for m in TRUSTED.roster.members if m.person != "p1")
    town.trust.trusted = Trusted(replace(TRUSTED.roster, members=left), TRUSTED.envelopes)
    town.dispatch.book.look()
    town.turn()
    assert (town.row(row).state, town.row(row).reason) == (State.REFUSED, "too_few_persons")


def test_a_silent_guard_is_not_asked(town: Town) -> None:
    town.clock.ms += 100_000
    with pytest.raises(DeniedError) as error:
        town.ask()
    assert code(error) == "guard_silent"


def test_a_witnessed_command_waits_for_a_witness_and_then_expires(town: Town) -> None:
    row = town.dispatch.office.request(Wish("t-1", "seen", {"level_pct": 80}), "u1")
    town.sign(row, P1)
    town.settle(3)
    assert town.row(row).state is State.READY
    assert town.dispatch.sender.held[row.id].code in ("not_logged", "too_few_witnesses")
    town.clock.ms = town.row(row).expires_ms
    town.turn()
    done = town.row(row)
    assert (done.state, done.reason) == (State.EXPIRED, "too_few_witnesses")
    assert town.cabinet.moved == []


def test_a_fleet_changes_in_turns_and_the_safe_direction_is_never_held(town: Town) -> None:
    rows = []
    for target in ("t-1", "t-2", "t-3", "t-4"):
        rows.append(town.ask(target))
        town.clock.ms += 1
    town.settle(1)
    assert [town.row(row).state for row in rows] == [State.DONE] * 3 + [State.READY]
    assert town.dispatch.sender.held[rows[3].id].code == "fleet_limit"
    safe = town.dispatch.office.request(Wish("t-5", "on"), "u1")
    town.settle(1)
    assert town.row(safe).state is State.DONE
    town.clock.ms += 600_000
    town.cabinet.tell()
    town.hear()
    town.settle(1)
    assert town.row(rows[3]).state is State.DONE


def test_the_console_leaves_a_request_that_the_hub_takes_up(town: Town) -> None:
    from beffroi.hub.dispatch import lifecycle
    from beffroi.hub.dispatch.office import row_of
    from beffroi.kernel.command import read_command

    made = town.ask("t-2", level=30)
    command = replace(read_command(made.payload), id="by-console", target="t-1",
                      envelope=TRUSTED.envelopes["t-1"].digest)  # fmt: skip
    row = row_of(command, "lamps", "console", NOW_MS)
    town.store.commands.apply([lifecycle.born(row)])
    town.turn()
    assert town.row(row).state is State.AWAITING
    assert any(e["kind"] == "command.requested" and e["subject"] == command.digest
               for e in town.entries())  # fmt: skip
