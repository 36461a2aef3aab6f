"""What devices may send, and everything else they might (threats M6)."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hub.links import mqtt_json
from beffroi.hub.links.items import LinkError, Parsed
from beffroi.model.limits import (
    JSON_DEPTH_MAX,
    MESSAGE_BYTES_MAX,
    NAME_CHARS_MAX,
    READINGS_PER_MESSAGE_MAX,
    VALUES_PER_READING_MAX,
)

RECV_MS = 1_790_000_000_000


def tele(text: str | bytes) -> Parsed:
    payload = text if isinstance(text, bytes) else text.encode()
    return mqtt_json.parse(payload, "tele", "d1", RECV_MS)


def batch(text: str) -> Parsed:
    return mqtt_json.parse(text.encode(), "batch", "g", RECV_MS)


@pytest.mark.parametrize(
    ("ts", "ts_ms"),
    [
        ("1700000000", 1_700_000_000_000),
        ("1700000000.25", 1_700_000_000_250),
        ("1700000000123", 1_700_000_000_123),
        ('"2026-01-01T00:00:00Z"', 1_767_225_600_000),
        ('"2026-01-01T01:00:00+01:00"', 1_767_225_600_000),
        ('"2026-01-01T00:00:00.123456789Z"', 1_767_225_600_123),
        ("null", RECV_MS),
        ("-1", -1_000),
    ],
)
def test_times(ts: str, ts_ms: int) -> None:
    (reading,) = tele(f'{{"ts":{ts},"values":{{"a":1}}}}').readings
    assert reading.ts_ms == ts_ms


@pytest.mark.parametrize(
    "ts", ['"2026-01-01T00:00:00"', '"yesterday"', '""', "1e300", "-1e300", "9" * 30]
)
def test_times_that_cannot_be_understood(ts: str) -> None:
    parsed = tele(f'{{"ts":{ts},"values":{{"a":1}}}}')
    assert [one.reason for one in parsed.refused] == ["bad_time"]


@pytest.mark.parametrize("ts", ["true", "[1]", "{}"])
def test_times_of_a_wrong_type(ts: str) -> None:
    parsed = tele(f'{{"ts":{ts},"values":{{"a":1}}}}')
    assert len(parsed.refused) == 1
    assert not parsed.readings


def test_short_form_and_lists() -> None:
    assert tele('{"level_m":2.1,"on":true,"seq":4}').readings[0].raw == {"level_m": 2.1, "on": True}
    parsed = tele('[{"ts":1,"values":{"a":1}},{"a":2},3]')
    assert [reading.raw for reading in parsed.readings] == [{"a": 1}, {"a": 2}]
    assert len(parsed.refused) == 1


def test_seq() -> None:
    assert tele('{"seq":0,"values":{"a":1}}').readings[0].seq == 0
    assert len(tele('{"seq":"x","values":{"a":1}}').refused) == 1


def test_one_bad_reading_of_a_batch_costs_only_itself() -> None:
    parsed = batch(
        '{"readings":[{"device":"a","values":{"x":1}},{"device":"b","values":[]},'
        '{"device":"c","values":{"x":1},"extra":1},{"values":{"x":1}},7,'
        '{"device":"d","ts":"no","values":{"x":1}},{"device":"e","values":{}},'
        '{"device":"f","values":{"x":{"deep":1}}}]}'
    )
    assert [reading.device for reading in parsed.readings] == ["a", "f"]
    assert [one.device for one in parsed.refused] == ["b", "c", "", "", "d", "e"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"{",
        b"[1,",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 100_000 + b"}",
        b'{"a":"\\ud800 "}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b'{"a":1,"a":2}',
        b'{"values":{"a":1,"a":2}}',
        b'{"values":{"a":1},"values":{"a":2}}',
        b'{"values" :{"a":1,"a" :2}}',
        b'{"values":{"a":1,"a" :2}}',
        b'{"values":{"a":1,"a"\n:2}}',
        b'{"values":{"\\u0061":1,"a":2}}',
        b'{"values":{"a":1}} x',
        b'{"values":{"a":1}}{}',
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b'{"values":{"a":' + b"[" * 100_000,
        b"[" * (JSON_DEPTH_MAX + 2) + b"]" * (JSON_DEPTH_MAX + 2),
        b" " * (MESSAGE_BYTES_MAX + 1),
        b'"text"',
        b"null",
    ],
    ids=lambda payload: repr(payload[:24]),
)
@pytest.mark.parametrize("kind", ["tele", "batch"])
def test_hostile_json_is_refused_in_bounded_time(payload: bytes, kind: str) -> None:
    start = time.thread_time()
    text, refused = "", 0
    try:
        parsed = mqtt_json.parse(payload, kind, "d1", RECV_MS)
        refused = len(parsed.refused)
        assert not parsed.readings
    except LinkError as error:
        text = str(error)
    assert refused or 0 < len(text) < 500
    assert time.thread_time() - start < 2.0


def test_duplicate_keys_in_one_reading_of_a_batch() -> None:
    with pytest.raises(LinkError, match="twice"):
        batch('{"readings":[{"device":"a","device":"b","values":{"x":1}}]}')
    with pytest.raises(LinkError, match="twice"):
        batch('{"readings":[{"device":"a","values":{"x":1,"x":1}}]}')


def test_limits() -> None:
    one = {"device": "a", "values": {"x": 1}}
    full = json.dumps({"readings": [one] * READINGS_PER_MESSAGE_MAX})
    assert len(batch(full).readings) == READINGS_PER_MESSAGE_MAX
    with pytest.raises(LinkError, match="split"):
        batch(json.dumps({"readings": [one] * (READINGS_PER_MESSAGE_MAX + 1)}))
    with pytest.raises(LinkError, match="split"):
        tele(json.dumps([{"x": 1}] * (READINGS_PER_MESSAGE_MAX + 1)))
    wide = {f"v{n}": n for n in range(VALUES_PER_READING_MAX + 1)}
    assert len(tele(json.dumps({"values": wide})).refused) == 1
    assert len(tele(json.dumps(wide)).refused) == 1
    long = "d" * (NAME_CHARS_MAX + 1)
    assert len(batch(json.dumps({"readings": [{**one, "device": long}]})).refused) == 1


def test_an_unknown_topic() -> None:
    with pytest.raises(LinkError, match="tele or batch"):
        mqtt_json.parse(b"{}", "cmd", "d1", RECV_MS)


def test_a_colon_in_a_text_is_no_duplicate() -> None:
    parsed = tele(r'{"values":{"a":"x\":y","b":1,"c":": :"}}')
    assert parsed.readings[0].raw == {"a": 'x":y', "b": 1, "c": ": :"}


@given(st.binary(max_size=300), st.sampled_from(["tele", "batch"]))
def test_any_bytes(payload: bytes, kind: str) -> None:
    with contextlib.suppress(LinkError):
        mqtt_json.parse(payload, kind, "d1", RECV_MS)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
READING = st.fixed_dictionaries(
    {},
    optional={"device": ANY | st.just("a"), "ts": ANY, "seq": ANY, "values": ANY, "odd": ANY},
)


@given(st.lists(READING, max_size=5))
def test_any_json_is_counted(items: list[Any]) -> None:
    """Each item of a batch is either a reading or refused."""
    payload = json.dumps({"readings": items}).encode()
    try:
        parsed = mqtt_json.parse(payload, "batch", "g", RECV_MS)
    except LinkError:
        return
    assert len(parsed.readings) + len(parsed.refused) == len(items)


@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=4), st.floats(-1e9, 1e9), min_size=1)))
def test_good_json_is_read_exactly(values: list[dict[str, float]]) -> None:
    """The fast and the slow way agree, whatever the names and the white space."""
    items = [{"device": "a", "ts": 1, "values": one} for one in values]
    for indent in (None, 1):
        payload = json.dumps({"readings": items}, indent=indent).encode()
        parsed = mqtt_json.parse(payload, "batch", "g", RECV_MS)
        assert [reading.raw for reading in parsed.readings] == values
