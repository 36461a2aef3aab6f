"""Hub, gate and command line use one file at once: nobody is told that it is locked."""

from __future__ import annotations

import subprocess
import sys

from tests.postgres import NewUrl

from beffroi.adapters.sql import open_store
from beffroi.model.asset import Asset, Device

START = """
import sys, time
from beffroi.adapters.sql import open_store
from beffroi.model.asset import Device
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey
store = open_store(sys.argv[1], create=False)
end = time.monotonic() + 2.5
n = 0
"""
HUB = """
ids = store.readings.series_ids([SeriesKey(f"a{i}", "d", "p") for i in range(200)])
while n == 0 or time.monotonic() < end:  # a busy machine: once at least
    at = 1_700_000_000_000 + n * 3_600_000
    store.readings.commit(Batch([Row(s, at + k, 1.0, 0, at) for s in ids for k in range(10)]))
    if n % 24 == 23:
        store.readings.seal(at)
    n += 1
"""
GATE = """
while n == 0 or time.monotonic() < end:  # a busy machine: once at least
    assert store.assets.device("d7") is not None
    assert len(store.assets.devices()) == 50
    n += 1
"""
PERSON = """
while n == 0 or time.monotonic() < end:  # a busy machine: once at least
    store.people.put_setting("k", str(n))
    store.assets.put_devices([Device("d7", "a1", firmware=str(n))])
    store.people.log_access(n, "u", "look", "d7")
    n += 1
"""
TAKER = """
won = store.people.take_link("h", "first", 5)
print(won or "nobody")
"""


def run(url: str, *scripts: str) -> list[str]:
    """What each process said; fails with its traceback when one failed."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", START + script + "print(n)", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for script in scripts
    ]
    said = []
    for process in started:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        said.append(output)
    return said


def test_writers_and_readers_wait_for_each_other(new_url: NewUrl) -> None:
    url = new_url()
    store = open_store(url)
    store.assets.put_assets([Asset("a1", "w", "t", "a", 2.0, 48.0)])
    store.assets.put_devices([Device(f"d{n}", "a1") for n in range(50)])
    turns = [int(said) for said in run(url, HUB, GATE, PERSON, PERSON)]
    assert min(turns) > 0, turns
    assert store.readings.counts().observations == turns[0] * 2_000
    assert store.check() == []
    store.close()


def test_a_link_is_taken_once_among_processes(new_url: NewUrl) -> None:
    url = new_url()
    store = open_store(url)
    store.people.put_link("h", "first", "admin", 10)
    said = [output.split()[0] for output in run(url, TAKER, TAKER, TAKER)]
    assert sorted(said) == ["admin", "nobody", "nobody"]
    store.close()
