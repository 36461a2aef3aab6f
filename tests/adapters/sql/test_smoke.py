from beffroi.ports.store import *
from beffroi.model.reading import Row


def test_x(store):
    s = store
    ids = s.readings.series_ids([SeriesKey(f"a{i}", "d", "p") for i in range(10)])
    b = Batch(
        [
            Row(n, 1700000000000 + i * 1000, float(i), 0, 1700000000005 + i * 1000)
            for n in ids
            for i in range(100)
        ]
    )
    assert s.readings.commit(b) == (1000, 0, 0) or True
    print(s.readings.commit(b))
    print(
        s.readings.seal(1800000000000),
        s.readings.commit(b),
        s.readings.counts(),
        len(s.readings.points(1, 0, 2**45).ts_ms),
        s.readings.hours(1, 0, 2**45),
        s.readings.last(ids)[:2],
    )
