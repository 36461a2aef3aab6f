"""The one permitted form, beside cbor2 as an independent reader and writer."""

from __future__ import annotations

import contextlib
import io
import tracemalloc

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.kernel import limits
from beffroi.kernel.canonical import CanonicalError, Value, decode, encode
from beffroi.kernel.limits import DEPTH_MAX, ITEMS_MAX, WHOLE_MAX

BYTES_MAX = 1_000_000
WHOLES = st.integers(-WHOLE_MAX, WHOLE_MAX) | st.sampled_from(
    [n + d for n in (0, 23, 24, 255, 256, 65_535, 65_536, 2**32) for d in (-1, 0, 1)]
)
LEAVES = st.none() | st.booleans() | WHOLES | st.text(max_size=40) | st.binary(max_size=40)
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


def same(left: object, right: object) -> bool:
    """Equal, and True is not 1."""
    return repr(left) == repr(right) and left == right


def nested(depth: int) -> bytes:
    return b"\x81" * depth + b"\x00"


@given(VALUES)
def test_cbor2_writes_and_reads_the_same(value: Value) -> None:
    data = encode(value)
    assert data == cbor2.dumps(value, canonical=True)
    assert cbor2.loads(data) == value
    assert decode(data, BYTES_MAX) == value
    assert encode(decode(data, BYTES_MAX)) == data


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_what_is_accepted_has_one_meaning_and_one_form(data: bytes) -> None:
    try:
        value = decode(data, BYTES_MAX)
    except CanonicalError:
        return
    theirs = cbor2.loads(data)
    assert theirs == value
    assert cbor2.dumps(theirs, canonical=True) == data == encode(value)


@settings(max_examples=500)
@given(VALUES, st.data())
def test_a_valid_text_with_one_bit_changed(value: Value, data: st.DataObject) -> None:
    """The hard neighbourhood: nearly right."""
    good = bytearray(encode(value))
    at = data.draw(st.integers(0, 8 * len(good) - 1))
    good[at // 8] ^= 1 << at % 8
    try:
        read = decode(bytes(good), BYTES_MAX)
    except CanonicalError:
        return
    assert encode(read) == cbor2.dumps(cbor2.loads(bytes(good)), canonical=True) == bytes(good)


@given(VALUES, st.data())
def test_cut_short_or_with_more_behind_is_refused(value: Value, data: st.DataObject) -> None:
    good = encode(value)
    cut = data.draw(st.integers(0, len(good) - 1))
    for bad in (good[:cut], good + b"\x00", good + good):
        with pytest.raises(CanonicalError):
            decode(bad, BYTES_MAX)


HOSTILE = {
    "nothing": b"",
    "indefinite bytes": b"\x5f\x41a\xff",
    "indefinite text": b"\x7f\x61a\xff",
    "indefinite list": b"\x9f\x01\xff",
    "indefinite map": b"\xbf\x61a\x01\xff",
    "a lone break": b"\xff",
    "nested indefinite": b"\x9f" * 5_000,
    "a date": b"\xc1\x1a\x00\x00\x00\x00",
    "a bignum": b"\xc2\x49\x01" + bytes(8),
    "self-described": b"\xd9\xd9\xf7\x00",
    "a bomb of tags": b"\xc0" * 5_000 + b"\x00",
    "shared references": b"\xd8\x1c\x81\xd8\x1d\x00",
    "half float": b"\xf9\x3c\x00",
    "float": b"\xfa\x3f\x80\x00\x00",
    "double": b"\xfb\x3f\xf0" + bytes(6),
    "NaN": b"\xf9\x7e\x00",
    "undefined": b"\xf7",
    "simple 0": b"\xe0",
    "simple false, long": b"\xf8\x14",
    "simple 255": b"\xf8\xff",
    "reserved 28": b"\x1c",
    "reserved 30": b"\x1e",
    "zero in two bytes": b"\x18\x00",
    "23 in two bytes": b"\x18\x17",
    "255 in three bytes": b"\x19\x00\xff",
    "65535 in five bytes": b"\x1a\x00\x00\xff\xff",
    "2**32-1 in nine bytes": b"\x1b" + bytes(4) + b"\xff" * 4,
    "a negative written longer": b"\x38\x00",
    "length written longer": b"\x58\x01a",
    "text length written longer": b"\x78\x01a",
    "list length written longer": b"\x98\x01\x00",
    "map length written longer": b"\xb8\x01\x61a\x00",
    "number cut": b"\x1a\x00",
    "number absent": b"\x18",
    "bytes cut": b"\x43ab",
    "text cut": b"\x63ab",
    "bytes of 2**64 - 1": b"\x5b" + b"\xff" * 8,
    "text of 2**64 - 1": b"\x7b" + b"\xff" * 8,
    "list of 2**64 - 1": b"\x9b" + b"\xff" * 8,
    "map of 2**64 - 1": b"\xbb" + b"\xff" * 8,
    "list of 2**31": b"\x9a\x80\x00\x00\x00",
    "list of 20,001": b"\x99\x4e\x21" + bytes(20_001),
    "map of 20,001": b"\xb9\x4e\x21",
    "2**53": b"\x1b\x00\x20" + bytes(6),
    "-2**53": b"\x3b\x00\x1f" + b"\xff" * 6,
    "2**64 - 1": b"\x1b" + b"\xff" * 8,
    "not UTF-8": b"\x61\xff",
    "overlong UTF-8": b"\x62\xc0\x80",
    "half a surrogate pair": b"\x63\xed\xa0\x80",
    "beyond Unicode": b"\x64\xf4\x90\x80\x80",
    "a number as a key": b"\xa1\x01\x02",
    "bytes as a key": b"\xa1\x41a\x02",
    "a list as a key": b"\xa1\x80\x02",
    "null as a key": b"\xa1\xf6\x02",
    "one key twice": b"\xa2\x61a\x01\x61a\x02",
    "keys out of order": b"\xa2\x61b\x01\x61a\x02",
    "longer key first": b"\xa2\x62aa\x01\x61b\x02",
    "a map cut after its key": b"\xa1\x61a",
    "a map cut before its key": b"\xa1",
    "a list cut": b"\x82\x01",
    "too deep": nested(DEPTH_MAX + 1),
    "very deep": nested(400_000),
    "deep maps": b"\xa1\x61a" * 5_000 + b"\x00",
    "two values": b"\x00\x00",
    "larger than allowed": b"\x5a\x00\x10\x00\x00" + bytes(2**20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused(name: str) -> None:
    with pytest.raises(CanonicalError) as refusal:
        decode(HOSTILE[name], BYTES_MAX)
    assert str(refusal.value).isprintable()


def test_a_huge_declared_length_takes_no_memory() -> None:
    """Bounded by what came, not by what it says of itself."""
    bombs = [b for name, b in HOSTILE.items() if len(b) < 10_000]
    tracemalloc.start()
    for bomb in bombs:
        with pytest.raises(CanonicalError):
            decode(bomb, BYTES_MAX)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_no_input_takes_more_steps_than_it_has_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded time, counted instead of timed: each byte is the head of one item at most."""
    from beffroi.kernel import canonical

    steps = 0
    real = canonical._item

    def counted(data: bytes, at: int, depth: int) -> tuple[Value, int]:
        nonlocal steps
        steps += 1
        return real(data, at, depth)

    monkeypatch.setattr(canonical, "_item", counted)
    wide = [b"\x80" * n for n in (1, 10, 1_000)] + [b"\x99\x4e\x20" + b"\x80" * 20_000]
    wide += [(b"\x99\x03\xe8" * 3) + bytes(16_000), *HOSTILE.values()]
    for data in wide:
        steps = 0
        with contextlib.suppress(CanonicalError):
            decode(data, 16_384 * 2)
        assert steps <= len(data) + 1


def test_the_borders_are_inside() -> None:
    for value in (WHOLE_MAX, -WHOLE_MAX, [0] * ITEMS_MAX, {f"{n}": 0 for n in range(ITEMS_MAX)}):
        assert decode(encode(value), BYTES_MAX) == value
    assert decode(nested(DEPTH_MAX), BYTES_MAX)
    assert decode(b"\x43abc", 4) == b"abc"
    with pytest.raises(CanonicalError, match="4 bytes, more than 3"):
        decode(b"\x43abc", 3)


def test_bytes_and_booleans_are_kept_apart() -> None:
    for value in (True, False, None, 0, 1, "", b"", [], {}, "a", b"a", [True, 1]):
        assert same(decode(encode(value), 100), value)
    assert decode(encode((1, 2)), 100) == [1, 2], "tuples are lists"


def deep(levels: int) -> object:
    value: object = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {1},
        object(),
        bytearray(b"a"),
        WHOLE_MAX + 1,
        -WHOLE_MAX - 1,
        10**400,
        {1: 2},
        {b"a": 2},
        {True: 2},
        "\ud800",
        {"\ud800": 1},
        deep(DEPTH_MAX + 1),
        {"a": deep(DEPTH_MAX)},
        io.BytesIO(),
    ],
    ids=lambda v: repr(v)[:20],
)
def test_what_cannot_be_signed(value: object) -> None:
    with pytest.raises(CanonicalError):
        encode(value)


def test_the_deepest_that_can_be_written_can_be_read() -> None:
    assert decode(encode(deep(DEPTH_MAX)), 100) == deep(DEPTH_MAX)
    assert limits.DEPTH_MAX == DEPTH_MAX


VECTORS = {  # RFC 8949, appendix A, those of our part of CBOR
    0: "00", 1: "01", 10: "0a", 23: "17", 24: "1818", 25: "1819", 100: "1864", 1000: "1903e8",
    1000000: "1a000f4240", 1000000000000: "1b000000e8d4a51000", -1: "20", -10: "29", -100: "3863",
    -1000: "3903e7", b"": "40", b"\1\2\3\4": "4401020304", "": "60", "a": "6161",
    "IETF": "6449455446",
    '"\\': "62225c", "ü": "62c3bc", "水": "63e6b0b4", "𐅑": "64f0908591",
}  # fmt: skip


@pytest.mark.parametrize("value", VECTORS, ids=repr)
def test_vectors_of_the_standard(value: Value) -> None:
    assert encode(value).hex() == VECTORS[value]  # type: ignore[index]
    assert decode(bytes.fromhex(VECTORS[value]), 100) == value  # type: ignore[index]


def test_vectors_of_the_standard_with_parts() -> None:
    assert encode([1, [2, 3], [4, 5]]).hex() == "8301820203820405"
    assert encode({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}).hex() == (
        "a56161614161626142616361436164614461656145"
    )
    assert encode({"a": 1, "b": [2, 3]}).hex() == "a26161016162820203"
    assert encode([True, False, None]).hex() == "83f5f4f6"


def test_neither_a_list_nor_a_map_is_longer_than_any_document_needs() -> None:
    many = ITEMS_MAX + 1
    with pytest.raises(CanonicalError, match="items"):
        decode(encode([0] * many), BYTES_MAX)
    with pytest.raises(CanonicalError, match="items"):
        decode(encode({f"k{n}": 0 for n in range(many)}), BYTES_MAX)
    assert decode(encode({f"k{n}": 0 for n in range(ITEMS_MAX)}), BYTES_MAX)
