"""A folder of trust documents: `metadata/` (versions of every role) and `targets/` (by their hash).

The same shape on the clerk's stick and, its public part, in the hub's home. Writes durably. Checks
no signature: that is `chain`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

from beffroi.adapters import durable
from beffroi.guard.trust_bundle import metadata_name
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
S = TypeVar("S", Root, Targets, Snapshot, Timestamp)


class ShelfError(Exception):
    """A document is missing, unreadable or not what was signed; the text says what to do."""


class Shelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, role: str) -> list[int]:
        """Those present, in order."""
        suffix = metadata_name(role, 0).removeprefix("metadata/0")
        names = [path.name for path in (self.folder / "metadata").glob("*.json")]
        heads = [name.removesuffix(suffix) for name in names if name.endswith(suffix)]
        return sorted(int(head) for head in heads if head.isdecimal())

    def load(self, kind: type[S], role: str, version: int) -> Metadata[S]:
        return self.parsed(kind, metadata_name(role, version))

    def parsed(self, kind: type[S], name: str) -> Metadata[S]:
        try:
            metadata: Metadata[S] = Metadata.from_bytes(self.read(name))
        except RepositoryError as error:
            raise ShelfError(f"{self.folder / name} is damaged; take another copy") from error
        if not isinstance(metadata.signed, kind):
            raise ShelfError(f"{self.folder / name} is not a {kind.__name__.lower()}")
        return metadata

    def put(self, role: str, metadata: Metadata[S]) -> None:
        self.write(metadata_name(role, metadata.signed.version), metadata.to_bytes())

    def drop(self, role: str, version: int) -> None:
        (self.folder / metadata_name(role, version)).unlink()

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def target(self, info: TargetFile) -> bytes:
        """What was signed, or ShelfError."""
        data = self.read(_hashed(info.path, info.hashes["sha256"]))
        try:
            info.verify_length_and_hashes(data)
        except RepositoryError as error:
            raise ShelfError(f"{info.path} is not what was signed; take another copy") from error
        return data

    def put_target(self, path: str, data: bytes) -> TargetFile:
        self.write(_hashed(path, sha256(data).hex()), data)
        return TargetFile.from_data(path, data, ["sha256"])

    def read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                data = file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            raise ShelfError(f"{path} cannot be read: {error.strerror}") from error
        if len(data) > DOCUMENT_BYTES_MAX:
            raise ShelfError(f"{path} is longer than {DOCUMENT_BYTES_MAX} bytes")
        return data

    def write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        try:
            if path.is_file() and path.read_bytes() == data:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(path, data)
        except OSError as error:
            raise ShelfError(f"{path} cannot be written: {error.strerror}") from error


def _hashed(path: str, digest: str) -> str:
    folder, slash, name = f"targets/{path}".rpartition("/")
    return f"{folder}{slash}{digest}.{name}"
