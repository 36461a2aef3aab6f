"""Paths and bytes of C2SP tlog-tiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.kit import mth

from beffroi.evidence.tile import (
    ENTRIES,
    Tile,
    TileError,
    inner,
    join_bundle,
    place_of,
    read_path,
    split_bundle,
    split_tile,
    tiles_of,
)
from beffroi.kernel.logged import leaf_hash


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),  # the example of the specification
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999, 5), "tile/1/999.p/5"),
        (Tile(ENTRIES, 1000, 255), "tile/entries/x001/000.p/255"),
        (Tile(63, 7), "tile/63/007"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert read_path(path) == tile


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_path_reads_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert read_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/1000", "tile/00/000", "tile/64/000", "tile/0/x000/001",
        "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/05",
        "tile/entries/../checkpoint", "/tile/0/000",
        "tile/0/000/", "tile/-1/000", "tile/0/001.p/1.p/1", "", "tile/0/x01/000",
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(TileError):
        read_path(path)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_bundles_read_back(entries: list[bytes]) -> None:
    data = join_bundle(entries)
    assert split_bundle(data, len(entries)) == entries
    for width in range(len(entries)):
        assert split_bundle(data, width) == entries[:width]
    with pytest.raises(TileError):
        split_bundle(data, len(entries) + 1)


def test_a_tile_has_exactly_its_hashes() -> None:
    assert split_tile(b"a" * 32 + b"b" * 32, 2) == [b"a" * 32, b"b" * 32]
    with pytest.raises(TileError):
        split_tile(b"a" * 33, 1)


def test_a_log_of_70000_entries_in_tiles() -> None:
    tiles = tiles_of(70_000)
    assert Tile(ENTRIES, 273, 112) in tiles
    assert Tile(0, 273, 112) in tiles
    assert Tile(1, 0) in tiles
    assert Tile(1, 1, 17) in tiles
    assert Tile(2, 0, 1) in tiles
    assert len(tiles) == 274 * 2 + 2 + 1
    assert tiles_of(0) == []


def test_a_node_is_found_inside_its_tile() -> None:
    entries = [b"%d" % i for i in range(512)]
    hashes = [leaf_hash(one) for one in entries]
    for level in range(8):
        for index in range(512 >> level):
            tile, low, high = place_of(level, index)
            row = hashes[tile.index * 256 :][:256]
            assert inner(row[low:high]) == mth(entries[index << level : (index + 1) << level])
    assert place_of(8, 300) == (Tile(1, 1), 44, 45)
