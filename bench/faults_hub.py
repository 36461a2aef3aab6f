"""What devices were told is kept must be in the hub's store, whatever dies.

    python bench/faults_hub.py kill [--times 200] [--seed 1]   kill -9 of hub, broker and gate
    python bench/faults_hub.py full        the home's disk is full, then not (needs root)
    python bench/faults_hub.py readonly    the home becomes read-only, is repaired, mounted (root)
    python bench/faults_hub.py starve      few file descriptors, little memory, then a hub that
                                           stands still (SIGSTOP) and goes on; --short for a test

The real `beffroi serve` tree, devices of the lab over mTLS (QoS 1, reconnecting, resending). At
random instants one process is killed while readings flow; some lamps report a failure during the
storm. At the end: acknowledged readings not in the store, readings stored twice, lamps that
reported a failure without an alarm. Exit code 1 unless all three are 0. The seed replays the
instants and victims, not the schedule of the machine. `full` and `readonly` mount an ext4
image as the home.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.sql import SqlStore
from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.demo import enrol_devices, install_commune
from beffroi.lab.devices import Measure
from beffroi.lab.street import Address, Street
from beffroi.model.asset import Device
from tree import Tree
from troubles import Trouble, read_only, starving

RESULTS = Path(__file__).parent / "results"
VICTIMS = ("hub", "hub", "broker", "gate")  # the hub twice: it holds most state
ROUND_S = 0.2  # each device reports this often
LAMP_FAILS_S = 2.0
SETTLE_S_MAX = 180.0
DISK_MB = 96
FULL_S = 12.0
STARVE_S = 30.0  # of each kind; SHORT_S in the test
SHORT_S = 4.0


@dataclass
class Verdict:
    """`lost`, `doubled` and `alarms_lost` must be 0."""

    what: str
    kills: dict[str, int]
    seconds: float
    reported: int
    acked: int
    stored: int
    lost: int
    doubled: int
    lamps_failed: int
    alarms_lost: int
    quarantined: dict[str, int]
    dropped: int
    settle_s: float

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.alarms_lost)


class Storm:
    """Devices that talk while things die. `send` runs until cancelled."""

    def __init__(self, made: LabCommune, street: Street) -> None:
        self.failed: dict[str, int] = {}  # lamp -> first device time of its failure
        self._street = street
        self._lamps = [d for d in made.devices if d.id.startswith("lc-")]
        self._others = [d for d in made.devices if d.id.startswith(("rtu-node", "arm-"))]
        self._last_ms = 0

    async def send(self) -> None:
        """Every round each device says something; now and then one more lamp has failed."""
        due = time.monotonic() + LAMP_FAILS_S
        while True:
            now_ms = max(int(time.time() * 1000), self._last_ms + 1)
            self._last_ms = now_ms
            if time.monotonic() > due and len(self.failed) < len(self._lamps):
                due += LAMP_FAILS_S
                self.failed[self._lamps[len(self.failed)].asset] = now_ms
            self._street.report([self._measure(d, now_ms) for d in self._lamps + self._others])
            await asyncio.sleep(ROUND_S)

    def failures(self) -> list[tuple[Device, int]]:
        """Each lamp that has failed, with the device time of its first word of it."""
        return [(d, self.failed[d.asset]) for d in self._lamps if d.asset in self.failed]

    def _measure(self, device: Device, now_ms: int) -> Measure:
        if device.id.startswith("lc-"):
            broken = device.asset in self.failed
            return Measure(device.id, now_ms, {"burning_h": now_ms % 9e5, "lamp_failure": broken})
        if device.id.startswith("arm-"):
            return Measure(device.id, now_ms, {"voltage_V": 230.0 + now_ms % 7})
        return Measure(device.id, now_ms, {"pressure_bar": 4.0 + (now_ms % 97) / 1000})


async def campaign(what: str, home: Path, seed: int, trouble: Trouble) -> Verdict:
    """Start everything, let `trouble` happen, let it settle, compare."""
    rng, made = random.Random(seed), commune(500, 1)
    tree = Tree(home, quick=True)
    store = tree.store()
    install_commune(store, made)
    bundles = enrol_devices(tree.enrolment(store), made, home / "street")
    tree.sign_in(store)
    store.close()  # the disk under it may be taken away
    await asyncio.to_thread(tree.start)
    address = Address("127.0.0.1", tree.mqtt_port)
    street = Street(address, made.devices, bundles, [], SystemClock(), seed)
    storm = Storm(made, street)
    began = time.monotonic()
    try:
        await street.run(0.0, jitter_s=0.5)
        sending = asyncio.create_task(storm.send())
        kills = await trouble(tree, rng)
        sending.cancel()
        lasted, calm = time.monotonic() - began, time.monotonic()
        await asyncio.wait_for(street.drain(), SETTLE_S_MAX)
        await _settled(tree)
        settle_s = time.monotonic() - calm
    finally:
        tally, acked = street.tally(), set(street.acked())
        await street.stop()
        await asyncio.to_thread(tree.stop)
    store = tree.store()
    verdict = compare(what, store, storm, acked)
    verdict.kills, verdict.seconds, verdict.settle_s = kills, round(lasted, 1), round(settle_s, 1)
    verdict.reported, verdict.dropped = tally.reported, tally.dropped
    store.close()
    return verdict


async def _settled(tree: Tree) -> None:
    """The broker holds nothing that the hub has not acknowledged."""
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        try:
            status = await asyncio.to_thread(tree.json, "/api/status")
            if status["backlog"] == 0 and not status["ingest"]["degraded"]:
                return
        except OSError:  # the hub is starting
            status = {}
        if time.monotonic() > end:
            raise TimeoutError(f"not settled in {SETTLE_S_MAX} s: {status}; {tree.last_words()}")
        await asyncio.sleep(0.3)


def compare(what: str, store: SqlStore, storm: Storm, acked: set[tuple[str, int]]) -> Verdict:
    """Ledger of the devices against the store."""
    seen: Counter[tuple[str, str, int]] = Counter()
    for key, number in store.readings.series_of([]).items():
        if key.device:
            for ts_ms in store.readings.points(number, 0, 2**62).ts_ms.tolist():
                seen[key.device, key.prop, ts_ms] += 1
    kept = {(device, ts_ms) for device, _, ts_ms in seen}
    told = {alarm.asset for alarm in store.alarms.alarms([], limit=10_000)}
    # only failures whose reading was acknowledged: the others nobody promised anything about
    promised = {lamp.asset for lamp, ts_ms in storm.failures() if (lamp.id, ts_ms) in acked}
    return Verdict(
        what=what,
        kills={},
        seconds=0.0,
        reported=0,
        acked=len(acked),
        stored=len(kept),
        lost=len(acked - kept),
        doubled=sum(count - 1 for count in seen.values()),
        lamps_failed=len(promised),
        alarms_lost=len(promised - told),
        quarantined=store.readings.quarantine_counts(),
        dropped=0,
        settle_s=0.0,
    )


# --- troubles ------------------------------------------------------------------------------------
def killing(times: int) -> Trouble:
    """kill -9 of a random process, `times` times, at random instants."""

    async def trouble(tree: Tree, rng: random.Random) -> dict[str, int]:
        kills: Counter[str] = Counter()
        await asyncio.sleep(3)
        while sum(kills.values()) < times:
            await asyncio.sleep(rng.choice((rng.uniform(0.0, 0.5), rng.uniform(0.5, 5.0))))
            victim = rng.choice(VICTIMS)
            if await asyncio.to_thread(tree.kill, victim):
                kills[victim] += 1
                if sum(kills.values()) % 20 == 0:
                    print(f"  {sum(kills.values())} kills", flush=True)
        await asyncio.sleep(3)
        return dict(kills)

    return trouble


def filling(mount: Path) -> Trouble:
    """Nothing can be written for FULL_S, then it can again."""

    async def trouble(_: Tree, __: random.Random) -> dict[str, int]:
        await asyncio.sleep(5)
        ballast = mount / "ballast"
        with ballast.open("wb", buffering=0) as file:
            size = 1 << 20
            while size >= 512:
                try:
                    file.write(b"\0" * size)
                except OSError:  # full to within `size`
                    size //= 2
        await asyncio.sleep(FULL_S)
        ballast.unlink()
        await asyncio.sleep(5)
        return {"disk full": 1}

    return trouble


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("kill", "full", "readonly", "starve"))
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="beffroi-faults-"))
    home = folder / "home"
    work = {
        "kill": lambda: campaign("kill -9", home, args.seed, killing(args.times)),
        "full": lambda: campaign("disk full", home, args.seed, filling(home)),
        "readonly": lambda: campaign(
            "read-only", home, args.seed, read_only(home, folder / "disk.img", FULL_S)
        ),
        "starve": lambda: campaign(
            "starved", home, args.seed, starving(SHORT_S if args.short else STARVE_S)
        ),
    }[args.what]
    try:
        if args.what in ("full", "readonly"):
            verdict = _on_small_disk(folder, home, work)
        else:
            verdict = asyncio.run(work())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in asdict(verdict).items():
        print(f"{name:14} {value}")
    args.results.mkdir(exist_ok=True)
    path = args.results / f"faults_hub-{args.what}.json"
    path.write_text(json.dumps({"seed": args.seed, **asdict(verdict)}, indent=2) + "\n")
    print("GOOD" if verdict.good else "LOSS", path)
    return 0 if verdict.good else 1


def _on_small_disk(
    folder: Path, home: Path, work: Callable[[], Coroutine[None, None, Verdict]]
) -> Verdict:
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    home.mkdir()
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, home], check=True)
    try:
        return asyncio.run(work())
    finally:
        subprocess.run(["umount", "-l", home], check=False)


if __name__ == "__main__":
    sys.exit(main())
