"""The contract of the readings, on both engines; a model that any order of events must match."""

from __future__ import annotations

import math
import multiprocessing
import signal
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.adapters.sql.blocks import BlockError, decode, encode
from beffroi.model.asset import Asset
from beffroi.model.reading import Quarantined, Reason, Row
from beffroi.ports.store import Batch, Committed, Points, SeriesKey, StoreError

DAY, HOUR = 86_400_000, 3_600_000
T0 = 19_700 * DAY


def key(n: int) -> SeriesKey:
    return SeriesKey(f"tank-{n}", "rtu", "level_m")


def test_a_series_has_one_id_for_ever(store: SqlStore, url: str) -> None:
    first = store.readings.series_ids([key(1), key(2), key(1)])
    assert first[0] == first[2] != first[1]
    again = open_store(url)
    assert again.readings.series_ids([key(2), key(3)])[0] == first[1]
    assert again.readings.series_of(["tank-1"]) == {key(1): first[0]}
    again.close()


def test_the_same_again_is_a_duplicate_and_another_value_is_quarantined(store: SqlStore) -> None:
    (n,) = store.readings.series_ids([key(1)])
    row = Row(n, T0, 2.0, 0, T0 + 5)
    assert store.readings.commit(Batch([row])) == Committed(1, 0, 0)
    assert store.readings.commit(Batch([row, row])) == Committed(0, 2, 0)
    assert store.readings.commit(Batch([row._replace(value=3.0)])) == Committed(0, 0, 1)
    store.readings.seal(T0 + 9 * DAY)  # a sealed day remembers as well
    assert store.readings.commit(Batch([row])) == Committed(0, 1, 0)
    assert store.readings.commit(Batch([row._replace(value=4.0)])) == Committed(0, 0, 1)
    assert store.readings.quarantine_counts() == {Reason.CONFLICT: 2}
    assert store.readings.points(n, 0, T0 + DAY).value.tolist() == [2.0]
    assert store.readings.counts().observations == 1


def test_a_late_reading_joins_its_sealed_day(store: SqlStore) -> None:
    (n,) = store.readings.series_ids([key(1)])
    store.readings.commit(Batch([Row(n, T0 + HOUR * i, float(i), 0, T0) for i in (0, 1, 3)]))
    assert store.readings.seal(T0 + 2 * DAY) == 3
    store.readings.commit(Batch([Row(n, T0 + 2 * HOUR, 2.0, 2, T0 + 9 * DAY)]))
    for _ in range(2):
        points = store.readings.points(n, T0, T0 + DAY)
        assert points.value.tolist() == [0.0, 1.0, 2.0, 3.0]
        assert points.recv_ms[2] == T0 + 9 * DAY
        assert [h.n for h in store.readings.hours(n, T0, T0 + DAY)] == [1, 1, 1, 1]
        assert store.readings.last([n])[0].value == 3.0
        store.readings.seal(T0 + 20 * DAY)
    assert store.check() == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused_whole(store: SqlStore, value: float) -> None:
    (n,) = store.readings.series_ids([key(1)])
    with pytest.raises(StoreError):
        store.readings.commit(Batch([Row(n, T0, 1.0, 0, T0), Row(n, T0 + 1, value, 0, T0)]))
    assert store.readings.counts().observations == 0


def test_an_unknown_series_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError):
        store.readings.commit(Batch([Row(4_711, T0, 1.0, 0, T0)]))


def test_states_and_quarantine_are_in_the_same_transaction(store: SqlStore) -> None:
    (n,) = store.readings.series_ids([key(1)])
    bad = Quarantined(T0, "mqtt", "d", Reason.UNREADABLE, "send JSON", b"\x00\xff")
    batch = Batch([Row(n, T0, math.nan, 0, T0)], [bad], states={"tank-1": {"a": 1}})
    with pytest.raises(StoreError):
        store.readings.commit(batch)
    assert store.readings.states() == {}
    assert store.readings.quarantine(10) == []
    store.readings.commit(Batch([], [bad], states={"tank-1": {"a": [1, "é"]}}))
    assert store.readings.states() == {"tank-1": {"a": [1, "é"]}}
    assert store.readings.quarantine(10)[0][1] == bad


FLOATS = st.floats(-1e200, 1e200, allow_nan=False) | st.decimals(-999, 999, places=2).map(float)


@given(st.lists(st.tuples(st.integers(0, DAY - 1), FLOATS, st.integers(0, 3)), min_size=1))
def test_a_block_gives_back_every_bit(items: list[tuple[int, float, int]]) -> None:
    items = list({item[0]: item for item in sorted(items)}.values())
    ts = np.array([T0 + i[0] for i in items], np.int64)
    value = np.array([i[1] for i in items])
    quality = np.array([i[2] for i in items], np.int8)
    points = Points(ts, value, quality, ts + 7)
    back = decode(encode(points))
    assert back.value.tobytes() == value.tobytes()  # -0.0 too
    assert back.ts_ms.tolist() == ts.tolist()
    assert back.quality.tolist() == quality.tolist()
    assert back.recv_ms.tolist() == points.recv_ms.tolist()


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_in_a_block_is_noticed(at: int, bit: int) -> None:
    ts = np.arange(50, dtype=np.int64) * 60_000 + T0
    blob = bytearray(encode(Points(ts, ts / 7.0, np.zeros(50, np.int8), ts)))
    blob[at % len(blob)] ^= 1 << bit
    with pytest.raises(BlockError):
        decode(bytes(blob))


class AnyOrder(RuleBasedStateMachine):
    """Rows in any order, again, in contradiction; seal, purge and reopen at any moment."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{self.folder.name}/s.sqlite"
        self.store = open_store(self.url)
        tanks = [Asset(key(i).asset, "w", "tank", "", 2.0, 48.0) for i in range(3)]
        self.store.assets.put_assets(tanks)
        self.ids = self.store.readings.series_ids([key(i) for i in range(3)])
        self.model: dict[tuple[int, int], float] = {}
        self.gone: dict[tuple[int, int], list[float]] = defaultdict(list)  # purged, by hour
        self.closed: set[tuple[int, int]] = set()  # purged (series, day)

    @rule(
        items=st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 4 * 24), st.sampled_from([1.0, 2.5])),
            max_size=12,
        )
    )
    def commit(self, items: list[tuple[int, int, float]]) -> None:
        rows = [Row(self.ids[s], T0 + h * HOUR // 2, v, 0, T0) for s, h, v in items]
        new = duplicates = conflicts = 0
        for row in rows:
            at = (row.series_id, row.ts_ms)
            if (row.series_id, row.ts_ms // DAY) in self.closed:
                conflicts += 1
            elif at not in self.model:
                self.model[at] = row.value
                new += 1
            elif self.model[at] == row.value:
                duplicates += 1
            else:
                conflicts += 1
        done = self.store.readings.commit(Batch(rows))
        assert done.stored == new
        assert (done.duplicates, done.conflicts) == (duplicates, conflicts)

    @rule(day=st.integers(0, 3))
    def seal(self, day: int) -> None:
        self.store.readings.seal(T0 + day * DAY)

    @rule(day=st.integers(0, 3))
    def purge(self, day: int) -> None:
        """Raw readings go, their hours stay and never change again."""
        limit = T0 + day * DAY
        for (series, ts), value in list(self.model.items()):
            if ts < limit:
                self.gone[series, ts - ts % HOUR].append(self.model.pop((series, ts)))
                assert value in (1.0, 2.5)
                self.closed.add((series, ts // DAY))
        self.store.readings.purge(limit, 0, 0)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.url)

    @invariant()
    def the_store_is_the_model(self) -> None:
        hours: dict[tuple[int, int], list[float]] = defaultdict(list)
        for (series, hour), values in self.gone.items():
            hours[series, hour] += values
        for (series, ts), value in self.model.items():
            hours[series, ts - ts % HOUR].append(value)
        for series in self.ids:
            points = self.store.readings.points(series, 0, T0 + 9 * DAY)
            mine = sorted((t, v) for (s, t), v in self.model.items() if s == series)
            assert list(zip(points.ts_ms.tolist(), points.value.tolist(), strict=True)) == mine
            found = self.store.readings.hours(series, 0, T0 + 9 * DAY)
            kept = {(h.series_id, h.start_ms): h[2:] for h in found}
            assert kept == {
                k: (len(v), sum(v), min(v), max(v)) for k, v in hours.items() if k[0] == series
            }
            last = self.store.readings.last([series])
            assert [(x.ts_ms, x.value) for x in last] == mine[-1:]
        of_kind = self.store.readings.hours_of_kind("w", "tank", "level_m", 0, T0 + 9 * DAY)
        rows = [row for hours in of_kind for row in zip(*(c.tolist() for c in hours), strict=True)]
        assert [(h[:2], h[2:]) for h in rows] == sorted(
            (k, (len(v), sum(v), min(v), max(v))) for k, v in hours.items()
        )
        assert self.store.readings.counts().observations == len(self.model)
        assert self.store.check() == []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


def _write(url: str, said: str) -> None:
    store = open_store(url)
    (n,) = store.readings.series_ids([key(1)])
    last = store.readings.last([n])
    at = (last[0].ts_ms if last else T0) + 1
    with Path(said).open("a") as ledger:
        while True:
            store.readings.commit(Batch([Row(n, at + i, 1.0, 0, at) for i in range(20)]))
            at += 20
            ledger.write(f"{at}\n")
            ledger.flush()


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    url, said = f"sqlite:///{tmp_path}/k.sqlite", tmp_path / "said"
    open_store(url).close()
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        before = said.stat().st_size if said.exists() else 0
        child = context.Process(target=_write, args=(url, str(said)))
        child.start()
        for _ in range(400):
            if said.exists() and said.stat().st_size > before:
                break
            child.join(0.05)
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        store = open_store(url)
        (n,) = store.readings.series_ids([key(1)])
        acked = [int(line) for line in said.read_text().splitlines() if line]
        assert store.readings.last([n])[0].ts_ms >= acked[-1] - 1
        assert store.check() == []
        assert store.readings.counts().observations % 20 == 0
        store.close()
