"""Speed of the evidence log: durable entries per second with signed checkpoints, proofs, fsck.

    python bench/evidence.py [--folder FOLDER] [--entries 1000000] [--seconds 5] [--out FILE]

Every append returns only when entries, payloads and a signed checkpoint are on the disk. FOLDER
must be on a real disk: on a RAM disk a sync costs nothing. Prints JSON with its conditions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beffroi.adapters.log import Log
from beffroi.adapters.log.fsck import fsck
from beffroi.evidence.entry import Draft
from beffroi.evidence.merkle import check_inclusion
from beffroi.evidence.verify import verify
from beffroi.kernel import keys
from beffroi.kernel.roster import LOG, Member, Roster


def drafts(count: int, payload: bytes = b"") -> list[Draft]:
    refs: dict[str, int | str] = {
        "guard": "g1", "target": "junction:1", "action": "set_plan", "reason": "bad_signature",
    }  # fmt: skip
    return [Draft("command.refused", i, b"d" * 32, refs, payload) for i in range(count)]


def rate(log: Log, batch: int, writers: int, seconds: float, payload: bytes = b"") -> float:
    """Entries per second over all writers."""
    part = drafts(batch, payload)
    until = time.perf_counter() + seconds
    counts = [0] * writers

    def write(mine: int) -> None:
        while time.perf_counter() < until:
            log.append(part)
            counts[mine] += batch

    threads = [threading.Thread(target=write, args=(one,)) for one in range(writers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def quantiles_us(work: Callable[[int], object], count: int) -> dict[str, float]:
    times = []
    for i in range(count):
        start = time.perf_counter()
        work(i)
        times.append((time.perf_counter() - start) * 1e6)
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def sync_ms(folder: Path, count: int = 100) -> float:
    """What one 4 KB write with fdatasync costs here: the floor of every figure."""
    handle = os.open(folder / "probe", os.O_RDWR | os.O_CREAT, 0o600)
    start = time.perf_counter()
    for i in range(count):
        os.pwrite(handle, b"x" * 4096, 4096 * i)
        os.fdatasync(handle)
    spent = time.perf_counter() - start
    os.close(handle)
    (folder / "probe").unlink()
    return round(spent / count * 1000, 2)


def durable(folder: Path, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for batch, writers in ((1, 1), (1, 8), (10, 8), (100, 1), (1000, 1), (1000, 8)):
        log = Log(folder / f"{batch}x{writers}", "bench")
        found[f"{writers} writer(s), {batch} a call"] = round(rate(log, batch, writers, seconds))
        log.close()
    log = Log(folder / "payloads", "bench")
    name = "8 writer(s), 10 a call, payload of 600 bytes each"
    found[name] = round(rate(log, 10, 8, seconds, b"p" * 600))
    log.close()
    shutil.rmtree(folder)
    return found


def large(folder: Path, entries: int) -> dict[str, Any]:
    log = Log(folder, "bench")
    start = time.perf_counter()
    part = drafts(5_000)
    while log.checkpoint().size < entries:
        log.append(part[: entries - log.checkpoint().size])
    grown_s = time.perf_counter() - start
    now = log.checkpoint()
    step = max(1, entries // 997)

    def prove(i: int) -> None:
        log.prove(i * step % entries)

    proof = log.prove(entries // 3)

    def check(_: int) -> None:
        check_inclusion(proof.entry, proof.index, now.size, proof.path, now.root)

    found: dict[str, Any] = {
        "entries": entries,
        "grown_s": round(grown_s, 1),
        "prove_us": quantiles_us(prove, 1_000),
        "check_us": quantiles_us(check, 1_000),
        "consistency_us": quantiles_us(
            lambda i: log.consistency(1 + i * step % entries, entries), 500
        ),
    }
    roster = Roster("bench", 1, 2**50, (
        Member(keys.ED25519, log.vkey.public, "log", "bench", LOG),
    )).encoded()  # fmt: skip
    log.export(range(0, entries, max(1, entries // 100)), folder / "file", roster)
    data = (folder / "file").read_bytes()
    start = time.perf_counter()
    assert verify(data, roster).ok
    found["verify_100_entries_ms"] = round((time.perf_counter() - start) * 1000, 1)
    log.close()
    start = time.perf_counter()
    Log(folder, "bench").close()
    found["start_s"] = round(time.perf_counter() - start, 3)
    start = time.perf_counter()
    checked = fsck(folder)
    assert checked.sound, checked.findings
    found["fsck_s"] = round(time.perf_counter() - start, 1)
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    found["bytes_per_entry"] = round(size / entries, 1)
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=None)
    words.add_argument("--entries", type=int, default=1_000_000)
    words.add_argument("--seconds", type=float, default=5.0)
    words.add_argument("--out", type=Path, default=None)
    given = words.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        found = {
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "load_before": [round(one, 1) for one in os.getloadavg()],
            "one_sync_ms": sync_ms(folder),
            "durable_entries_per_s": durable(folder / "rates", given.seconds),
            "large": large(folder / "large", given.entries),
            "load_after": [round(one, 1) for one in os.getloadavg()],
        }
    text = json.dumps(found, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
