"""Whatever comes in whatever order: the stored set is the set of distinct valid readings, and
nothing vanishes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.ingest.town import NOW_MS, Town, build, mqtt

from beffroi.ports.bus import Message

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def town() -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="beffroi-"))
    made = build(folder)
    try:
        yield made
    finally:
        made.store.close()
        shutil.rmtree(folder)


# One value per (device, instant): a conflict is another test's matter.
def level(device: str, at: int) -> float:
    return (at * 7 + len(device)) % 90 / 10


READINGS = st.lists(
    st.tuples(st.sampled_from(["d1", "d2", "c", "nobody"]), st.integers(0, 30)),
    min_size=1,
    max_size=25,
)


def message(reading: tuple[str, int]) -> Message:
    device, at = reading
    one = {"ts": NOW_MS - 1000 + at, "values": {"level_m": level(device, at)}}
    if device in ("c", "nobody"):
        payload = json.dumps({"readings": [{"device": device, **one}]}).encode()
        return mqtt("g", payload, "batch")
    return mqtt(device, json.dumps(one).encode())


@QUICK
@given(READINGS, st.data())
def test_any_order_duplication_and_restarts(
    readings: list[tuple[str, int]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(readings + readings[: len(readings) // 2]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    with town() as made:
        start = 0
        for cut in [*cuts, len(shuffled)]:
            made.feed(*map(message, shuffled[start:cut]))
            start = cut
            assert made.stats.balanced()
            if data.draw(st.booleans()):
                made.snapshot()
                made.start()  # as after a kill
        for device, asset in (("d1", "t1"), ("d2", "t1"), ("c", "t2")):
            expected = {NOW_MS - 1000 + at: level(device, at) for d, at in readings if d == device}
            assert made.points(device, asset=asset) == expected
        bad = {at for device, at in readings if device == "nobody"}
        assert set(made.reasons()) == ({"unknown_device"} if bad else set())
        assert len(bad) <= len(made.reasons())  # delivered again to a later turn: no new row
        keys = made.store.readings.series_of(["t1", "t2"])
        for key, number in keys.items():
            points = made.store.readings.points(number, 0, 2**62)
            hours = made.store.readings.hours(number, 0, 2**62)
            assert sum(hour.n for hour in hours) == len(points.ts_ms), key


@QUICK
@given(READINGS)
def test_a_watch_sees_each_series_forward_and_once(readings: list[tuple[str, int]]) -> None:
    with town() as made:
        for reading in readings:
            made.feed(message(reading), message(reading))
        for asset in ("t1", "t2"):
            last: dict[tuple[str, str], int] = {}
            for device, prop, ts_ms in made.watch(asset).order:
                assert ts_ms > last.get((device, prop), -1)
                last[device, prop] = ts_ms


VALUE = (
    st.floats()
    | st.integers()
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
    | st.lists(st.integers(), max_size=2)
)
NAME = st.sampled_from(["level_m", "on", "double_m", "nothing", "A", "cm"]) | st.text(max_size=3)
ITEM = st.fixed_dictionaries(
    {"values": st.dictionaries(NAME, VALUE, max_size=4)},
    optional={
        "device": st.sampled_from(["c", "cm", "plc", "d1", "lora", "nobody", ""]),
        "ts": st.none() | st.integers(NOW_MS - 5, NOW_MS + 5) | st.floats(),
        "seq": st.integers(0, 5),
    },
)
ANYTHING = st.one_of(
    st.binary(max_size=40).map(lambda data: mqtt("d1", data)),
    st.binary(max_size=40).map(lambda data: mqtt("g", data, "batch")),
    st.binary(max_size=40).map(lambda data: Message("g", "chirpstack", "up", data, NOW_MS, None)),
    st.lists(ITEM, max_size=4).map(
        lambda items: mqtt("g", json.dumps({"readings": items}).encode(), "batch")
    ),
    ITEM.map(lambda item: mqtt("d1", json.dumps(item).encode())),
    st.sampled_from(["g", "d1", "ghost"]).map(lambda sender: mqtt(sender, b'{"level_m":1}')),
)


@QUICK
@given(st.lists(ANYTHING, max_size=12))
def test_conservation_for_anything(messages: list[Message]) -> None:
    """Counts in = stored + duplicates + quarantined, and the store agrees."""
    with town() as made:
        made.feed(*messages)
        made.feed(*messages)  # delivered again
        stats: Any = made.stats
        assert stats.balanced()
        counts = made.store.readings.counts()
        assert counts.observations == stats.stored
        rows = made.store.readings.quarantine(1_000)
        assert counts.quarantined == len(rows) <= sum(stats.quarantined.values())
        assert {row.reason for _, row in rows} == {one for one, n in stats.quarantined.items() if n}
        assert stats.messages == 2 * len(messages)
        assert stats.received >= 2 * sum(1 for one in messages if one.kind == "tele")


@QUICK
@given(st.lists(ANYTHING, max_size=8))
def test_the_good_reading_beside_anything(messages: list[Message]) -> None:
    """No message can keep another one from being stored."""
    with town() as made:
        good = mqtt("d2", json.dumps({"ts": NOW_MS - 77, "values": {"level_m": 3}}).encode())
        made.feed(*messages, good, *messages)
        assert made.points("d2")[NOW_MS - 77] == 3.0
