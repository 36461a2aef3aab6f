"""The contract of inventory, alarms and people, on both engines."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from beffroi.adapters.sql import SqlStore
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.asset import Asset, Device
from beffroi.model.finding import Severity
from beffroi.model.limits import SIGN_IN_LOG_DAYS
from beffroi.ports.store import Batch, StaleVersionError, StoreError, User

NOW = 1_790_000_000_000


def asset(n: int) -> Asset:
    return Asset(f"a{n:03}", "d", "k", f"Réservoir {n}", 2.0 + n / 100, 48.0 + n / 100)


def change(version: int, state: AlarmState = AlarmState.RAISED) -> AlarmChange:
    alarm = Alarm(
        "al1", "r", "a001", "d", Severity.GRAVE, state, True, NOW, NOW, NOW, version=version
    )
    return AlarmChange(alarm, (AlarmEvent("al1", NOW + version, "hub", "raised", "é"),))


def test_assets_in_a_box_and_by_page(store: SqlStore) -> None:
    store.assets.put_assets([asset(n) for n in range(100)])
    found = store.assets.assets_in(2.095, 48.0, 2.125, 49.0, ["d"], 10)
    assert [a.id for a in found] == ["a010", "a011", "a012"]
    assert store.assets.assets_in(2.095, 48.0, 2.125, 49.0, ["other"], 10) == []
    assert [a.id for a in store.assets.assets(limit=2, after="a041")] == ["a042", "a043"]
    assert store.assets.asset("a007") == asset(7)


def test_every_change_of_the_inventory_moves_its_version(store: SqlStore) -> None:
    seen = [store.assets.inventory_version()]
    store.assets.put_assets([asset(1)])
    seen.append(store.assets.inventory_version())
    store.assets.put_devices([Device("d1", "a001", dev_eui="00AA")])
    seen.append(store.assets.inventory_version())
    assert seen == sorted(set(seen))
    store.readings.commit(Batch(seen={"d1": NOW}))  # a sign of life is no change
    assert store.assets.inventory_version() == seen[-1]


def test_a_device_is_found_by_its_radio_name_and_never_seen_earlier(store: SqlStore) -> None:
    store.assets.put_assets([asset(1)])
    device = Device("d1", "a001", dev_eui="00AA", points={"L": ("a001", "level_m")})
    store.assets.put_devices([device])
    store.readings.commit(Batch(seen={"d1": NOW}))
    store.readings.commit(Batch(seen={"d1": NOW - 5}))
    store.assets.put_devices([replace(device, firmware="2", last_seen_ms=3)])
    found = store.assets.device_by_eui("00AA")
    assert found is not None
    assert (found.last_seen_ms, found.firmware, found.points) == (NOW, "2", device.points)


def test_an_asset_with_a_device_cannot_be_deleted(store: SqlStore) -> None:
    store.assets.put_assets([asset(1)])
    store.assets.put_devices([Device("d1", "a001")])
    with pytest.raises(StoreError):
        store.assets.delete_asset("a001")
    assert store.assets.asset("a001") is not None


def test_pages_of_alarms_lose_none_of_one_millisecond(store: SqlStore) -> None:
    born = change(1).alarm
    some = [replace(born, id=f"al{n}", seen_ms=NOW + n // 5) for n in range(12)]
    store.alarms.apply([AlarmChange(one, ()) for one in some])
    found: list[Alarm] = []
    page = store.alarms.alarms([], limit=2)
    while page:
        found += page
        page = store.alarms.alarms([], limit=2, before_ms=page[-1].seen_ms, before_id=page[-1].id)
    assert found == sorted(some, key=lambda one: (-one.seen_ms, one.id))
    older = store.alarms.alarms([], before_ms=NOW + 1)
    assert {one.seen_ms for one in older} == {NOW}  # without an id the millisecond is left out


def test_an_alarm_moves_one_version_at_a_time_and_its_story_stays(store: SqlStore) -> None:
    store.alarms.apply([change(1)])
    with pytest.raises(StaleVersionError):
        store.alarms.apply([change(1)])
    with pytest.raises(StaleVersionError):
        store.readings.commit(Batch(alarms=[change(3)]))
    store.readings.commit(Batch(alarms=[change(2, AlarmState.ACKNOWLEDGED)]))
    assert [a.state for a in store.alarms.open_alarms()] == [AlarmState.ACKNOWLEDGED]
    assert [e.at_ms for e in store.alarms.events("al1")] == [NOW + 1, NOW + 2]
    for attack in ("UPDATE alarm_event SET doc = ''", "DELETE FROM alarm_event"):
        with pytest.raises(StoreError), store.database.write() as conn:
            conn.exec_driver_sql(attack)
    store.alarms.apply([change(3, AlarmState.CLOSED)])
    assert store.alarms.open_alarms() == []
    assert len(store.alarms.events("al1")) == 3


def test_a_one_time_link_has_exactly_one_taker(store: SqlStore) -> None:
    store.people.put_link("h", "first", "admin", NOW)
    won: list[str] = []

    def take() -> None:
        subject = store.people.take_link("h", "first", NOW - 1)
        if subject is not None:
            won.append(subject)

    takers = [threading.Thread(target=take) for _ in range(8)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert won == ["admin"]
    store.people.put_link("late", "first", "x", NOW)
    assert store.people.take_link("late", "first", NOW + 1) is None
    store.people.put_link("other", "enrol", "x", NOW)
    assert store.people.take_link("other", "first", NOW - 1) is None


def test_a_session_ends(store: SqlStore) -> None:
    store.people.put_user(User("u1", "Éloïse", "admin", "hash"))
    store.people.put_session("s", "u1", NOW)
    found = store.people.session("s", NOW - 1)
    assert found is not None
    assert found.name == "Éloïse"
    assert store.people.session("s", NOW + 1) is None
    store.people.put_session("t", "u1", NOW)
    store.people.drop_session("t")
    assert store.people.session("t", NOW - 1) is None


def test_sign_ins_end_and_nothing_else_does(store: SqlStore) -> None:
    end = NOW - SIGN_IN_LOG_DAYS * 86_400_000
    for at, action in (
        (end - 9, "sign_in"),
        (end - 8, "erase_account"),
        (end - 7, "sign_in_failed"),
    ):
        store.people.log_access(at, "u1", action, "198.51.100.7")
    store.people.log_access(NOW, "u1", "sign_in", "198.51.100.8")
    assert store.people.purge_sign_ins(end) == 2
    assert store.people.purge_sign_ins(end) == 0
    assert store.people.subjects_of("erase_account") == ["198.51.100.7"]
    with store.database.read() as conn:
        left = conn.exec_driver_sql("SELECT action FROM access_log ORDER BY id").scalars().all()
    assert list(left) == ["erase_account", "sign_in"]
    with pytest.raises(StoreError):  # the database itself refuses what is younger
        store.people.purge_sign_ins(NOW + 1)


def test_the_access_log_cannot_be_rewritten(store: SqlStore) -> None:
    store.people.log_access(NOW, "u1", "sign_in", "127.0.0.1")
    for attack in ("UPDATE access_log SET actor = 'x'", "DELETE FROM access_log"):
        with pytest.raises(StoreError), store.database.write() as conn:
            conn.exec_driver_sql(attack)


def test_an_erasure_beside_a_reader_stops_no_writer_and_is_done_once_it_has_gone(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a large database reads for minutes. An account that was changed meanwhile held
    every writer up, the ingest too, for as long as a writer waits at most."""
    if not store.database.sqlite:
        pytest.skip("SQLite has one writer")
    monkeypatch.setattr("beffroi.adapters.sql.database.SETTLE_AGAIN_S", 0.0)
    people, path = store.people, store.database.path
    wal = path.with_name(f"{path.name}-wal")
    people.put_user(User("u-1", "Marie Dupont", "reader"))
    reader = store.database.engine.connect()
    with reader.begin():
        reader.execute(text("SELECT * FROM person")).all()
        with monkeypatch.context() as patch:
            patch.setattr("beffroi.adapters.sql.database.SETTLE_MS_MAX", 0)
            people.put_user(User("u-1", "(u-1)", "reader", active=False))
            people.put_setting("a", "b")
        assert wal.stat().st_size > 0, "it is read still"
    reader.close()
    people.put_setting("a", "c")
    assert wal.stat().st_size == 0
    assert b"Dupont" not in path.read_bytes()
