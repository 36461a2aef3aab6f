"""One value, one sequence of bytes: a part of deterministic CBOR (RFC 8949, 4.2.1).

Whole numbers, text, bytes, lists, maps with text keys, true, false, null. No floating point, tags,
indefinite lengths or duplicate keys. What is not written in the only right way is not read at all,
so two programs can never see two commands in the same signed bytes.
"""

from __future__ import annotations

from typing import TypeAlias

from beffroi.kernel.limits import DEPTH_MAX, ITEMS_MAX, WHOLE_MAX

Value: TypeAlias = "int | str | bytes | bool | list[Value] | dict[str, Value] | None"

_FALSE, _TRUE, _NULL = 0xF4, 0xF5, 0xF6


class CanonicalError(ValueError):
    """The bytes, or the value, are not in the one permitted form."""


def encode(value: object) -> bytes:
    """The bytes of a value. Tuples count as lists. CanonicalError for anything else."""
    return _encode(value, 0)


def _encode(value: object, depth: int) -> bytes:
    if depth > DEPTH_MAX:
        raise CanonicalError(f"deeper than {DEPTH_MAX}")
    if value is None or isinstance(value, bool):
        return bytes([_NULL if value is None else _TRUE if value else _FALSE])
    if isinstance(value, int):
        _in_range(value)
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(_encode(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return _map(value, depth)
    raise CanonicalError(f"a {type(value).__name__} cannot be signed")


def _map(value: dict[object, object], depth: int) -> bytes:
    pairs = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise CanonicalError("keys are texts")
        pairs.append((_text(key), _encode(item, depth + 1)))
    return _head(5, len(pairs)) + b"".join(key + item for key, item in sorted(pairs))


def _text(value: str) -> bytes:
    try:
        raw = value.encode()
    except UnicodeEncodeError as error:
        raise CanonicalError("a text with half a character") from error
    return _head(3, len(raw)) + raw


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, width in ((24, 1), (25, 2), (26, 4)):
        if number < 1 << 8 * width:
            return bytes([major << 5 | code]) + number.to_bytes(width, "big")
    return bytes([major << 5 | 27]) + number.to_bytes(8, "big")


def _in_range(value: int) -> None:
    if not -WHOLE_MAX <= value <= WHOLE_MAX:
        raise CanonicalError("a number is out of range")


def decode(data: bytes, bytes_max: int) -> Value:
    """The value of `data`, all of it. CanonicalError with the first thing that is wrong."""
    if len(data) > bytes_max:
        raise CanonicalError(f"{len(data)} bytes, more than {bytes_max}")
    value, end = _item(data, 0, 0)
    if end != len(data):
        raise CanonicalError(f"{len(data) - end} bytes too many")
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > DEPTH_MAX:
        raise CanonicalError(f"deeper than {DEPTH_MAX}")
    if at >= len(data):
        raise CanonicalError("cut short")
    first = data[at]
    if first in (_FALSE, _TRUE, _NULL):
        return (None if first == _NULL else first == _TRUE), at + 1
    major = first >> 5
    number, at = _number(data, at)
    if major <= 1:
        value = number if major == 0 else -1 - number
        _in_range(value)
        return value, at
    if major in (2, 3):
        return _string(data, at, number, major == 3)
    if major == 4:
        return _list(data, at, number, depth)
    return _pairs(data, at, number, depth)


def _number(data: bytes, at: int) -> tuple[int, int]:
    major, info = data[at] >> 5, data[at] & 0x1F
    if major > 5:
        raise CanonicalError("tags and floating point are not permitted")
    if info < 24:
        return info, at + 1
    if info > 27:
        raise CanonicalError("indefinite or reserved length")
    width = 1 << (info - 24)
    raw = data[at + 1 : at + 1 + width]
    if len(raw) != width:
        raise CanonicalError("cut short")
    number = int.from_bytes(raw, "big")
    if number < (24 if width == 1 else 1 << 4 * width):
        raise CanonicalError("a number written longer than needed")
    return number, at + 1 + width


def _string(data: bytes, at: int, length: int, text: bool) -> tuple[Value, int]:
    raw = data[at : at + length]
    if len(raw) != length:
        raise CanonicalError("cut short")
    if not text:
        return raw, at + length
    try:
        return raw.decode(), at + length
    except UnicodeDecodeError as error:
        raise CanonicalError("a text that is not UTF-8") from error


def _list(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    _bounded(count)
    items: list[Value] = []
    for _ in range(count):
        item, at = _item(data, at, depth + 1)
        items.append(item)
    return items, at


def _pairs(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    _bounded(count)
    pairs: dict[str, Value] = {}
    before = b""
    for _ in range(count):
        start = at
        key, at = _item(data, at, depth + 1)
        if not isinstance(key, str):
            raise CanonicalError("keys are texts")
        if data[start:at] <= before:
            raise CanonicalError("keys twice or out of order")
        before = data[start:at]
        pairs[key], at = _item(data, at, depth + 1)
    return pairs, at


def _bounded(count: int) -> None:
    if count > ITEMS_MAX:
        raise CanonicalError(f"{count} items, more than {ITEMS_MAX}")
