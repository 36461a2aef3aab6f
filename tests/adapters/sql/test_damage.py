"""A flipped bit or a cut file is noticed when opened or read, or changes nothing: never served."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.asset import Asset, Commune, Device
from beffroi.model.finding import Severity
from beffroi.model.reading import Quarantined, Reason, Row
from beffroi.ports.store import Batch, SeriesKey, StoreError, User

DAY = 86_400_000
T0 = 19_700 * DAY
FLIPS = int(os.environ.get("BEFFROI_FLIPS", "24"))
SERIES = [SeriesKey(f"tank-{n:02}", f"rtu-{n:02}", "level_m") for n in range(20)]


def fill(store: SqlStore) -> None:
    """A little of everything; one day sealed, one in the log."""
    rng = random.Random(4)
    store.assets.put_commune(Commune("c", "Trifouilly", 800, 2.0, 48.0))
    store.assets.put_assets([Asset(k.asset, "w", "tank", k.asset, 2.0, 48.0) for k in SERIES])
    store.assets.put_devices([Device(k.device, k.asset, maker="m" * 40) for k in SERIES])
    store.people.put_user(User("u", "Éloïse", "admin", "hash"))
    store.people.put_setting("map_background", "{}" * 50)
    rows = [
        Row(n, T0 + day * DAY + i * 600_000, round(rng.gauss(2, 1), 2), 0, T0 + 2 * DAY)
        for n in store.readings.series_ids(SERIES)
        for day in (0, 1)
        for i in range(144)
    ]
    bad = [Quarantined(T0 + i, "mqtt", "d", Reason.UNREADABLE, "?", b"x" * 60) for i in range(30)]
    store.readings.commit(Batch(rows, bad, states={k.asset: {"n": 1} for k in SERIES}))
    store.readings.seal(T0 + DAY)
    for n in range(10):
        alarm = Alarm(
            f"al{n}", "r", "tank-01", "w", Severity.GRAVE, AlarmState.RAISED, True, 1, n, 3,
            version=1,
        )  # fmt: skip
        store.alarms.apply([AlarmChange(alarm, (AlarmEvent(f"al{n}", 1, "hub", "raised"),))])


def everything(store: SqlStore) -> list[Any]:
    """All that can be asked."""
    readings = store.readings
    ids = readings.series_of([])
    whole = (0, T0 + 9 * DAY)
    return [
        ids,
        [[column.tolist() for column in readings.points(n, *whole)] for n in ids.values()],
        [readings.hours(n, *whole) for n in ids.values()],
        [  # the last bits of a running sum are nobody's promise
            [[float(f"{x:.12g}") for x in column.tolist()] for column in hours]
            for hours in readings.hours_of_kind("w", "tank", "level_m", *whole)
        ],
        readings.last(list(ids.values())),
        readings.states(),
        readings.quarantine(100),
        readings.counts(),
        store.assets.commune(),
        store.assets.assets(),
        store.assets.assets_in(1, 47, 3, 49, ["w"], 100),
        store.assets.devices(),
        store.alarms.open_alarms(),
        [store.alarms.events(f"al{n}") for n in range(10)],
        store.people.users(),
        store.people.setting("map_background"),
    ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    path = tmp_path_factory.mktemp("sound") / "s.sqlite"
    store = open_store(f"sqlite:///{path}")
    fill(store)
    truth = everything(store)
    assert store.check() == []
    store.close()
    return path, truth


def verdict(path: Path, truth: list[Any]) -> str:
    """ "open", "read" (noticed there), "check" (only there), "same" or "SERVED"."""
    try:
        store = open_store(f"sqlite:///{path}")
    except StoreError:
        return "open"
    try:
        seen = everything(store)
    except StoreError:
        return "read"
    finally:
        found = store.check()
        store.close()
    if seen == truth:
        return "same"
    return "check" if found else "SERVED"


def test_a_flipped_bit_is_never_served(sound: tuple[Path, list[Any]], tmp_path: Path) -> None:
    path, truth = sound
    rng = random.Random(9)
    told: dict[str, list[str]] = {}
    for _ in range(FLIPS):
        copy = tmp_path / "f.sqlite"
        blob = bytearray(path.read_bytes())
        at, bit = rng.randrange(len(blob)), rng.randrange(8)
        blob[at] ^= 1 << bit
        copy.write_bytes(blob)
        around = repr(bytes(blob[max(at - 20, 0) : at + 20]))
        told.setdefault(verdict(copy, truth), []).append(f"{at}.{bit} {around}")
        for end in ("-wal", "-shm"):
            copy.with_name(copy.name + end).unlink(missing_ok=True)
    counts = {name: len(places) for name, places in told.items()}
    assert "SERVED" not in told, (counts, told["SERVED"])
    # What no read notices must be rare: an hour's rollup of today, a reading moved out of reach.
    assert counts.get("check", 0) <= max(3, FLIPS / 10), (counts, told["check"])


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.7, 0.99])
def test_a_cut_file_is_refused(sound: tuple[Path, list[Any]], tmp_path: Path, part: float) -> None:
    path, truth = sound
    copy = tmp_path / "c.sqlite"
    shutil.copyfile(path, copy)
    os.truncate(copy, int(copy.stat().st_size * part))
    assert verdict(copy, truth) == "open"
