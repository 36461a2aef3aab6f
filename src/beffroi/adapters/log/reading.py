"""The evidence log, read: entries, proofs, payloads, files of evidence. Writes nothing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from beffroi.adapters.log.disk import Disk
from beffroi.adapters.log.files import Grown, LogFiles
from beffroi.adapters.log.keyfile import load_seed
from beffroi.adapters.log.side import SideStore
from beffroi.evidence.dossier import Dossier, Item
from beffroi.evidence.merkle import ProofError, consistency, inclusion
from beffroi.evidence.vkey import Vkey
from beffroi.kernel import keys
from beffroi.kernel.dsse import Logged
from beffroi.kernel.note import Checkpoint, NoteError, read_note
from beffroi.ports.log_store import LogError

KEY, SIDE, FILES, CHECKPOINT, LOCK, WITNESSED = (
    "log.key", "payloads.sqlite", "log", "checkpoint", "lock", "witnessed",
)  # fmt: skip


class Reading:
    """What writer and readers share. A writer replaces `_grown` and `_latest` after each commit."""

    def __init__(self, folder: Path, origin: str, seed: bytes, disk: Disk) -> None:
        self.folder, self.origin, self._seed = folder, origin, seed
        self._files = LogFiles(folder / FILES, disk)
        self._side = SideStore(folder / SIDE)
        self._grown: Grown
        self._latest: Checkpoint

    def _kept(self) -> Checkpoint | None:
        note = self._side.latest(self.origin)
        return None if note is None else self._own(note, SIDE)

    def _published(self) -> Checkpoint | None:
        path = self.folder / FILES / CHECKPOINT
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        return self._own(note, str(path)) if note else None  # empty: a power cut, and not synced

    def _own(self, note: bytes, place: str) -> Checkpoint:
        try:
            checkpoint = read_note(note)
        except NoteError as error:
            raise LogError(f"the checkpoint in {place} is damaged: {error}") from error
        public = keys.public_of(self._seed)
        if checkpoint.origin != self.origin or not checkpoint.signed_by(self.origin, public):
            raise LogError(f"the checkpoint in {place} is not signed by the key of {self.origin}")
        return checkpoint

    @property
    def vkey(self) -> Vkey:
        """Its public key, for rosters and witnesses."""
        return Vkey(self.origin, keys.public_of(self._seed))

    def checkpoint(self) -> Checkpoint:
        return self._latest

    def entry(self, index: int) -> bytes:
        grown = self._grown
        if not 0 <= index < grown.size:
            raise LogError(f"there is no entry {index}: the log has {grown.size}")
        return self._files.entry(index, grown)

    def prove(self, index: int, checkpoint: Checkpoint | None = None) -> Logged:
        grown, at = self._grown, checkpoint or self._latest
        try:
            path = inclusion(index, min(at.size, grown.size), self._node(grown))
        except ProofError as error:
            raise LogError(str(error)) from error
        return Logged(self.entry(index), index, path, at.text())

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """That the tree of `new` entries begins with that of `old`."""
        grown = self._grown
        try:
            return consistency(old, min(new, grown.size), self._node(grown))
        except ProofError as error:
            raise LogError(str(error)) from error

    def hashes(self, level: int, index: int) -> Sequence[bytes]:
        """Of one tile, to publish it."""
        return self._files.hashes(level, index, self._grown)

    def bundle(self, index: int) -> Sequence[bytes]:
        """The entries of one bundle, to publish it."""
        return self._files.entries(index, self._grown)

    def _node(self, grown: Grown) -> Callable[[int, int], bytes]:
        return lambda level, index: self._files.node(level, index, grown)

    def witnessed(self) -> Checkpoint | None:
        """The largest checkpoint that witnesses have cosigned, with their cosignatures."""
        try:
            note = read_note((self.folder / WITNESSED).read_bytes())
        except (FileNotFoundError, NoteError):
            return None  # nothing depends on it: it is asked for again
        own = note.signed_by(self.origin, keys.public_of(self._seed))
        return note if own and note.size <= self._grown.size else None

    def payload(self, index: int) -> tuple[bytes, bytes] | None:
        return self._side.payload(index)

    def export(
        self,
        indices: Sequence[int],
        path: Path,
        roster: bytes = b"",
        stamp: bytes = b"",
        payloads: bool = True,
    ) -> Checkpoint:
        """Write a file of evidence; the checkpoint in it. The one that witnesses have cosigned if
        it covers all entries, else the latest: have it cosigned first."""
        wanted = sorted(set(indices))
        seen = self.witnessed()
        covers = seen is not None and (not wanted or wanted[-1] < seen.size)
        at = seen if seen is not None and covers else self._latest
        items = [self._item(index, at, payloads) for index in wanted]
        dossier = Dossier(at.text(), tuple(items), roster, stamp)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(dossier.text())
        beside.rename(path)
        return at

    def _item(self, index: int, at: Checkpoint, payloads: bool) -> Item:
        proof = self.prove(index, at)
        salt, payload = (self.payload(index) if payloads else None) or (b"", b"")
        return Item(index, proof.entry, proof.path, salt, payload)


class Reader(Reading):
    """Beside a running hub, or of a log that rests. As of the moment it was opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, origin_in(folder), load_seed(folder / KEY), Disk())
        kept = self._kept()
        if kept is None:
            raise LogError(f"{SIDE} knows no checkpoint of {self.origin}")
        self._grown, self._latest = self._files.load(kept.size), kept
        if not keys.same(self._grown.range.root, kept.root):
            raise LogError("the entries are not those that were signed: `beffroi evidence fsck`")

    def close(self) -> None:
        self._side.close()


def origin_in(folder: Path) -> str:
    """Of the log that lies there. LogError when there is none."""
    try:
        return read_note((folder / FILES / CHECKPOINT).read_bytes()).origin
    except (OSError, NoteError) as error:
        raise LogError(f"there is no evidence log in {folder}: {error}") from error
