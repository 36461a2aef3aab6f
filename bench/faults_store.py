"""What the store acknowledged is there after a kill, a power cut, a full or a failing disk.

    python bench/faults_store.py [kill] [cut] [eio] [writes] [full] [--times 100] [--seed 1]

A writer commits batches (readings, a watch state, a quarantined message, an alarm, and now and
then a sealed day) and says the number of each batch once `commit` has returned. Afterwards every
batch said must be there, each batch whole or absent, and `check` must find nothing. Exit code 1
otherwise. `kill`: kill -9 at random instants. `cut`: worst-case disks rebuilt from the recorded
system calls (see power_cut.py). `eio`: the Kth fsync fails (strace); `writes`: each
100th write fails. `full`: a small ext4 image
fills up, then gets room (needs root). The seed replays instants and draws, not the schedule.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.finding import Severity
from beffroi.model.reading import Quarantined, Reason, Row
from beffroi.ports.store import Batch, SeriesKey, StoreError
from power_cut import STRACE, Disk, calls

RESULTS = Path(__file__).parent / "results"
DAY = 86_400_000
T0 = 19_700 * DAY
STEP = 1_800_000  # device time between two batches
KEYS = [SeriesKey(f"tank-{n}", "rtu", "level_m") for n in range(16)]
REOPEN_EVERY = 60
SEAL_EVERY = 35


@dataclass
class Result:
    """`lost`, `partial`, `unsound` must be 0. `acked` sums over the trials."""

    what: str
    trials: int
    acked: int
    lost: int = 0
    partial: int = 0
    unsound: int = 0
    note: str = ""

    @property
    def good(self) -> bool:
        return self.trials > 0 and not (self.lost or self.partial or self.unsound)


def batch(number: int, ids: list[int]) -> Batch:
    """All of one batch follows from its number."""
    at = T0 + number * STEP
    rows = [Row(n, at + n, number + n / 8, 0, at + 900) for n in ids]
    bad = Quarantined(at, "mqtt", "rtu", Reason.UNREADABLE, "send JSON", str(number).encode())
    alarm = Alarm(
        f"al{number}", "r", "tank-0", "d", Severity.GRAVE, AlarmState.RAISED, True, at, at, at,
        version=1,
    )  # fmt: skip
    change = AlarmChange(alarm, (AlarmEvent(alarm.id, at, "hub", "raised"),))
    return Batch(rows, [bad], [change], states={"tank-0": {"number": number}})


def write(url: str, count: int) -> None:
    """The writer's process: goes on where the database ends, for `count` batches."""
    store = open_store(url)
    ids = store.readings.series_ids(KEYS)
    first = int(store.readings.states().get("tank-0", {}).get("number", -1)) + 1
    for number in range(first, first + count):
        try:
            store.readings.commit(batch(number, ids))
        except StoreError as error:
            print(f"refused {error}", flush=True)
            store.close()
            sys.exit(3)
        print(number, flush=True)
        if number % SEAL_EVERY == SEAL_EVERY - 1:
            store.readings.seal(T0 + number * STEP)
        if number % REOPEN_EVERY == REOPEN_EVERY - 1:
            store.close()
            store = open_store(url)
    store.close()


def judge(path: Path, acked: int, result: Result) -> None:
    """Compare the database with what was said: batches 0..acked (-1: nothing was said)."""
    result.trials += 1
    result.acked += acked + 1
    if acked < 0 and not path.exists():
        return
    try:
        store = open_store(f"sqlite:///{path}")
    except StoreError as error:
        result.unsound += 1
        result.note = str(error)
        return
    try:
        _compare(store, acked, result)
    finally:
        store.close()


def _compare(store: SqlStore, acked: int, result: Result) -> None:
    ids = store.readings.series_ids(KEYS)
    held: list[set[float]] = []
    for n in ids:
        points = store.readings.points(n, T0, T0 + 4_000 * DAY)
        numbers = (points.ts_ms - T0 - n) / STEP
        held.append({float(x) for x in numbers if (numbers == points.value - n / 8).all()})
    present = set.intersection(*held)
    alarms = {float(a.id[2:]) for a in store.alarms.open_alarms()}
    bad = {float(q.payload) for _, q in store.readings.quarantine(100_000)}
    state = store.readings.states().get("tank-0", {}).get("number", -1)
    result.lost += len(set(map(float, range(acked + 1))) - (present & alarms & bad))
    whole = set.union(*held) == present == alarms == bad and len(present) == state + 1
    result.partial += not whole
    found = store.check()
    result.unsound += bool(found)
    result.note = found[0] if found else result.note


def _writer(url: str, count: int, prefix: list[str] | None = None) -> subprocess.Popen[str]:
    command = [*(prefix or []), sys.executable, __file__, "write", "--url", url, "--count"]
    return subprocess.Popen(
        [*command, str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _first_line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline()


def _said(output: str) -> int:
    numbers = [int(line) for line in output.split("\n")[:-1] if line.isdigit()]
    return numbers[-1] if numbers else -1


def kill(folder: Path, rng: random.Random, times: int) -> Result:
    """One database, killed again and again: also in its birth, while sealing and reopening."""
    result, acked = Result("kill -9", 0, 0), -1
    path = folder / "k.sqlite"
    for _ in range(times):
        writer = _writer(f"sqlite:///{path}", 1_000_000)
        begun = "" if rng.random() < 0.2 else _first_line(writer)
        time.sleep(rng.uniform(0.0, 1.5))
        writer.kill()
        output = begun + writer.communicate()[0]
        before, acked = acked, max(acked, _said(output))
        trial = Result("", 0, 0)
        judge(path, acked, trial)
        result.trials += 1
        result.acked += acked - before
        result.lost += trial.lost
        result.partial += trial.partial
        result.unsound += trial.unsound
        result.note = trial.note or result.note
    return result


def cut(folder: Path, rng: random.Random, times: int) -> Result:
    """Record one run from birth to end, then cut the power at random calls of it."""
    result = Result("power cut (rebuilt disks)", 0, 0)
    home, trace = folder / "home", folder / "trace"
    home.mkdir()
    output, _ = _writer(
        f"sqlite:///{home}/b.sqlite", 170, [*STRACE, "-o", str(trace)]
    ).communicate()
    total = sum(1 for _ in _relevant(Disk(home), trace))
    chosen = set(rng.sample(range(total), min(times, total)))
    disk = Disk(home)
    for number, _ in enumerate(_relevant(disk, trace)):
        if number not in chosen:
            continue
        for world in disk.states(rng):
            after = folder / "after"
            after.mkdir()
            for name, content in world.items():
                (after / name).write_bytes(content)
            judge(after / "b.sqlite", _said(disk.said.decode()), result)
            shutil.rmtree(after)
    result.note = result.note or f"{total} calls recorded, {_said(output) + 1} batches"
    return result


def _relevant(disk: Disk, trace: Path) -> Iterator[None]:
    for call, args, done in calls(trace):
        if disk.do(call, args, done):
            yield


def eio(folder: Path, _rng: random.Random, times: int) -> Result:
    """The Kth fsync or fdatasync fails: no batch may be said after it, the process stops."""
    result, stopped = Result("fsync error (EIO)", 0, 0), 0
    for k in range(1, times + 1):
        path = folder / f"e{k}" / "b.sqlite"
        inject = f"inject=fsync,fdatasync:error=EIO:when={k}"
        writer = _writer(
            f"sqlite:///{path}",
            60,
            ["strace", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject],
        )
        output, _ = writer.communicate(timeout=120)
        stopped += writer.returncode != 0
        judge(path, _said(output), result)
        shutil.rmtree(path.parent, ignore_errors=True)
    result.note = result.note or f"{stopped} of {times} writers stopped at the error"
    return result


def writes(folder: Path, rng: random.Random, times: int) -> Result:
    """One write in a hundred fails with EIO, from a random one on: refused in words or not said."""
    result, stopped = Result("1 % of writes fail (EIO)", 0, 0), 0
    for k in range(1, times + 1):
        path = folder / f"w{k}" / "b.sqlite"
        acked = _said(_writer(f"sqlite:///{path}", 20).communicate()[0])
        inject = f"inject=pwrite64:error=EIO:when={rng.randint(1, 100)}+100"
        trace = ["strace", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", inject]
        writer = _writer(f"sqlite:///{path}", 60, trace)
        output, _ = writer.communicate(timeout=120)
        stopped += writer.returncode != 0
        judge(path, max(acked, _said(output)), result)
        shutil.rmtree(path.parent, ignore_errors=True)
    result.note = result.note or f"{stopped} of {times} writers stopped at the error"
    return result


def full(folder: Path, _rng: random.Random, times: int) -> Result:
    """An ext4 image fills up: refused in words, nothing lost, and it goes on once there is room."""
    result, words, on = Result("disk full (ext4)", 0, 0), set(), 0
    for _ in range(max(1, times // 20)):
        image, mount = folder / "disk", folder / "mnt"
        mount.mkdir(exist_ok=True)
        subprocess.run(["truncate", "-s", "24M", image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        try:
            path = mount / "b.sqlite"
            acked = _said(_writer(f"sqlite:///{path}", 20).communicate()[0])
            free = shutil.disk_usage(mount).free
            (mount / "filler").write_bytes(bytes(max(free - 1_500_000, 0)))
            output, _ = _writer(f"sqlite:///{path}", 1_000_000).communicate(timeout=120)
            acked = max(acked, _said(output))
            words.update(re.findall(r"refused (the disk is full)", output))
            (mount / "filler").unlink()
            judge(path, acked, result)
            more = _said(_writer(f"sqlite:///{path}", 20).communicate()[0])
            on += more == acked + 20
        finally:
            subprocess.run(["umount", mount], check=True)
    result.unsound += on != result.trials
    result.note = result.note or f"said {sorted(words)}, went on {on} of {result.trials} times"
    return result


CAMPAIGNS: dict[str, Callable[[Path, random.Random, int], Result]] = {
    "kill": kill,
    "cut": cut,
    "eio": eio,
    "writes": writes,
    "full": full,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", metavar="|".join(CAMPAIGNS))
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.what == ["write"]:
        write(asked.url, asked.count)
        return 0
    unknown = set(asked.what) - set(CAMPAIGNS)
    if unknown:
        parser.error(f"unknown campaign {min(unknown)!r}: choose from {', '.join(CAMPAIGNS)}")
    results = []
    for name in asked.what or CAMPAIGNS:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            results.append(CAMPAIGNS[name](Path(folder), random.Random(asked.seed), asked.times))
        r = results[-1]
        print(
            f"{r.what:28} {r.trials:5} trials {r.acked:7} acked {r.lost:3} lost "
            f"{r.partial:3} partial {r.unsound:3} unsound  {r.note}",
            flush=True,
        )
    asked.results.mkdir(exist_ok=True)
    content = {"seed": asked.seed, "results": [asdict(r) for r in results]}
    (asked.results / "faults_store.json").write_text(json.dumps(content, indent=1) + "\n")
    return 0 if all(r.good for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
