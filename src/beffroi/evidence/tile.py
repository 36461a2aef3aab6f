"""Where hashes and entries lie in files: C2SP tlog-tiles. Names and bytes, no file is opened.

A tile holds up to 256 hashes of one level (a multiple of 8); a bundle up to 256 entries, each
after its length in two bytes. Both are `<index>` when full and `<index>.p/<width>` before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from beffroi.evidence.limits import ENTRY_BYTES_MAX, TILE_BITS, TILE_HASHES
from beffroi.kernel.logged import node_hash

ENTRIES = -1  # the level of bundles, by convention of this module
_PATH = re.compile(
    r"tile/(entries|0|[1-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


class TileError(ValueError):
    """Not a tile, a bundle or a path of one."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes (or entries) `index * 256 ...` of a level; `width` of them."""

    level: int
    index: int
    width: int = TILE_HASHES

    @property
    def path(self) -> str:
        name = "entries" if self.level == ENTRIES else str(self.level)
        digits, rest = f"{self.index % 1000:03}", self.index // 1000
        while rest:
            digits, rest = f"x{rest % 1000:03}/{digits}", rest // 1000
        part = "" if self.width == TILE_HASHES else f".p/{self.width}"
        return f"tile/{name}/{digits}{part}"


def read_path(path: str) -> Tile:
    """TileError unless it is the one path of a tile."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TileError(f"{path[:80]} is not the path of a tile")
    level = ENTRIES if found[1] == "entries" else int(found[1])
    index = int(found[2].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(found[3] or TILE_HASHES))
    if tile.path != path:
        raise TileError(f"{path[:80]} is not written as {tile.path}")
    return tile


def tiles_of(size: int) -> list[Tile]:
    """All that a log of `size` entries consists of, partial ones included."""
    found = []
    count, level = size, ENTRIES
    while count:
        full, width = divmod(count, TILE_HASHES)
        found += [Tile(level, index) for index in range(full)]
        found += [Tile(level, full, width)] if width else []
        count, level = (count, 0) if level == ENTRIES else (full, level + 1)
    return found


def join_bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(one).to_bytes(2, "big") + one for one in entries)


def split_bundle(data: bytes, width: int) -> list[bytes]:
    """The first `width` entries; what follows them is left out. TileError when cut short."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if not 0 < length <= ENTRY_BYTES_MAX or len(entry) != length:
            raise TileError(f"entry {len(entries)} of the bundle is cut short or too long")
        entries.append(entry)
        at += 2 + length
    return entries


def split_tile(data: bytes, width: int) -> list[bytes]:
    """TileError unless it is exactly `width` hashes."""
    if len(data) != 32 * width:
        raise TileError(f"a tile of {width} hashes has {len(data)} bytes")
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def inner(hashes: Sequence[bytes]) -> bytes:
    """The root of a perfect subtree, from 1, 2, 4 ... 256 hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def place_of(level: int, index: int) -> tuple[Tile, int, int]:
    """Where the node (level, index) is computed from: a tile, and its hashes [low, high)."""
    step = level % TILE_BITS
    first = index << step
    low = first % TILE_HASHES
    return Tile(level // TILE_BITS, first // TILE_HASHES), low, low + (1 << step)
