"""One day of one series as a few hundred bytes, and back, bit for bit.

Times as delta of delta, values as decimal integers where every value of the day is one (what
sensors send) and else as XOR with the value before, delays from the smallest; the bytes of equal
weight stand together, then zlib. Refuses to know where a block is kept.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from beffroi.ports.store import Points, StoreError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_VERSION = 1
_HEAD = struct.Struct("<BBI")  # version, decimals (or _XOR), count
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
    decimals, value = _pack_values(points.value)
    body = b"".join(
        (
            _pack_times(ts),
            value,
            _pack_ints(points.quality.astype(np.int64)),
            _pack_ints(points.recv_ms - ts),
        )
    )
    data = _HEAD.pack(_VERSION, decimals, len(ts)) + zlib.compress(body, _LEVEL)
    return data + _SUM.pack(zlib.crc32(data))


def decode(data: bytes) -> Points:
    """What `encode` was given. Raises BlockError when the bytes cannot be that."""
    try:
        (total,) = _SUM.unpack(data[-_SUM.size :])
        if total != zlib.crc32(data[: -_SUM.size]):
            raise ValueError("checksum")
        version, decimals, count = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise BlockError(f"block format {version} is unknown: update beffroi")
        body = zlib.decompress(data[_HEAD.size : -_SUM.size])
        return _unpack(memoryview(body), decimals, count)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise BlockError(f"a sealed block is damaged ({error}): restore a backup") from error


def _unpack(body: memoryview, decimals: int, count: int) -> Points:
    ts, at = _unpack_times(body, count)
    value, at = _unpack_values(body, at, decimals, count)
    quality, at = _unpack_ints(body, at, count)
    delay, at = _unpack_ints(body, at, count)
    if at != len(body):
        raise ValueError("bytes left over")
    return Points(ts, value, quality.astype(np.int8), ts + delay)


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


def _pack_values(value: Floats) -> tuple[int, bytes]:
    bits = value.view(np.int64)
    if np.abs(value).max() < _EXACT_INT_MAX:
        for decimals in range(_DECIMALS_MAX + 1):
            scaled = np.rint(value * 10.0**decimals)
            if np.abs(scaled).max() >= _EXACT_INT_MAX:
                break
            whole = scaled.astype(np.int64)
            # Compared as bits of what `decode` will compute: -0.0 is not 0.0 here.
            if np.array_equal((whole / 10.0**decimals).view(np.int64), bits):
                return decimals, _pack_steps(whole)
    mixed = bits.copy()
    mixed[1:] ^= bits[:-1]
    return _XOR, _shuffle(mixed, 8)


def _unpack_values(body: memoryview, at: int, decimals: int, count: int) -> tuple[Floats, int]:
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
