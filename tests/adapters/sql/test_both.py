"""Where the two engines would differ by themselves: a NUL in a text, two writers, a server away."""

from __future__ import annotations

import threading

import pytest

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.asset import Device
from beffroi.model.reading import Quarantined, Reason
from beffroi.ports.store import Batch, StoreError


def test_a_nul_in_a_text_stops_nothing(store: SqlStore) -> None:
    """PostgreSQL keeps none: what a device sends would have failed the transaction of many."""
    bad = Quarantined(1, "mqtt", "d\0", Reason.CONFLICT, "no property x\0y", b"\0")
    for _ in range(2):
        store.readings.commit(Batch(quarantined=[bad]))
    ((_, kept),) = store.readings.quarantine(10)
    assert (kept.detail, kept.payload) == ("no property x\ufffdy", b"\0")
    store.people.log_access(1, "u\0", "sign_in_failed", "who\0")
    store.people.put_setting("k", "v\0")
    assert store.people.setting("k") == "v\ufffd"
    assert store.assets.asset("a\0") is None
    assert store.people.user("\0") is None
    assert store.reports.by_link("\0") is None
    assert store.check() == []


def test_writers_in_opposite_order_both_end(store: SqlStore, url: str) -> None:
    """As hub and command line: two processes would wait for each other's rows for ever."""
    other = open_store(url)
    devices = [Device(f"d{n}", "a") for n in range(40)]
    failed: list[Exception] = []

    def write(by: SqlStore, order: list[Device]) -> None:
        try:
            for _ in range(15):
                by.assets.put_devices(order)
        except StoreError as error:
            failed.append(error)

    pairs = (store, devices), (other, devices[::-1])
    both = [threading.Thread(target=write, args=pair) for pair in pairs]
    for one in both:
        one.start()
    for one in both:
        one.join()
    other.close()
    assert failed == []
    assert len(store.assets.devices()) == 40


@pytest.mark.peer
def test_a_server_that_is_away_is_told_in_words() -> None:
    with pytest.raises(StoreError, match="does not answer: start it or check the url"):
        open_store("postgresql+psycopg://beffroi@/town?host=/nowhere")
