"""Power cuts: what is on the disk, what is not, and what the next start makes of it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.guard.kit import GUARD_KEY, HUB_KEY, WIRING, Rig

from beffroi.guard import ledger as ledger_module
from beffroi.guard import store as store_module
from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.effects import Act, Keep, Persist
from beffroi.guard.store import BusyError, Store, StoreError


class PowerCutError(Exception):
    """The end of the process, in a test."""


def cut(rig: Rig, before: int) -> list[str]:
    """Send one command and pull the plug before its nth effect. What was done until then."""
    done = []
    real = rig.worker._do

    def do(effect):
        if len(done) == before:
            raise PowerCutError
        done.append(type(effect).__name__)
        return real(effect)

    rig.worker._do = do
    with suppress(PowerCutError):
        rig.send(params={"level_pct": 40})
    return done


@pytest.mark.parametrize("before", range(7))
def test_cut_at_every_step_a_command_acts_at_most_once_and_ends_in_a_receipt(tmp_path, before):
    rig = Rig(tmp_path)
    rig.lease()
    wire = rig.wire(rig.command(params={"level_pct": 40}))
    rig.counter -= 1
    done = cut(rig, before)
    again = rig.again()
    again.lease()
    again.hub.take()
    again.worker.command(wire)
    again.wait(6_000)
    dims = rig.acts().count("dim")
    assert dims == ("Act" in done)
    (outcome, _, reason) = again.hub.take()[0]
    if "Keep" in done:
        assert outcome == "done"
    elif "Persist" in done:
        assert (outcome, reason) == ("failed", "interrupted")
    else:
        assert (outcome, reason) == ("refused", "other_start")
    numbers = [one.number for one in (*rig.hub.all, *again.hub.all)]
    assert set(numbers) == set(range(1, max(numbers) + 1))
    again.store.close()


def test_the_counter_is_durable_before_it_acts(rig):
    order = []
    real = rig.worker._do
    rig.worker._do = lambda effect: (order.append(type(effect)), real(effect))[1]
    rig.send()
    order = [one for one in order if one in (Persist, Act, Keep)]
    assert order == [Persist, Act, Keep]
    assert rig.store.load().record.state.of("lamp-1").counter == 1


def test_after_a_restart_it_goes_on_where_it_was(rig):
    wire = rig.send()
    first = rig.hub.wires[-1]
    again = rig.again()
    assert again.hub.take() == [("started", "", "restart")]  # the lamp stands as commanded
    again.worker.command(wire)
    assert again.hub.wires[-1] == first
    assert again.core._state.of("lamp-1").counter == 1
    assert again.hub.all[0].previous == rig.hub.all[-1].hash
    again.wait(31_000)
    assert ("fallback", "lamp-1", "start") in again.hub.take()
    again.store.close()


def test_a_restart_with_a_lease_in_time_changes_nothing_in_the_street(rig):
    rig.send()
    again = rig.again()
    again.lease()
    again.wait(60_000, lease=True)
    assert again.level() == 50
    assert again.hub.take() == [("started", "", "restart")]
    again.store.close()


def test_what_was_moved_while_it_was_off_is_tampered(rig):
    rig.send()
    rig.drivers["lamp-1"].write({"level_pct": 0})
    again = rig.again()
    assert again.hub.take() == [
        ("started", "", "restart"),
        ("tampered", "lamp-1", "while_off"),
        ("fallback", "lamp-1", "start"),
    ]
    again.store.close()


def test_a_restored_image_accepts_nothing_of_before(rig, tmp_path):
    """K6."""
    image = tmp_path.parent / f"{tmp_path.name}-image"
    shutil.copytree(tmp_path, image)
    wires = [rig.send(params={"level_pct": level}) for level in (40, 60)]
    rig.store.close()
    shutil.rmtree(tmp_path)
    shutil.copytree(image, tmp_path)
    again = rig.again()
    again.lease()
    again.hub.take()
    before = rig.acts().count("dim")
    for wire in wires:
        again.worker.command(wire)
    assert again.hub.take() == [("refused", "lamp-1", "other_start")] * 2
    assert rig.acts().count("dim") == before
    again.store.close()


@pytest.mark.parametrize("name", ["record.cbor", "receipts.log"])
@pytest.mark.parametrize("how", ["gone", "cut", "flipped", "empty"])
def test_a_damaged_memory_is_said_and_replays_nothing(rig, tmp_path, name, how):
    wires = [rig.send(params={"level_pct": level}) for level in (40, 60)]
    path = tmp_path / name
    data = path.read_bytes()
    half = len(data) // 2
    spoilt = {
        "cut": data[:half],
        "flipped": data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :],
        "empty": b"",
    }
    path.unlink() if how == "gone" else path.write_bytes(spoilt[how])
    again = rig.again()
    started = next(one for one in again.hub.all if one.outcome == "started")
    assert started.reason == (
        "memory_lost" if (name, how) != ("receipts.log", "cut") else "restart"
    )
    again.lease()
    for wire in wires:
        again.worker.command(wire)
    assert rig.acts().count("dim") == 2
    again.store.close()


def test_a_torn_last_receipt_is_no_damage(rig, tmp_path):
    rig.send()
    log = tmp_path / "receipts.log"
    log.write_bytes(log.read_bytes() + b"\x00\x00\x01\x00torn")
    again = rig.again()
    assert again.hub.take()[0] == ("started", "", "restart")
    assert again.hub.all[0].number == rig.hub.all[-1].number + 1
    again.store.close()


def test_a_disk_that_fails_before_acting_means_no_act(rig, monkeypatch):
    def broken(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store_module.os, "fsync", broken)
    with pytest.raises(StoreError):
        rig.send()
    assert "dim" not in rig.acts()


def test_a_disk_that_fails_after_acting_means_no_receipt_and_an_honest_end(rig, monkeypatch):
    real = rig.store.keep

    def broken(kept, sent):
        raise StoreError("no space left")

    monkeypatch.setattr(rig.store, "keep", broken)
    wire = rig.wire()
    with pytest.raises(StoreError):
        rig.worker.command(wire)
    monkeypatch.setattr(rig.store, "keep", real)
    again = rig.again()
    assert ("failed", "lamp-1", "interrupted") in again.hub.take()
    again.worker.command(wire)
    assert rig.acts().count("dim") == 1
    again.store.close()


def test_two_guards_on_one_memory_are_refused(rig, tmp_path):
    with pytest.raises(BusyError, match="another guard"):
        Store(tmp_path)


def test_the_key_is_made_once_and_is_private(tmp_path):
    store = Store(tmp_path)
    key = store.key()
    assert store.key() == key
    assert (tmp_path / "receipt.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "receipt.key").write_bytes(b"short")
    with pytest.raises(StoreError, match="damaged"):
        store.key()
    store.close()


def test_the_log_stays_small_and_keeps_what_may_be_asked(rig, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "RECEIPTS_FILE_BYTES_MAX", 20_000)
    monkeypatch.setattr(store_module, "ANSWERS_MAX", 20)
    monkeypatch.setattr(ledger_module, "ANSWERS_MAX", 20)
    wire = rig.send()
    first = rig.hub.wires[-1]
    rig.send(params={"level_pct": 60})
    for _ in range(100):
        rig.clock.sleep(1_000)
        rig.lease()
        rig.worker.command(b"rubbish %d" % rig.clock.mono_ms)
    assert (tmp_path / "receipts.log").stat().st_size < 40_000
    again = rig.again()
    again.worker.command(wire)
    assert first in again.hub.wires
    again.store.close()


def test_receipts_that_did_not_reach_the_broker_are_sent_after_the_restart(rig):
    rig.hub.queue.pump = lambda offer: None  # no link
    rig.send()
    rig.worker.command(b"rubbish")
    assert rig.hub.take() == []
    again = rig.again()
    again.hub.queue.pump(again.hub._offer)
    got = again.hub.take()
    assert ("done", "lamp-1", "") in got
    assert ("refused", "", "unreadable") in got
    again.store.close()


def test_a_target_that_is_wired_no_more_leaves_no_command_without_a_receipt(tmp_path):
    rig = Rig(tmp_path, drivers={"lamp-1": Simulated(WIRING), "lamp-2": Simulated(WIRING)})
    rig.lease()
    cut(rig, 3)
    rig.store.close()
    alone = {"lamp-2": rig.drivers["lamp-2"]}
    again = Rig(tmp_path, rig.clock, alone, rig.trust.last, wire_only=("lamp-2",))
    assert ("failed", "lamp-1", "interrupted") in again.hub.take()
    again.store.close()


def test_the_safe_direction_needs_no_lease_after_a_restart(rig):
    again = rig.again()
    again.hub.take()
    again.send(again.command(counter=1, klass="A", action="on", params={}), keys=(HUB_KEY,))
    assert again.hub.take() == [("done", "lamp-1", "")]
    assert replace(again.memory.record, boots=0) == replace(again.memory.record, boots=0)
    assert GUARD_KEY not in (again.folder / "record.cbor").read_bytes()
    again.store.close()
