"""The files of the log: bundles of entries, tiles of hashes, in the layout of C2SP tlog-tiles.

Only full tiles are files; the open ones are in memory and computed again from the open bundle,
`open/<index>`, which grows. What lies beyond the latest checkpoint is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from beffroi.adapters.log.disk import Disk
from beffroi.evidence.limits import TILE_HASHES
from beffroi.evidence.merkle import Range, range_of
from beffroi.evidence.tile import (
    ENTRIES,
    Tile,
    TileError,
    inner,
    join_bundle,
    place_of,
    split_bundle,
    split_tile,
)
from beffroi.kernel.logged import leaf_hash
from beffroi.ports.log_store import LogError

TILES_CACHED = 2_048  # 8 KiB each


@dataclass(frozen=True, slots=True)
class Grown:
    """The tree as far as it is known: its range, and what is in no full tile yet.

    `entries` are those of the open bundle, `rows[level]` the hashes of the open tile of a level.
    """

    range: Range = field(default_factory=Range)
    entries: tuple[bytes, ...] = ()
    rows: tuple[tuple[bytes, ...], ...] = ()

    @property
    def size(self) -> int:
        return self.range.size


class LogFiles:
    """Reads for anybody, writes for the one writer."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder, self._disk = folder, disk
        self._tile = lru_cache(TILES_CACHED)(self._read_tile)

    # --- reading ---------------------------------------------------------------------------------

    def entry(self, index: int, grown: Grown) -> bytes:
        return self.entries(index // TILE_HASHES, grown)[index % TILE_HASHES]

    def entries(self, bundle: int, grown: Grown) -> Sequence[bytes]:
        """Those of one bundle."""
        if bundle == grown.size // TILE_HASHES:
            return grown.entries
        tile = Tile(ENTRIES, bundle)
        return self._split(tile, self.folder / tile.path)

    def node(self, level: int, index: int, grown: Grown) -> bytes:
        """The hash of a perfect subtree within `grown`."""
        tile, low, high = place_of(level, index)
        return inner(self.hashes(tile.level, tile.index, grown)[low:high])

    def hashes(self, level: int, index: int, grown: Grown) -> Sequence[bytes]:
        """Those of one tile, full or open."""
        if index == grown.size >> 8 * level + 8:
            return grown.rows[level] if level < len(grown.rows) else ()
        return self._tile(level, index)

    def _read_tile(self, level: int, index: int) -> tuple[bytes, ...]:
        tile = Tile(level, index)
        path = self.folder / tile.path
        try:
            return tuple(split_tile(path.read_bytes(), TILE_HASHES))
        except (OSError, TileError) as error:
            raise LogError(f"{path} is damaged or missing: run `beffroi evidence fsck`") from error

    def _split(self, tile: Tile, path: Path) -> list[bytes]:
        full = self.folder / replace(tile, width=TILE_HASHES).path
        try:
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # a writer beside us renamed the bundle, which is full now
                data = full.read_bytes()
            return split_bundle(data, tile.width)
        except (OSError, TileError) as error:
            raise LogError(f"{path} is damaged or missing: run `beffroi evidence fsck`") from error

    # --- writing ---------------------------------------------------------------------------------

    def grow(self, grown: Grown, entries: Sequence[bytes]) -> Grown:
        """Write entries and the tiles that they fill; not durable before the disk has settled."""
        leaves = [leaf_hash(entry) for entry in entries]
        at, rows = 0, [list(row) for row in grown.rows] or [[]]
        held = list(grown.entries)
        while at < len(entries):
            bundle = (grown.size + at) // TILE_HASHES
            room = TILE_HASHES - len(held)
            part = entries[at : at + room]
            path = self.folder / "open" / str(bundle)
            self._disk.extend(path, join_bundle(part), len(join_bundle(held)))
            held += part
            self._climb(rows, leaves[at : at + room], bundle)
            at += len(part)
            if len(held) == TILE_HASHES:
                self._disk.move(path, self.folder / Tile(ENTRIES, bundle).path)
                held = []
        return Grown(grown.range.plus(leaves), tuple(held), tuple(tuple(row) for row in rows))

    def _climb(self, rows: list[list[bytes]], leaves: Sequence[bytes], index: int) -> None:
        rows[0].extend(leaves)
        level = 0
        while len(rows[level]) == TILE_HASHES:
            path = self.folder / Tile(level, index).path
            self._disk.put(path, b"".join(rows[level]))
            if level + 1 == len(rows):
                rows.append([])
            rows[level + 1].append(inner(rows[level]))
            rows[level] = []
            level, index = level + 1, index // TILE_HASHES

    # --- after a start ---------------------------------------------------------------------------

    def recover(self, size: int) -> Grown:
        """`load`, and cut off what a crash left beyond it. The open bundle is written again, for a
        failed sync may have left it in memory only."""
        grown = self.load(size)
        keep = self.folder / "open" / str(size // TILE_HASHES)
        if grown.entries:
            self._disk.put(keep, join_bundle(grown.entries))
            self._disk.settle()  # before another copy of these entries may go
        for tile in self._beyond(size):
            self._disk.remove(self.folder / tile.path)
        for path in (self.folder / "open").glob("*"):
            if path != keep or not grown.entries:
                self._disk.remove(path)
        return grown

    def load(self, size: int) -> Grown:
        """The tree of the first `size` entries, from the disk. LogError when some are missing."""
        self._tile.cache_clear()
        bundle, width = divmod(size, TILE_HASHES)
        held = self._open_entries(bundle, width)
        rows = self._rows(size, [leaf_hash(entry) for entry in held])
        shape = Grown(Range(size), tuple(held), rows)
        whole = range_of(size, lambda level, index: self.node(level, index, shape))
        return Grown(whole, tuple(held), rows)

    def _open_entries(self, bundle: int, width: int) -> list[bytes]:
        if not width:
            return []
        tile = Tile(ENTRIES, bundle, width)
        path = self.folder / "open" / str(bundle)
        return self._split(tile, path)

    def _beyond(self, size: int) -> list[Tile]:
        """Full tiles and bundles that a batch wrote before it failed: they follow each other."""
        found = []
        for level in (ENTRIES, *range(8)):
            index = size >> (8 if level == ENTRIES else 8 * level + 8)
            while (self.folder / Tile(level, index).path).exists():
                found.append(Tile(level, index))
                index += 1
        return found

    def _rows(self, size: int, leaves: list[bytes]) -> tuple[tuple[bytes, ...], ...]:
        rows = [tuple(leaves)]
        level = 0
        while size >> 8 * level + 8:
            full = size >> 8 * level + 8
            first = full // TILE_HASHES * TILE_HASHES
            rows.append(tuple(inner(self._tile(level, index)) for index in range(first, full)))
            level += 1
        return tuple(rows)
