"""Judges what a codec returned: bytes of a process that may lie about everything.

Refuses to know devices and properties: whether a value makes sense is for the domain to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from beffroi.model.limits import (
    CODEC_KEYS_MAX,
    CODEC_NUMBER_ABS_MAX,
    CODEC_OUTPUT_BYTES_MAX,
    JSON_DEPTH_MAX,
)
from beffroi.ports.codec import CodecError

SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class Decoded:
    """The result of one frame as TS013 has it. With errors there is no data."""

    data: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class _Shape(msgspec.Struct):
    data: Any = None
    warnings: Any = None
    errors: Any = None


_decoder = msgspec.json.Decoder(_Shape)


def judged(result: bytes) -> Decoded:
    """Raises CodecError when the output breaks a rule."""
    if len(result) > CODEC_OUTPUT_BYTES_MAX + 64:
        raise CodecError(f"the codec returned more than {CODEC_OUTPUT_BYTES_MAX} bytes")
    try:
        shape = _decoder.decode(result)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError) as error:
        raise CodecError(f"the codec returned no valid JSON: {error}") from None
    errors = _texts(shape.errors)
    if errors:
        return Decoded(None, _texts(shape.warnings), errors)
    if not isinstance(shape.data, dict):
        raise CodecError("the codec returned no `data` object and no errors")
    _measure(shape.data)
    return Decoded(shape.data, _texts(shape.warnings))


def data_of(decoded: Decoded) -> dict[str, Any] | CodecError:
    """What the hub wants of a frame."""
    if decoded.data is None:
        shown = "; ".join(decoded.errors)[:SHOWN_CHARS]
        return CodecError(f"the codec refused the frame: {shown}")
    return decoded.data


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else str(item)[:SHOWN_CHARS] for item in items]


def _measure(data: dict[str, Any]) -> None:
    """Bounds of depth, size and numbers. The walk is bounded by the bytes that came."""
    level: list[Any] = [data]
    count = 0
    for _ in range(JSON_DEPTH_MAX):
        below: list[Any] = []
        for value in level:
            count += _number(value)
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if count > CODEC_KEYS_MAX:
            raise CodecError(f"the codec returned more than {CODEC_KEYS_MAX} values")
        if not below:
            return
        level = below
    raise CodecError(f"the codec returned an object deeper than {JSON_DEPTH_MAX}")


def _number(value: Any) -> int:
    if isinstance(value, int | float) and not abs(value) <= CODEC_NUMBER_ABS_MAX:
        raise CodecError(f"the codec returned the number {value:.3g}, which measures nothing")
    return 1
