"""The log as static files that any web server can hand out: C2SP tlog-tiles, partial tiles too."""

from __future__ import annotations

from pathlib import Path

from beffroi.adapters import durable
from beffroi.adapters.log.reading import Reading
from beffroi.evidence.tile import ENTRIES, join_bundle, tiles_of


def publish(log: Reading, folder: Path) -> int:
    """Write what is not there yet; how many files. The checkpoint comes last, so that whoever reads
    it finds all that it covers."""
    checkpoint = log.checkpoint()
    count = 0
    for tile in tiles_of(checkpoint.size):
        path = folder / tile.path
        if path.exists():
            continue
        if tile.level == ENTRIES:
            data = join_bundle(log.bundle(tile.index)[: tile.width])
        else:
            data = b"".join(log.hashes(tile.level, tile.index)[: tile.width])
        _put(path, data)
        count += 1
    _put(folder / "checkpoint", checkpoint.text())
    return count + 1


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.put(path, data)
