"""JSON that may come from anybody: bounded time and memory, and a clear refusal.

msgspec already refuses NaN, infinities, numbers out of range, broken UTF-8, lone surrogates, byte
order marks and trailing bytes. Added here: size, depth, and duplicate keys, for which two readers
of the same bytes could understand different things. Knows no format.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import msgspec

from beffroi.hub.links.items import LinkError
from beffroi.model.limits import JSON_DEPTH_MAX, MESSAGE_BYTES_MAX, NAME_CHARS_MAX

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MS_FROM = 1e11  # a number greater than this counts milliseconds: in seconds it is the year 5138
TIME_MS_MAX = 253_402_300_800_000  # year 10000: beyond what a date can say
_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_any = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


def check_size(payload: bytes) -> None:
    """Before anything else looks at the bytes."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise LinkError(
            f"{len(payload)} bytes is more than {MESSAGE_BYTES_MAX} a message: send it in parts"
        )


def check_unique(payload: bytes, keys: int) -> None:
    """Refuse duplicate keys; `keys` is how many the decoder kept.

    Each key of the document shows as `":` (with no space before the colon), and so may a string's
    end: never fewer than the keys. Equal counts prove that none was dropped; else look closely.
    """
    if payload.count(b'":') == keys and not any(mark in payload for mark in _SPACED_COLONS):
        return
    _look_closely(payload)


def _look_closely(payload: bytes) -> None:
    try:
        json.loads(payload, object_pairs_hook=_no_twice, parse_int=float, parse_float=float)
    except (ValueError, RecursionError) as error:
        raise LinkError(f"not JSON: {error}") from error


def _no_twice(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise LinkError(f"the key {twice[:NAME_CHARS_MAX]!r} appears twice in one object")


def loads(payload: bytes) -> Any:
    """Any JSON value, all checks applied (the slow and general way)."""
    check_size(payload)
    try:
        value = _any.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        refuse(error)
    check_depth(value)
    _look_closely(payload)
    return value


def refuse(error: Exception) -> NoReturn:
    """The decoder's complaint in the form of this package."""
    if isinstance(error, RecursionError):
        raise LinkError(f"nested deeper than {JSON_DEPTH_MAX} levels") from error
    raise LinkError(f"not the JSON expected here: {str(error)[:300]}") from error


def check_depth(value: Any, depth: int = JSON_DEPTH_MAX) -> None:
    """Refuse what is nested deeper than JSON_DEPTH_MAX."""
    level = [value]
    for _ in range(depth + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise LinkError(f"nested deeper than {depth} levels")


def iso_ms(text: str) -> int:
    """ISO 8601 with a zone -> UTC milliseconds. Raises ValueError, OverflowError."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError("has no time zone: add Z or an offset such as +01:00")
    return (when - EPOCH) // MILLISECOND


def number_ms(number: float) -> int:
    """Seconds or milliseconds since 1970 -> UTC milliseconds. Raises ValueError."""
    if number > MS_FROM:
        if number > TIME_MS_MAX:
            raise ValueError("is beyond the year 9999")
        return int(number)
    if number < -MS_FROM:
        raise ValueError("is before the year 1970")
    return round(number * 1000)


def iso(ts_ms: int) -> str:
    """UTC milliseconds -> ISO 8601 as TS013 codecs expect it."""
    return (EPOCH + timedelta(milliseconds=ts_ms)).isoformat(timespec="milliseconds")[:-6] + "Z"


def dump(value: Any) -> bytes:
    """JSON for quarantine, whatever it holds: a number too large for 64 bits is legal JSON."""
    try:
        return _encode(value)
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError, RecursionError):
        return json.dumps(value, default=str).encode("utf-8", "replace")
