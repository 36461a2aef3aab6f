"""The decision of the gate, without a broker: every way to be wrong is refused."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.nats import admit, tokens
from beffroi.adapters.nats.admit import Claim, Known, RefusalError
from beffroi.lab.mqtt import packet, split

SHOWN = Claim("dev-1", "ab", 2_000_000_000)
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


def test_enrolled_with_the_current_certificate_is_let_in():
    granted = admit.judge(SHOWN, Known("enrolled", "ab", False))
    assert list(granted.publish) == ["d.dev-1.tele"]


@pytest.mark.parametrize(
    "known",
    [
        None,
        Known("pending", "ab", False),
        Known("revoked", "ab", False),
        Known("", "ab", False),
        Known("enrolled", "cd", False),
        Known("enrolled", "", False),
    ],
)
def test_everything_else_is_refused(known):
    with pytest.raises(RefusalError):
        admit.judge(SHOWN, known)


def test_an_empty_serial_never_matches_an_empty_previous_one():
    with pytest.raises(RefusalError):
        admit.judge(SHOWN._replace(serial=""), Known("enrolled", "", False), "")
    with pytest.raises(RefusalError):
        admit.judge(SHOWN._replace(serial=""), Known("enrolled", "ab", False), "")


@given(names, st.booleans())
def test_permissions_stay_below_the_devices_own_topic(device, is_gateway):
    granted = admit.permissions(device, is_gateway)
    own = f"d.{device}"
    assert all(subject.startswith(f"{own}.") for subject in granted.publish)
    assert not any(mark in subject for subject in granted.publish for mark in "*>")
    reads = [subject for subject in granted.subscribe if subject != "$MQTT.sub.>"]
    assert all(subject == own or subject.startswith(f"{own}.") for subject in reads)


@pytest.mark.parametrize("kind", ["nats", "websocket", "leaf", ""])
def test_only_mqtt_comes_in_by_certificate(kind):
    request = tokens.Request("S", "U", 1, kind, "dev-1", "", "pem")
    with pytest.raises(RefusalError):
        admit.claim(request)


@given(st.binary(max_size=200))
def test_any_bytes_as_request_are_an_error(data):
    with pytest.raises(tokens.TokenError):
        tokens.read(b"a." + base64.urlsafe_b64encode(data) + b".c")


def nested(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), nested))
def test_any_json_as_request_is_an_error(value):
    body = base64.urlsafe_b64encode(json.dumps({"nats": value}).encode())
    with pytest.raises(tokens.TokenError):
        tokens.read(b"a." + body + b".c")


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=400)), max_size=8), st.data())
def test_packets_survive_any_cut_of_the_stream(packets, data):
    stream = b"".join(packet(first, body) for first, body in packets)
    buffer, got, at = bytearray(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 300))
        buffer += stream[at : at + step]
        at += step
        got += split(buffer)
    assert got == packets
    assert not buffer
