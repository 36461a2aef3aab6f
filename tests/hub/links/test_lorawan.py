"""Webhook bodies of ChirpStack v4 and The Things Stack v3, as their documentation gives them."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hub.links import chirpstack, tts
from beffroi.hub.links.items import LinkError

RECV_MS = 1_790_000_000_000
CHIRPSTACK: dict[str, Any] = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-07-18T09:34:15.775023242+00:00",
    "deviceInfo": {
        "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
        "tenantName": "Commune",
        "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97",
        "applicationName": "Parking",
        "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
        "deviceProfileName": "Sensor",
        "deviceName": "bay 12",
        "devEui": "0101010101010101",
        "tags": {"key": "value"},
    },
    "devAddr": "00189440",
    "dr": 1,
    "fCnt": 12,
    "fPort": 1,
    "data": "lQ==",
    "object": {"type": "parking_status", "occupied": True},
    "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
    "txInfo": {"frequency": 868_100_000},
}
TTS: dict[str, Any] = {
    "end_device_ids": {
        "device_id": "dev1",
        "application_ids": {"application_id": "app1"},
        "dev_eui": "0004A30B001C0530",
        "join_eui": "800000000000000C",
        "dev_addr": "00BCB929",
    },
    "correlation_ids": ["as:up:01E191YN5F2HMBQCBCVRF731VY"],
    "received_at": "2026-02-12T15:15:45.787Z",
    "uplink_message": {
        "session_key_id": "AXA50tHUaHDaGBlz5nr5tA==",
        "f_cnt": 38,
        "f_port": 2,
        "frm_payload": "Af8=",
        "decoded_payload": {"occupied": True, "temperature": -1},
        "rx_metadata": [{"gateway_ids": {"gateway_id": "gtw1"}, "rssi": -35, "snr": 5}],
        "settings": {"frequency": "868300000"},
        "received_at": "2026-02-12T15:15:45.786587Z",
    },
}


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_chirpstack_up() -> None:
    (frame,) = chirpstack.parse(body(CHIRPSTACK), "up", "lns", RECV_MS).frames
    assert frame.dev_eui == "0101010101010101"
    assert (frame.f_port, frame.f_cnt, frame.payload) == (1, 12, b"\x95")
    assert frame.recv_time == "2026-07-18T09:34:15.775Z"
    assert frame.ts_ms == 1_784_367_255_775
    assert frame.decoded == {"type": "parking_status", "occupied": True}


def test_tts_up() -> None:
    (frame,) = tts.parse(body(TTS), "up", "lns", RECV_MS).frames
    assert frame.dev_eui == "0004A30B001C0530"
    assert (frame.f_port, frame.f_cnt, frame.payload) == (2, 38, b"\x01\xff")
    assert frame.recv_time == "2026-02-12T15:15:45.786Z"
    assert frame.decoded == {"occupied": True, "temperature": -1}


def test_absent_fields_are_zero() -> None:
    lean = {"deviceInfo": {"devEui": "0101010101010101"}}
    (frame,) = chirpstack.parse(body(lean), "up", "lns", RECV_MS).frames
    assert (frame.f_port, frame.f_cnt, frame.payload, frame.decoded) == (0, 0, b"", None)
    assert frame.ts_ms == RECV_MS
    lean = {"end_device_ids": {"dev_eui": "0004A30B001C0530"}, "uplink_message": {}}
    (frame,) = tts.parse(body(lean), "up", "lns", RECV_MS).frames
    assert (frame.f_port, frame.f_cnt, frame.payload, frame.decoded) == (0, 0, b"", None)


def test_events() -> None:
    assert chirpstack.event_of("up", b"") == "up"
    assert chirpstack.event_of("join", b"") == "join"
    for unknown in (None, "", "UP", "x" * 1000):
        with pytest.raises(LinkError):
            chirpstack.event_of(unknown, b"")
    assert tts.event_of(None, body(TTS)) == "up"
    assert tts.event_of(None, body({"join_accept": {}})) == "join_accept"
    with pytest.raises(LinkError, match="uplink_message"):
        tts.event_of(None, b"{}")
    assert tts.parse(body({"join_accept": {}}), "up", "lns", RECV_MS).ignored == 1


def test_protobuf_and_version_3_are_told_what_to_do() -> None:
    with pytest.raises(LinkError, match="JSON"):
        chirpstack.parse(b"\n$3ac7e3c4\x12\x0b", "up", "lns", RECV_MS)
    with pytest.raises(LinkError, match="JSON"):
        tts.event_of(None, b"\n\x1d\n\x04dev1")
    with pytest.raises(LinkError, match="version 4"):
        chirpstack.parse(body({"devEUI": "AQEBAQEBAQE=", "data": "AQ=="}), "up", "lns", RECV_MS)


def test_a_simulated_uplink_is_no_reading() -> None:
    with pytest.raises(LinkError, match="simulated"):
        tts.parse(body({**TTS, "simulated": True}), "up", "lns", RECV_MS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("deviceInfo", "devEui"), "xyz"),
        (("deviceInfo", "devEui"), 12),
        (("deviceInfo", "devEui"), "0101010101010101\n"),
        (("deviceInfo",), []),
        (("fPort",), 256),
        (("fPort",), True),
        (("fPort",), -1),
        (("fCnt",), 2**32),
        (("fCnt",), "1"),
        (("data",), "not base64!"),
        (("data",), 5),
        (("data",), "AAAA" * 100),
        (("time",), "2026-07-18T09:34:15"),
        (("time",), 5),
        (("time",), "0000-00-00T00:00:00Z"),
        (("object",), [1]),
        (("object",), {f"v{n}": n for n in range(65)}),
    ],
)
def test_bad_fields(path: tuple[str, ...], value: Any) -> None:
    document = copy.deepcopy(CHIRPSTACK)
    at = document
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    with pytest.raises(LinkError):
        chirpstack.parse(body(document), "up", "lns", RECV_MS)


@given(st.binary(max_size=200), st.sampled_from([chirpstack.parse, tts.parse]))
def test_any_bytes(payload: bytes, parse: Any) -> None:
    for text in (payload, b"{" + payload):
        with contextlib.suppress(LinkError):
            parse(text, "up", "lns", RECV_MS)


PATCH = st.dictionaries(
    st.sampled_from(["time", "deviceInfo", "fCnt", "fPort", "data", "object"]),
    st.none() | st.integers() | st.text(max_size=20) | st.booleans() | st.just({}) | st.just([]),
)


@given(PATCH)
def test_any_field(patch: dict[str, Any]) -> None:
    with contextlib.suppress(LinkError):
        chirpstack.parse(body({**CHIRPSTACK, **patch}), "up", "lns", RECV_MS)
