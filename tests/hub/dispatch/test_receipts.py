"""What guards say: believed when signed and chained, loud when not."""

from __future__ import annotations

from dataclasses import replace

from tests.hub.dispatch.kit import CAB, HUB, LIFE, P1, Cabinet, Town

from beffroi.kernel.dsse import RECEIPT, STATUS, Signed, pack, unpack
from beffroi.kernel.receipt import FALLBACK, TAMPERED, read_receipt
from beffroi.ports.commands import State
from beffroi.ports.downlink import Heard


def kinds(town: Town) -> list[str]:
    return [entry["kind"] for entry in town.entries()]


def drop(town: Town, count: int = 1) -> list[tuple[str, bytes]]:
    """The last receipts never arrive."""
    receipts = [one for one in town.cabinet.out if one[0] == "receipt"][-count:]
    for one in receipts:
        town.cabinet.out.remove(one)
    return receipts


def test_a_receipt_that_comes_twice_is_kept_and_told_once(town: Town) -> None:
    row = town.ask()
    town.turn()
    town.cabinet.hear(town.wire.commands()[0])
    town.cabinet.hear(town.wire.commands()[0])
    town.hear()
    assert len(town.cabinet.moved) == 1
    assert kinds(town).count("guard.receipt") == 1
    assert len(town.store.commands.receipts("g-1", 10)) == 1
    assert town.row(row).state is State.DONE
    assert town.rules() == set()


def test_a_missing_number_is_evidence_and_an_alarm(town: Town) -> None:
    town.cabinet._receipt(TAMPERED, "t-1")
    drop(town)
    town.ask()
    town.settle(1)
    gap = next(e for e in town.entries() if e["kind"] == "guard.gap")
    assert gap["refs"] == {"guard": "g-1", "first": 1, "last": 1}
    assert "receipt_gap" in town.rules()


def test_a_gap_at_the_end_is_found_by_what_the_status_counts(town: Town) -> None:
    town.cabinet._receipt(TAMPERED, "t-1")
    drop(town)
    town.cabinet.tell()
    town.hear()
    assert "receipt_gap" not in town.rules()  # it may still be on its way
    town.clock.ms += 61_000
    town.cabinet.tell()
    town.hear()
    assert "receipt_gap" in town.rules()


def test_one_of_a_gap_that_arrives_late_is_kept_without_alarm(town: Town) -> None:
    row = town.ask()
    town.turn()
    late = drop(town)
    second = town.ask("t-2")
    town.settle(1)
    assert "receipt_gap" in town.rules()
    town.found.clear()
    town.cabinet.out += late
    town.hear()
    assert town.row(row).state is State.DONE
    assert town.row(second).state is State.DONE
    assert town.rules() == set()
    town.ask("t-3")
    town.settle(1)
    assert town.rules() == set()  # the chain goes on from the newest


def test_a_memory_put_back_is_told(town: Town) -> None:
    town.ask()
    town.settle(1)
    town.ask("t-2")
    town.settle(1)
    old = town.cabinet
    town.cabinet.number, town.cabinet.previous = 1, bytes(32)  # an older image of its memory
    town.ask("t-3")
    town.settle(1)
    assert old is town.cabinet
    assert "receipt_odd" in town.rules()
    assert "guard.odd" in kinds(town)


def test_a_guard_that_speaks_for_another_is_told(town: Town) -> None:
    town.cabinet._receipt(TAMPERED, "t-1")
    wire = town.cabinet.out.pop()[1]
    assert town.dispatch.receipts.take([Heard("g-2", "receipt", wire, 0)]) == []
    assert "forged" in town.rules()
    assert "tampered" not in town.rules()
    assert town.store.commands.receipts("g-1", 9) == []


def test_m_hostile_bytes_as_receipt_or_status_change_nothing(town: Town) -> None:
    row = town.ask(level=30)
    town.cabinet._receipt(TAMPERED, "t-1")
    good = town.cabinet.out.pop()[1]
    receipt = read_receipt(unpack(good).payload)
    hostile = [
        b"",
        b"\x00" * 20_000,
        good[:-1],
        good + b"\0",
        bytes([good[0] ^ 1]) + good[1:],
        pack(Signed(RECEIPT, receipt.encoded()).by(P1)),
        pack(Signed(RECEIPT, receipt.encoded()).by(HUB)),
        pack(Signed(RECEIPT, receipt.encoded())),
        pack(Signed(RECEIPT, receipt.encoded()).by(CAB).by(CAB)),
        pack(Signed(STATUS, receipt.encoded()).by(CAB)),
        pack(Signed(RECEIPT, replace(receipt, guard="g-2").encoded()).by(CAB)),
        row.payload,
    ]
    for topic in ("receipt", "status"):
        for wire in hostile:
            assert town.dispatch.receipts.take([Heard("g-1", topic, wire, 0)]) == []
    assert town.dispatch.receipts.forged == 2 * len(hostile)
    assert town.store.commands.receipts("g-1", 9) == []
    assert town.row(row) == row
    assert town.rules() == {"forged"}


def test_a_receipt_of_a_command_that_we_never_sent_is_believed_and_told(town: Town) -> None:
    """The guard is nearer to the truth than our book: it was done, and somebody must look."""
    row = town.ask(level=30)
    town.dispatch.office.cancel(row.id, "u1")
    digest = bytes.fromhex(row.digest)
    town.cabinet._receipt("done", "t-1", digest)
    town.hear()
    assert town.row(row).state is State.DONE
    assert "receipt_odd" in town.rules()
    town.cabinet._receipt("done", "t-1", bytes(32))
    town.hear()
    odd = [e["refs"]["reason"] for e in town.entries() if e["kind"] == "guard.odd"]
    assert odd == ["not_sent", "unknown_command"]


def test_a_second_receipt_does_not_change_a_believed_one(town: Town) -> None:
    row = town.ask()
    town.settle(1)
    town.cabinet._receipt("failed", "t-1", bytes.fromhex(row.digest))
    town.hear()
    assert town.row(row).state is State.DONE
    assert "receipt_odd" in town.rules()


def test_fallback_tampering_and_a_start_are_alarms(town: Town) -> None:
    town.cabinet._receipt(FALLBACK, "", reason="no_lease")
    town.cabinet._receipt(TAMPERED, "t-2")
    town.cabinet.start_again()
    town.hear()
    assert {"fallback", "tampered", "started"} <= town.rules()
    town.cabinet.leased = False
    town.cabinet.tell()
    town.hear()
    town.found.clear()
    town.cabinet.leased = True
    town.cabinet.tell()
    town.hear()
    assert any(f.rule == "commands.fallback" and not f.active for f in town.found)


def test_statuses_survive_a_restart_of_the_hub(town: Town) -> None:
    town.restart()
    assert town.ask().state is State.READY
    town.clock.ms += LIFE
    town.restart()
    assert town.dispatch.book.mirror.connected("g-1", town.clock.ms) is False


def test_an_older_status_does_not_replace_a_newer_one(town: Town) -> None:
    town.cabinet.tell()
    old = list(town.cabinet.out)
    town.cabinet.out.clear()
    town.clock.ms += 5_000
    town.cabinet.facts["flooded"] = 1
    town.cabinet.tell()
    town.hear()
    town.cabinet.out += old
    town.hear()
    seen = town.dispatch.book.mirror.target("g-1", "t-1")
    assert seen is not None
    assert seen.status.facts["flooded"] == 1


def test_without_log_nothing_is_acknowledged_and_nothing_is_sent(town: Town) -> None:
    row = town.ask()
    assert town.log is not None
    real = town.log.append

    def full(drafts: object) -> list[object]:
        raise OSError("no space left")

    town.log.append = full  # type: ignore[assignment,method-assign]
    town.turn()
    assert town.row(row).state is State.READY
    assert town.wire.commands() == []
    assert "no_log" in town.rules()
    town.log.append = real  # type: ignore[method-assign]
    town.settle(1)
    assert town.row(row).state is State.DONE
    assert any(f.rule == "commands.no_log" and not f.active for f in town.found)


def test_two_guards_have_two_chains(town: Town) -> None:
    other = Cabinet(town.clock, "g-1")
    other._receipt(TAMPERED, "t-1")
    town.cabinet._receipt(TAMPERED, "t-1")
    town.hear()
    take = town.dispatch.receipts.take
    take([Heard("g-1", "receipt", other.out[0][1], 0)])  # the very same bytes: known
    assert "receipt_odd" not in town.rules()
