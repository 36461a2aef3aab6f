"""The judge of what comes out of a codec's process, which may be anything."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.codecs.output import Decoded, data_of, judged
from beffroi.model.limits import CODEC_KEYS_MAX, CODEC_OUTPUT_BYTES_MAX, JSON_DEPTH_MAX
from beffroi.ports.codec import CodecError


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "result",
    [
        "",
        "null",
        "[]",
        "1",
        "{}",
        '{"data": null}',
        '{"data": [1]}',
        '{"data": "x"}',
        '{"data": NaN}',
        '{"data": {"a": NaN}}',
        '{"data": {"a": Infinity}}',
        '{"data": {"a": 1e308}}',
        '{"data": {"a": -1e22}}',
        '{"data": {"a": 1e999}}',
        '{"data": {"a": [[1e300]]}}',
        '{"data": {"a": "\\ud800"}}',
        '{"data": {"a": 1}',
        '{"data": {"a": 1}} x',
        '{"data": ' + nested(JSON_DEPTH_MAX + 1) + "}",
        '{"data": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"data": ' + json.dumps({f"k{n}": n for n in range(CODEC_KEYS_MAX + 1)}) + "}",
        '{"data": {"a": "' + "x" * (CODEC_OUTPUT_BYTES_MAX + 64) + '"}}',
    ],
)
def test_bad_output_is_refused(result: str) -> None:
    with pytest.raises(CodecError):
        judged(result.encode())


@pytest.mark.parametrize("raw", [b"\xff\xfe", b'{"data": {"a": "\xff"}}', b"\x00"])
def test_bytes_that_are_no_text_are_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        judged(raw)


def test_good_output_passes_as_it_is() -> None:
    data = {"a": 1, "b": -0.5, "c": "é", "d": None, "e": [True, {"f": 1e20}], "__proto__": 1}
    assert judged(json.dumps({"data": data}).encode()) == Decoded(data)


def test_errors_win_over_data_and_odd_shapes_become_text() -> None:
    decoded = judged(b'{"data": {"a": 1}, "errors": "one", "warnings": [1, {"a": 2}]}')
    assert decoded == Decoded(None, ["1", "{'a': 2}"], ["one"])
    assert "one" in str(data_of(decoded))
    assert judged(b'{"data": {"a": 1}, "errors": []}') == Decoded({"a": 1})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=4), json_values))
def test_what_passes_is_finite_and_equal(data: dict[str, object]) -> None:
    text = json.dumps({"data": data})
    try:
        decoded = judged(text.encode())
    except CodecError:
        return
    numbers = [decoded.data]
    while numbers:
        value = numbers.pop()
        if isinstance(value, dict):
            numbers.extend(value.values())
        elif isinstance(value, list):
            numbers.extend(value)
        elif isinstance(value, float):
            assert math.isfinite(value)
    assert decoded.data == data


@given(st.binary(max_size=200))
def test_any_bytes_are_judged_not_crashed_on(raw: bytes) -> None:
    with contextlib.suppress(CodecError):
        assert isinstance(judged(raw), Decoded)
