"""The log on real files: what was acknowledged is there, whatever happens to the disk."""

from __future__ import annotations

import shutil
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.adapters.log.faulty import LOST, WRITTEN, FaultyDisk, faulty_log
from tests.evidence.kit import mth

from beffroi.adapters.log import Log
from beffroi.adapters.log.fsck import fsck
from beffroi.adapters.log.publish import publish
from beffroi.adapters.log.reading import Reader
from beffroi.evidence.entry import Draft, EntryError, read_entry, seal
from beffroi.evidence.merkle import check_consistency, check_inclusion
from beffroi.evidence.tile import read_path, split_bundle
from beffroi.kernel.keys import public_of, sha256
from beffroi.kernel.note import Checkpoint
from beffroi.ports.log_store import LogError, Placed


def drafts(count: int, first: int = 0) -> list[Draft]:
    return [
        Draft("alarm.raised", i, sha256(b"%d" % i), {"count": i}, b"payload %d" % i * (i % 8 == 0))
        for i in range(first, first + count)
    ]


def check(log: Log | Reader, placed: Sequence[Placed], since: Checkpoint | None = None) -> None:
    """Each is where it was said to be, provably, with its payload; and history only grew."""
    now = log.checkpoint()
    for one in placed:
        proof = log.prove(one.index)
        assert proof.entry == one.entry
        check_inclusion(one.entry, one.index, now.size, proof.path, now.root)
        sealed, held = read_entry(one.entry).sealed, log.payload(one.index)
        assert (seal(*held) if held else b"") == sealed
    if since is not None:
        path = log.consistency(since.size, now.size)
        check_consistency(since.size, since.root, now.size, now.root, path)


def test_entries_are_proven_and_kept(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    placed = [one for count in (1, 5, 250, 1, 300, 2) for one in log.append(drafts(count))]
    assert [one.index for one in placed] == list(range(559))
    assert log.checkpoint().size == 559
    assert log.checkpoint().root == mth([one.entry for one in placed])
    assert log.checkpoint().signed_by("beffroi/aubigny", log.vkey.public)
    check(log, placed)
    before = log.checkpoint()
    log.close()
    again = Log(tmp_path, "aubigny")
    assert again.checkpoint() == before
    placed += again.append(drafts(3))
    check(again, placed, before)
    for index in (0, 255, 256, 558):  # in the tree as it was, too
        proof = again.prove(index, before)
        check_inclusion(proof.entry, index, before.size, proof.path, before.root)
    again.close()
    assert fsck(tmp_path).sound


def test_a_large_batch_fills_tiles_of_two_levels(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    entries = [one.entry for one in log.append([Draft("a.b", i) for i in range(66_000)])]
    assert log.checkpoint().root == mth(entries)
    now = log.checkpoint()
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        check_inclusion(entries[index], index, now.size, log.prove(index).path, now.root)
    log.close()
    again = Log(tmp_path, "aubigny")
    assert again.checkpoint() == now
    check_inclusion(entries[65_537], 65_537, now.size, again.prove(65_537).path, now.root)
    again.close()
    checked = fsck(tmp_path)
    assert checked.sound
    assert checked.size == 66_000


def test_several_threads_share_commits(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    placed: list[Placed] = []

    def write(first: int) -> None:
        for i in range(20):
            placed.extend(log.append(drafts(2, first + 2 * i)))

    threads = [threading.Thread(target=write, args=(1_000 * n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.index for one in placed) == list(range(320))
    check(log, placed)
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.append(drafts(1))
    with pytest.raises(LogError, match="cannot be used"):
        log.payload(0)


def test_there_is_one_writer_and_any_readers(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    placed = log.append(drafts(300))
    with pytest.raises(LogError, match="one writer"):
        Log(tmp_path, "aubigny")
    reader = Reader(tmp_path)
    check(reader, placed)
    log.append(drafts(300))
    check(reader, placed)
    reader.close()
    log.close()


def test_readers_and_fsck_beside_a_busy_writer(tmp_path: Path) -> None:
    """Nothing that happens between two reads of theirs looks like damage."""
    log = Log(tmp_path, "aubigny")
    log.append(drafts(1))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            log.append(drafts(37))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(12):
            checked = fsck(tmp_path)
            assert checked.sound, checked.findings
            reader = Reader(tmp_path)
            last = reader.checkpoint().size - 1
            proof = reader.prove(last)
            now = reader.checkpoint()
            check_inclusion(proof.entry, last, now.size, proof.path, now.root)
            reader.close()
    finally:
        stop.set()
        thread.join()
    log.close()


def test_one_unlawful_draft_and_nothing_is_recorded(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    with pytest.raises(EntryError):
        log.append([*drafts(2), Draft("a.b", 1, refs={"person": "p1"})])
    assert log.checkpoint().size == 0
    assert log.append([]) == []
    log.close()


def test_secrets_are_for_their_owner(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence", "aubigny")
    log.append(drafts(300))
    log.close()
    for path in (tmp_path / "evidence").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.name in ("log.key", "payloads.sqlite", "lock"):
            assert mode == 0o600, path
        if path.is_dir():
            assert mode & 0o077 == 0, path
    (tmp_path / "evidence" / "log.key").chmod(0o644)
    with pytest.raises(LogError, match="read by others"):
        Log(tmp_path / "evidence", "aubigny")


def test_a_lost_key_is_not_made_again(tmp_path: Path) -> None:
    Log(tmp_path, "aubigny").close()
    (tmp_path / "log.key").unlink()
    with pytest.raises(LogError, match="cannot be read"):
        Log(tmp_path, "aubigny")


def test_the_key_may_be_changed_and_the_log_goes_on(tmp_path: Path) -> None:
    first, second = b"1" * 32, b"2" * 32
    log = Log(tmp_path, "aubigny", seed=first)
    placed = log.append(drafts(3))
    log.close()
    log = Log(tmp_path, "aubigny", seed=second)
    assert log.vkey.public == public_of(second)
    assert log.checkpoint().signed_by(log.origin, public_of(second))
    check(log, placed)
    log.close()
    assert fsck(tmp_path).sound
    (tmp_path / "log.pub").unlink()
    with pytest.raises(LogError, match="not signed by the key"):
        Log(tmp_path, "aubigny", seed=b"3" * 32)


def test_another_commune_is_another_log(tmp_path: Path) -> None:
    Log(tmp_path, "aubigny").close()
    with pytest.raises(LogError):
        Log(tmp_path, "bethune")


def test_erased_is_erased_from_the_disk(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    secret = b"Jeanne Dupont, 4 rue des Lilas" * 200
    (kept, gone) = log.append([Draft("a.b", 1, payload=b"kept"), Draft("a.b", 2, payload=secret)])
    salt, _ = log.payload(gone.index) or (b"", b"")
    assert log.erase([gone.index, 99]) == 1
    assert log.payload(gone.index) is None
    check(log, [kept])
    proof, now = log.prove(gone.index), log.checkpoint()
    check_inclusion(gone.entry, gone.index, now.size, proof.path, now.root)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert secret[:30] not in held, path
            assert salt not in held, path
    log.close()
    checked = fsck(tmp_path)
    assert (checked.sound, checked.payloads, checked.erased) == (True, 1, 1)


def test_published_files_follow_the_specification(tmp_path: Path) -> None:
    log = Log(tmp_path / "e", "aubigny")
    placed = log.append(drafts(600))
    assert publish(log, tmp_path / "www") == 3 + 3 + 1 + 1
    log.append(drafts(1))
    assert publish(log, tmp_path / "www") == 3  # a new partial bundle, a new partial tile
    log.close()
    root = tmp_path / "www"
    for path in root.rglob("*"):
        if path.is_file() and path.name != "checkpoint":
            tile = read_path(str(path.relative_to(root)))
            if tile.level == -1:
                held = split_bundle(path.read_bytes(), tile.width)
                first = tile.index * 256
                assert held[:88] == [one.entry for one in placed[first : first + tile.width]][:88]
            else:
                assert len(path.read_bytes()) == 32 * tile.width


# --- disks that fail ---

BATCHES = (1, 254, 3, 300)


def life(log: Log) -> tuple[list[Placed], list[int], Checkpoint]:
    """Append batches until one fails; (acknowledged, sizes that may be found, last checkpoint)."""
    placed: list[Placed] = []
    for count in BATCHES:
        try:
            placed += log.append(drafts(count))
        except LogError:
            return placed, [len(placed), len(placed) + count], log.checkpoint()
    return placed, [len(placed)], log.checkpoint()


def writes_of_a_life(folder: Path) -> int:
    disk = FaultyDisk(folder / "log")
    log = faulty_log(folder, disk)
    life(log)
    log.close()
    return disk.count


@pytest.mark.parametrize("mode", [LOST, WRITTEN])
@pytest.mark.parametrize("power", [False, True], ids=["crash", "power-cut"])
def test_every_write_may_fail(tmp_path: Path, mode: str, power: bool) -> None:
    count = writes_of_a_life(tmp_path / "count")
    assert count > 20
    for at in range(count):
        folder = tmp_path / str(at)
        disk = FaultyDisk(folder / "log", at, mode)
        try:
            log = faulty_log(folder, disk)
        except LogError:  # while it was being made
            placed, sizes, since = [], [0], None
        else:
            placed, sizes, since = life(log)
            log.close()
        assert disk.fired, at
        if power:
            disk.power_cut()
        again = Log(folder, "aubigny")
        assert again.checkpoint().size in sizes, at
        check(again, placed[-3:] + placed[:2], since)
        placed += again.append(drafts(2))
        check(again, placed[-3:], since)
        again.close()
        assert fsck(folder).sound, (at, fsck(folder).findings)
        shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [LOST, WRITTEN])
def test_after_a_failed_write_the_same_process_goes_on(tmp_path: Path, mode: str) -> None:
    count = writes_of_a_life(tmp_path / "count")
    for at in range(2, count):
        folder = tmp_path / str(at)
        disk = FaultyDisk(folder / "log", at, mode)
        log = faulty_log(folder, disk)
        placed, sizes, since = life(log)
        placed += log.append(drafts(2))
        assert log.checkpoint().size - 2 in sizes
        check(log, placed[-4:], since)
        log.close()
        assert fsck(folder).sound
        shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [LOST, WRITTEN])
@pytest.mark.parametrize("power", [False, True], ids=["crash", "power-cut"])
def test_a_second_crash_during_the_recovery(tmp_path: Path, mode: str, power: bool) -> None:
    """After a batch that filled a bundle and was then lost: the hardest state to come back from."""
    count = writes_of_a_life(tmp_path / "count")
    for first in (count - 1, count // 2):
        base = tmp_path / f"base{first}"
        log = faulty_log(base, FaultyDisk(base / "log", first, LOST))
        placed, sizes, since = life(log)
        log.close()
        for at in range(10):
            folder = tmp_path / f"{first}-{at}"
            shutil.copytree(base, folder)
            disk = FaultyDisk(folder / "log", at, mode)
            disk._settle()
            try:
                Log(folder, "aubigny", disk=disk).close()
            except LogError:
                if power:
                    disk.power_cut()
            again = Log(folder, "aubigny")
            assert again.checkpoint().size in sizes
            check(again, placed[-3:], since)
            again.close()
            assert fsck(folder).sound
            shutil.rmtree(folder)


def test_a_full_disk_is_refused_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    log = Log(tmp_path, "aubigny")
    placed = log.append(drafts(3))
    whole, log._disk.extend = log._disk.extend, full  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(LogError, match="No space left"):
            log.append(drafts(1))
    log._disk.extend = whole  # type: ignore[method-assign]
    placed += log.append(drafts(2))
    assert [one.index for one in placed] == [0, 1, 2, 3, 4]
    check(log, placed)
    log.close()


def full(path: Path, data: bytes, at: int) -> None:
    raise OSError(28, "No space left on device")
