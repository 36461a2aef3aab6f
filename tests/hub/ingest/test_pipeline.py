"""One turn: who may speak for whom, which time, which number, and where everything ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub.ingest.town import NOW_MS, Town, build, mqtt

from beffroi.hub.ingest.quota import Quota
from beffroi.model.asset import Device
from beffroi.model.limits import FUTURE_S_MAX, PAST_S_MAX
from beffroi.model.reading import Quality
from beffroi.ports.bus import Message


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = build(tmp_path)
    yield made
    assert made.stats.balanced()
    made.store.close()


def tele(sender: str, *items: Any) -> Message:
    return mqtt(sender, json.dumps(items[0] if len(items) == 1 else list(items)).encode())


def batch(sender: str, *readings: dict[str, Any]) -> Message:
    return mqtt(sender, json.dumps({"readings": readings}).encode(), "batch")


def one(device: str, ts_ms: int = NOW_MS, **values: Any) -> dict[str, Any]:
    return {"device": device, "ts": ts_ms, "values": values}


def test_a_nul_in_names_is_told_and_holds_up_nobody(tmp_path: Path, url: str) -> None:
    town = build(tmp_path, url)
    named = {"ts": NOW_MS, "values": {"level\0": 1}}
    town.feed(tele("d1", named), batch("g", one("no\0body", level_m=1)), tele("d2", {"level_m": 2}))
    assert sorted(town.reasons()) == ["unknown_device", "unknown_property"]
    assert town.stats.stored == 2
    assert town.stats.balanced()
    assert town.store.check() == []
    town.store.close()


def test_a_device_speaks_for_itself(town: Town) -> None:
    town.feed(tele("d1", {"ts": NOW_MS - 5, "values": {"level_m": 2.5, "on": True}}))
    assert town.points("d1") == {NOW_MS - 5: 2.5}
    assert town.points("d1", "on") == {NOW_MS - 5: 1.0}
    assert town.points("", "double_m") == {NOW_MS - 5: 5.0}
    assert town.stats.stored == 3
    assert town.stats.derived == 1


def test_a_gateway_speaks_for_its_children_only(town: Town) -> None:
    town.feed(batch("g", one("c", level_m=1), one("d1", level_m=1), one("nobody", level_m=1)))
    assert town.points("c", asset="t2") == {NOW_MS: 1.0}
    assert town.reasons() == ["not_your_child", "unknown_device"]


def test_a_device_cannot_speak_for_another(town: Town) -> None:
    town.feed(batch("d1", one("d2", level_m=1), one("d1", level_m=2)))
    assert town.points("d2") == {}
    assert town.points("d1") == {NOW_MS: 2.0}
    assert town.reasons() == ["not_your_child"]


def test_a_foreign_key_in_tele_is_not_an_identity(town: Town) -> None:
    town.feed(tele("d1", {"device": "d2", "ts": NOW_MS, "values": {"level_m": 1}}))
    assert town.reasons() == ["unreadable"]
    assert town.points("d2") == {}


def test_a_revoked_device_is_not_heard(town: Town) -> None:
    town.put(
        Device(id="d1", asset="t1", status="revoked"),
        Device(id="c", asset="t2", gateway="g", status="revoked"),
    )
    town.feed(tele("d1", {"level_m": 1}), batch("g", one("c", level_m=1)))
    assert town.reasons() == ["revoked", "revoked"]
    assert town.store.readings.counts().observations == 0


def test_an_unknown_sender(town: Town) -> None:
    town.feed(tele("ghost", {"level_m": 1}))
    assert town.reasons() == ["unknown_device"]


def test_a_device_enrolled_a_moment_ago_is_known(town: Town) -> None:
    town.put(Device(id="new", asset="t1"))
    town.inventory._not_before = float("inf")  # reloads are being spaced out
    town.feed(tele("new", {"ts": NOW_MS, "values": {"level_m": 1}}))
    assert town.points("new") == {NOW_MS: 1.0}


@pytest.mark.parametrize(
    ("ts_ms", "accepted"),
    [
        (NOW_MS + FUTURE_S_MAX * 1000, True),
        (NOW_MS + FUTURE_S_MAX * 1000 + 1, False),
        (NOW_MS - PAST_S_MAX * 1000, True),
        (NOW_MS - PAST_S_MAX * 1000 - 1, False),
        (0, False),
    ],
)
def test_time(town: Town, ts_ms: int, accepted: bool) -> None:
    text = f'{{"ts":{ts_ms / 1000:.3f},"values":{{"level_m":1}}}}'
    town.feed(mqtt("d1", text.encode()))
    assert town.points("d1") == ({ts_ms: 1.0} if accepted else {})
    assert town.reasons() == ([] if accepted else ["bad_time"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("10.0", ""),
        ("0", ""),
        ("-0.0001", "out_of_range"),
        ("10.0001", "out_of_range"),
        ("1e308", "out_of_range"),
        ("9" * 40, "out_of_range"),
        ('"2.1"', "not_a_number"),
        ("null", "not_a_number"),
        ("[1]", "not_a_number"),
        ('{"a":1}', "not_a_number"),
    ],
)
def test_numbers(town: Town, value: str, reason: str) -> None:
    town.feed(mqtt("d1", f'{{"values":{{"level_m":{value},"on":1}}}}'.encode()))
    assert town.reasons() == ([reason] if reason else [])
    assert len(town.points("d1")) == (0 if reason else 1)
    assert len(town.points("d1", "on")) == 1  # the good value beside it is kept


def test_unknown_and_derived_properties(town: Town) -> None:
    town.feed(tele("d1", {"values": {"colour": 1, "double_m": 4, "level_m": 1}}))
    assert town.reasons() == ["unknown_property", "unknown_property"]
    assert town.points("", "double_m") == {NOW_MS: 2.0}


def test_points_map_names_to_assets(town: Town) -> None:
    town.feed(batch("g", one("plc", A=3.5, B=True, C=1)))
    assert town.points("plc") == {NOW_MS: 3.5}
    assert town.points("plc", "on", asset="t2") == {NOW_MS: 1.0}
    assert town.reasons() == ["unknown_property"]


def test_a_model_is_decoded_and_its_errors_cost_one_reading(town: Town) -> None:
    town.feed(
        batch("g", one("cm", cm=250), one("cm", NOW_MS - 1, m=2), one("cm", NOW_MS - 2, cm="x"))
    )
    assert town.points("cm", asset="t2") == {NOW_MS: 2.5}
    assert town.reasons() == ["unreadable", "unreadable"]


def test_duplicates_conflicts_and_late(town: Town) -> None:
    first = tele("d1", {"ts": NOW_MS - 10, "values": {"level_m": 1}})
    town.feed(first, first)
    town.feed(first, tele("d1", {"ts": NOW_MS - 10, "values": {"level_m": 2}}))
    town.feed(tele("d1", {"ts": NOW_MS - 20, "values": {"level_m": 3}}))
    assert town.points("d1") == {NOW_MS - 20: 3.0, NOW_MS - 10: 1.0}
    assert (town.stats.duplicates, town.stats.late) == (2, 1)
    assert town.stats.quarantined == {"conflict": 1}
    assert town.watch().order == [("d1", "level_m", NOW_MS - 10)]
    series = next(k for k in town.store.readings.series_of(["t1"]) if k.device == "d1")
    number = town.store.readings.series_of(["t1"])[series]
    quality = town.store.readings.points(number, 0, 2**62).quality.tolist()
    assert quality == [Quality.LATE, Quality.GOOD]


def test_one_turn_is_folded_in_device_time_order(town: Town) -> None:
    times = [NOW_MS - 1, NOW_MS - 3, NOW_MS - 2]
    town.feed(*(tele("d1", {"ts": ts, "values": {"level_m": 1}}) for ts in times))
    assert [ts for _, _, ts in town.watch().order] == sorted(times)
    assert town.stats.late == 0


def test_suspects_are_marked(town: Town) -> None:
    town.feed(tele("d1", {"ts": NOW_MS - 1, "values": {"on": 1, "level_m": 0.1}}))
    keys = town.store.readings.series_of(["t1"])
    lasts = {last.series_id: last.quality for last in town.store.readings.last(list(keys.values()))}
    by_prop = {key.prop: lasts[number] for key, number in keys.items()}
    assert by_prop == {
        "level_m": Quality.SUSPECT,
        "on": Quality.GOOD,
        "double_m": Quality.DERIVED,
    }


def test_an_alarm_commits_with_its_reading(town: Town) -> None:
    town.feed(tele("d1", {"values": {"level_m": 9.5}}))
    assert [alarm.rule for alarm in town.store.alarms.open_alarms()] == ["tower.high"]


def test_a_bug_of_a_domain_costs_one_step(town: Town) -> None:
    town.feed(
        tele("d1", {"values": {"level_m": 6.66}}), batch("g", one("c", NOW_MS - 1, level_m=9.5))
    )
    assert town.watches.errors == 1
    assert town.points("d1") == {NOW_MS: 6.66}
    assert [alarm.asset for alarm in town.store.alarms.open_alarms()] == ["t2"]


def uplink(eui: str, decoded: dict[str, Any] | None = None, data: str = "") -> bytes:
    body: dict[str, Any] = {"deviceInfo": {"devEui": eui}, "fPort": 1, "fCnt": 3, "data": data}
    if decoded is not None:
        body["object"] = decoded
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("eui", "decoded", "sender", "value", "reason"),
    [
        ("70B3D57ED005B89A", {"level_m": 1.5}, "g", 1.5, ""),
        ("70b3d57ed005b89a", {"level_m": 1.5}, "g", 1.5, ""),
        ("70B3D57ED005B89A", {"level_m": 1.5}, "d1", None, "not_your_child"),
        ("70B3D57ED005B89A", None, "g", None, "codec_failed"),
        ("0000000000000000", {"level_m": 1.5}, "g", None, "unknown_device"),
        ("70B3D57ED005B89B", {"level_m": 9.0}, "g", 2.5, ""),  # our codec, not theirs
        ("70B3D57ED005B89B", None, "d1", None, "not_your_child"),
    ],
)
def test_frames(
    town: Town, eui: str, decoded: dict[str, Any] | None, sender: str, value: float, reason: str
) -> None:
    body = uplink(eui, decoded, "GQ==")  # 25
    town.feed(Message(sender, "chirpstack", "up", body, NOW_MS, None))
    assert town.reasons() == ([reason] if reason else [])
    stored = {**town.points("lora", asset="t2"), **town.points("coded", asset="t2")}
    assert list(stored.values()) == ([value] if value else [])


@pytest.mark.parametrize("codec", ["broken", "refusing"])
def test_a_failing_codec_costs_its_own_frames_only(town: Town, codec: str) -> None:
    town.put(Device(id="bad", asset="t2", gateway="g", dev_eui="70B3D57ED005B89C", codec=codec))
    good, bad = uplink("70B3D57ED005B89B", None, "GQ=="), uplink("70B3D57ED005B89C", None, "GQ==")
    town.feed(*(Message("g", "chirpstack", "up", body, NOW_MS, None) for body in (bad, good)))
    assert town.reasons() == ["codec_failed"]
    assert list(town.points("coded", asset="t2").values()) == [2.5]


def test_a_codec_that_gives_no_number(town: Town) -> None:
    body = uplink("70B3D57ED005B89B")
    town.feed(Message("g", "chirpstack", "up", body, NOW_MS, None))
    assert town.reasons() == ["not_a_number"]


def test_an_unknown_link(town: Town) -> None:
    town.feed(Message("g", "telepathy", "up", b"{}", NOW_MS, None))
    assert town.reasons() == ["unreadable"]


def test_an_import_speaks_for_everybody(town: Town) -> None:
    payload = json.dumps({"readings": [one("d1", level_m=1), one("nobody", level_m=1)]}).encode()
    town.feed(Message("import", "csv", "up", payload, NOW_MS, None))
    assert town.points("d1") == {NOW_MS: 1.0}
    assert town.reasons() == ["unknown_device"]


def test_a_flood_is_one_row_and_others_are_heard(tmp_path: Path) -> None:
    town = build(tmp_path, quota=Quota(per_s=10, burst=50))
    flood = [tele("d1", {"ts": NOW_MS - n, "values": {"level_m": 1}}) for n in range(500)]
    town.feed(*flood, tele("d2", {"values": {"level_m": 2}}))
    assert len(town.points("d1")) == 50
    assert town.points("d2") == {NOW_MS: 2.0}
    assert town.reasons() == ["over_quota"]
    assert town.stats.quarantined == {"over_quota": 450}
    assert "449 more" in town.store.readings.quarantine(1)[0][1].detail
    assert town.stats.balanced()
    later = tele("d1", {"values": {"level_m": 3}})._replace(recv_ms=NOW_MS + 1_000)
    town.feed(*[later] * 20)
    assert town.points("d1")[NOW_MS + 1_000] == 3.0
    assert town.stats.quarantined == {"over_quota": 460}
    town.store.close()


def test_a_device_that_kept_a_month_loses_nothing(tmp_path: Path) -> None:
    """It was acknowledged, so it is durable; a flood of fresh readings stays a flood."""
    town = build(tmp_path, quota=Quota(per_s=10, burst=50, backlog=4_000))
    past = [NOW_MS - (n + 2) * 600_000 for n in range(4_320)]
    kept = [
        tele("d1", *({"ts": at, "values": {"level_m": 1}} for at in past[n : n + 20]))
        for n in range(0, 4_000, 20)
    ]
    town.feed(*kept)
    assert len(town.points("d1")) == 4_000
    assert town.reasons() == []
    town.feed(*(tele("d1", {"ts": at, "values": {"level_m": 1}}) for at in past[4_000:]))
    assert town.reasons() == ["over_quota"], "the second bucket has a bottom too"
    assert town.stats.balanced()
    town.store.close()


def test_large_rubbish_counts_for_its_bytes(tmp_path: Path) -> None:
    town = build(tmp_path, quota=Quota(per_s=10, burst=50))
    town.feed(*[mqtt("d1", b"x" * 50_000)] * 3)
    assert town.reasons() == ["unreadable", "over_quota"]
    town.store.close()


def test_many_bad_readings_of_one_kind_are_counted_not_all_kept(town: Town) -> None:
    town.feed(batch("g", *(one("nobody", NOW_MS - n, level_m=1) for n in range(300))))
    assert town.stats.quarantined == {"unknown_device": 300}
    rows = town.store.readings.quarantine(1_000)
    assert len(rows) == 100
    assert "200 more" in rows[0][1].detail


def test_a_poison_message_is_alone_in_quarantine(town: Town) -> None:
    def poisoned(payload: bytes, kind: str, sender: str, recv_ms: int) -> Any:
        raise ZeroDivisionError("a fault in a parser")

    town.pipeline._parsers = {**town.pipeline._parsers, "poison": poisoned}
    good = tele("d1", {"ts": NOW_MS, "values": {"level_m": 1}})
    town.feed(Message("g", "poison", "up", b"whole", NOW_MS, None), good)
    assert town.points("d1") == {NOW_MS: 1.0}
    assert town.reasons() == ["unreadable"]
    assert town.store.readings.quarantine(1)[0][1].payload == b"whole"
