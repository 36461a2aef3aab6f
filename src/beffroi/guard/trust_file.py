"""The one file that holds a guard's trust: written whole, synced, renamed. Checks no signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from beffroi.guard.durable import replace
from beffroi.kernel import document
from beffroi.kernel.canonical import CanonicalError, Value
from beffroi.kernel.document import Blob, FieldError, Same, Whole
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX

FILE_BYTES_MAX = 33_554_432
FILES_MAX = 5_000


class _Named(Same):
    """A map of bytes by file name; names are python-tuf's own or a target's path."""

    def read(self, value: Value) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > FILES_MAX:
            raise FieldError(f"not a map of at most {FILES_MAX}")
        return {name: Blob(0, DOCUMENT_BYTES_MAX).read(one) for name, one in value.items()}


class _Floor(Same):
    def read(self, value: Value) -> dict[str, int]:
        if not isinstance(value, dict) or len(value) > 2 * FILES_MAX:
            raise FieldError("not a map of versions")
        return {name: Whole().read(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Kept:
    """`metadata`: python-tuf's own folder. `roster`, `envelopes` (by target): the documents of the
    last complete bundle, good until `expires_ms`. `floor`: the greatest version seen of each
    document while the people of the root (`people`) are the same."""

    metadata: Annotated[Mapping[str, bytes], _Named()] = field(default_factory=dict)
    roster: Annotated[bytes, Blob(0, DOCUMENT_BYTES_MAX)] = b""
    envelopes: Annotated[Mapping[str, bytes], _Named()] = field(default_factory=dict)
    expires_ms: Annotated[int, Whole()] = 0
    people: Annotated[bytes, Blob(0, 32)] = b""
    floor: Annotated[Mapping[str, int], _Floor()] = field(default_factory=dict)


def read_kept(path: Path) -> Kept:
    """Empty when there is no file. A damaged one is put aside: the guard then trusts nothing until
    the next bundle, which is at most a day old."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Kept()
    try:
        return document.read(Kept, data, FILE_BYTES_MAX)
    except (CanonicalError, FieldError):
        path.replace(path.with_name(f"{path.name}.damaged"))
        return Kept()


def write_kept(path: Path, kept: Kept) -> None:
    """Durable when it returns. OSError when it cannot be."""
    data = document.write(kept)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, data)


def fold(folder: Path) -> dict[str, bytes]:
    """python-tuf's metadata folder as a map. The link `root.json` is made again from the others."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.json"))
        if not path.is_symlink()
    }


def unfold(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
