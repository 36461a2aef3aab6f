"""What is sealed and purged when."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.sql import open_store
from beffroi.hub.retention import keep_once, plan
from beffroi.model.limits import RAW_DAYS, SEAL_AFTER_H
from beffroi.model.measure import DAY_MS, HOUR_MS
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey

NOW = 1_790_000_000_000


@given(st.integers(10**12, 10**13))
def test_nothing_is_purged_before_it_is_sealed(now_ms: int) -> None:
    due = plan(now_ms)
    assert due.hours_before_ms <= due.raw_before_ms <= due.seal_before_ms <= now_ms
    assert now_ms - due.seal_before_ms >= 24 * HOUR_MS  # late readings have a day


def test_a_run_seals_what_is_over_purges_what_is_old_and_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/a.sqlite")
    (series,) = store.readings.series_ids([SeriesKey("a", "d", "p")])
    old, done, fresh = NOW - (RAW_DAYS + 2) * DAY_MS, NOW - 5 * DAY_MS, NOW - HOUR_MS
    store.readings.commit(Batch([Row(series, t, 1.0, 0, t) for t in (old, done, fresh)]))
    first = keep_once(store.readings, NOW)
    assert (first.sealed, first.purged > 0) == (2, True)
    assert store.readings.points(series, 0, NOW).ts_ms.tolist() == [done, fresh]
    assert store.readings.hours(series, 0, NOW)[0].start_ms == old - old % HOUR_MS
    assert keep_once(store.readings, NOW) == (0, 0)
    assert SEAL_AFTER_H >= 24
    store.close()
