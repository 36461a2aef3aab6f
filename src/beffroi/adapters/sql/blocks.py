"""One day of one series as a few hundred bytes, and back, bit for bit.

Times as delta of delta, values as decimal integers where every value of the day is one (what
sensors send) and else as XOR with the value before, delays from the smallest; the bytes of equal
weight stand together, then zlib and a checksum. Refuses to know where a block is kept.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from beffroi.adapters.sql.columns import Floats, Ints
from beffroi.ports.store import Hours, Points, StoreError

_VERSION = 1
_HEAD = struct.Struct("<BI")  # version, count
_SUM = struct.Struct("<I")
_XOR = 255
_DECIMALS_MAX = 6
_EXACT_INT_MAX = 2.0**53
_WIDTHS = (1, 2, 4, 8)
_SIGNED_BYTES = 129  # a width code: one byte each, two's complement
_LEVEL = 6


class BlockError(StoreError):
    """The bytes are not a block as it was written."""


def encode(points: Points) -> bytes:
    """Points in increasing time, at least one, as bytes."""
    ts = points.ts_ms
    return _close(
        len(ts),
        _pack_times(ts),
        _pack_values(points.value),
        _pack_ints(points.quality.astype(np.int64)),
        _pack_ints(points.recv_ms - ts),
    )


def decode(data: bytes) -> Points:
    """What `encode` was given. Raises BlockError when the bytes cannot be that."""
    with _in_words():
        count, body = _open(data)
        ts, at = _unpack_times(body, count)
        value, at = _unpack_values(body, at, count)
        quality, at = _unpack_ints(body, at, count)
        delay, at = _unpack_ints(body, at, count)
        _at_end(body, at)
        return Points(ts, value, quality.astype(np.int8), ts + delay)


def encode_hours(hours: Hours) -> bytes:
    """The rollups of one series and day, at least one, as bytes."""
    return _close(
        len(hours.n),
        _pack_times(hours.start_ms),
        _pack_ints(hours.n),
        *(_pack_values(column) for column in (hours.total, hours.low, hours.high)),
    )


def decode_hours(series: int, data: bytes) -> Hours:
    """What `encode_hours` was given. Raises BlockError when the bytes cannot be that."""
    with _in_words():
        count, body = _open(data)
        start, at = _unpack_times(body, count)
        n, at = _unpack_ints(body, at, count)
        total, at = _unpack_values(body, at, count)
        low, at = _unpack_values(body, at, count)
        high, at = _unpack_values(body, at, count)
        _at_end(body, at)
        return Hours(np.full(count, series, np.int64), start, n, total, low, high)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (struct.error, zlib.error, ValueError, IndexError, StopIteration) as error:
        raise BlockError(f"a sealed block is damaged ({error}): restore a backup") from error


def _close(count: int, *parts: bytes) -> bytes:
    data = _HEAD.pack(_VERSION, count) + zlib.compress(b"".join(parts), _LEVEL)
    return data + _SUM.pack(zlib.crc32(data))


def _open(data: bytes) -> tuple[int, memoryview]:
    (total,) = _SUM.unpack(data[-_SUM.size :])
    if total != zlib.crc32(data[: -_SUM.size]):
        raise ValueError("checksum")
    version, count = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise BlockError(f"block format {version} is unknown: update beffroi")
    return count, memoryview(zlib.decompress(data[_HEAD.size : -_SUM.size]))


def _at_end(body: memoryview, at: int) -> None:
    if at != len(body):
        raise ValueError("bytes left over")


def _pack_times(ts: Ints) -> bytes:
    deltas = np.diff(ts)
    first = int(deltas[0]) if len(deltas) else 0
    return struct.pack("<qq", int(ts[0]), first) + _pack_ints(np.diff(deltas))


def _unpack_times(body: memoryview, count: int) -> tuple[Ints, int]:
    start, first = struct.unpack_from("<qq", body)
    bends, at = _unpack_ints(body, 16, max(count - 2, 0))
    ts = np.empty(count, np.int64)
    ts[0] = start
    if count > 1:
        steps = np.concatenate((np.array([first], np.int64), bends)).cumsum()
        ts[1:] = start + steps.cumsum()
    return ts, at


def _pack_values(value: Floats) -> bytes:
    """A byte says how: the number of decimals, or _XOR."""
    bits = value.view(np.int64)
    if np.abs(value).max() < _EXACT_INT_MAX:
        for decimals in range(_DECIMALS_MAX + 1):
            scaled = np.rint(value * 10.0**decimals)
            if np.abs(scaled).max() >= _EXACT_INT_MAX:
                break
            whole = scaled.astype(np.int64)
            # Compared as bits of what `decode` will compute: -0.0 is not 0.0 here.
            if np.array_equal((whole / 10.0**decimals).view(np.int64), bits):
                return bytes((decimals,)) + _pack_steps(whole)
    mixed = bits.copy()
    mixed[1:] ^= bits[:-1]
    return bytes((_XOR,)) + _shuffle(mixed, 8)


def _unpack_values(body: memoryview, at: int, count: int) -> tuple[Floats, int]:
    decimals, at = body[at], at + 1
    if decimals == _XOR:
        mixed = _unshuffle(body[at : at + 8 * count], 8)
        if len(mixed) != count:
            raise ValueError("values are cut")
        return np.bitwise_xor.accumulate(mixed).view(np.float64), at + 8 * count
    (start,) = struct.unpack_from("<q", body, at)
    steps, at = _unpack_ints(body, at + 8, count - 1)
    whole = np.concatenate((np.array([start], np.int64), steps)).cumsum()
    return whole / 10.0**decimals, at


def _pack_steps(whole: Ints) -> bytes:
    return struct.pack("<q", int(whole[0])) + _pack_ints(np.diff(whole))


def _pack_ints(numbers: Ints) -> bytes:
    """Base, width, the bytes of weight 1, of weight 256, ... Width 0: all equal the base."""
    if not len(numbers):
        return struct.pack("<qB", 0, 0)
    base, top = int(numbers.min()), int(numbers.max())
    if base == top:
        return struct.pack("<qB", base, 0)
    if base >= -128 and top <= 127:  # small numbers of both signs compress better as they are
        return struct.pack("<qB", 0, _SIGNED_BYTES) + numbers.astype(np.int8).tobytes()
    width = next(w for w in _WIDTHS if top - base < 2 ** (8 * w))
    return struct.pack("<qB", base, width) + _shuffle(numbers - base, width)


def _unpack_ints(body: memoryview, at: int, count: int) -> tuple[Ints, int]:
    base, width = struct.unpack_from("<qB", body, at)
    at += 9
    if width == 0:
        return np.full(count, base, np.int64), at
    if width == _SIGNED_BYTES:
        return _exactly(np.frombuffer(body[at : at + count], np.int8), count), at + count
    end = at + width * count
    if width not in _WIDTHS or len(body) < end:
        raise ValueError("a column is cut")
    return _unshuffle(body[at:end], width) + base, end


def _exactly(numbers: npt.NDArray[np.int8], count: int) -> Ints:
    if len(numbers) != count:
        raise ValueError("a column is cut")
    return numbers.astype(np.int64)


def _shuffle(numbers: Ints, width: int) -> bytes:
    grid = numbers.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width]
    return grid.T.tobytes()


def _unshuffle(data: memoryview, width: int) -> Ints:
    grid = np.frombuffer(data, np.uint8).reshape(width, -1)
    wide = np.zeros((grid.shape[1], 8), np.uint8)
    wide[:, :width] = grid.T
    return wide.view("<i8").reshape(-1).astype(np.int64)
