"""The evidence log, read: entries, proofs, payloads, files of evidence. Writes nothing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from beffroi.adapters import durable
from beffroi.adapters.log.disk import Disk
from beffroi.adapters.log.files import Grown, LogFiles
from beffroi.adapters.log.keyfile import public_keys
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

    def __init__(self, folder: Path, origin: str, publics: Sequence[Vkey], disk: Disk) -> None:
        self.folder, self.origin, self._publics = folder, origin, tuple(publics)
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
        if not self._is_own(checkpoint):
            raise LogError(f"the checkpoint in {place} is not signed by the key of {self.origin}")
        return checkpoint

    @property
    def vkey(self) -> Vkey:
        """Its public key, for rosters and witnesses."""
        return self._publics[0]

    def _is_own(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.origin == self.origin and any(
            checkpoint.signed_by(self.origin, key.public) for key in self._publics
        )

    def checkpoint(self) -> Checkpoint:
        return self._latest

    def refresh(self) -> Checkpoint:
        """The latest checkpoint, after a look at the disk where that is needed."""
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
        return note if self._is_own(note) and note.size <= self._grown.size else None

    def keep_witnessed(self, checkpoint: Checkpoint) -> None:
        known = self.witnessed()
        mine = (checkpoint.size, len(checkpoint.signatures))
        if known and (known.size, len(known.signatures)) >= mine:
            return
        self._replace(self.folder / WITNESSED, checkpoint.text())

    def payload(self, index: int) -> tuple[bytes, bytes] | None:
        return self._side.payload(index)

    def _replace(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.put(path, data)

    def export(
        self,
        indices: Sequence[int],
        path: Path,
        roster: bytes = b"",
        payloads: bool = True,
    ) -> Checkpoint:
        """Write a file of evidence; the checkpoint in it. The one that witnesses have cosigned if
        it covers all entries, else the latest: have it cosigned first."""
        wanted = sorted(set(indices))
        seen = self.witnessed()
        covers = seen is not None and (not wanted or wanted[-1] < seen.size)
        at = seen if seen is not None and covers else self._latest
        items = [self._item(index, at, payloads) for index in wanted]
        dossier = Dossier(at.text(), tuple(items), roster)
        self._replace(path, dossier.text())
        return at

    def _item(self, index: int, at: Checkpoint, payloads: bool) -> Item:
        proof = self.prove(index, at)
        salt, payload = (self.payload(index) if payloads else None) or (b"", b"")
        return Item(index, proof.entry, proof.path, salt, payload)


class Reader(Reading):
    """Beside a running hub, or of a log that rests. As of the moment it was opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, origin_in(folder), public_keys(folder), Disk())
        self.refresh()

    def refresh(self) -> Checkpoint:
        kept = self._kept()
        if kept is None:
            raise LogError(f"{SIDE} knows no checkpoint of {self.origin}")
        self._grown, self._latest = self._files.load(kept.size), kept
        if not keys.same(self._grown.range.root, kept.root):
            raise LogError("the entries are not those that were signed: `beffroi evidence fsck`")
        return kept

    def close(self) -> None:
        self._side.close()


def origin_in(folder: Path) -> str:
    """Of the log that lies there. LogError when there is none."""
    try:
        return read_note((folder / FILES / CHECKPOINT).read_bytes()).origin
    except (OSError, NoteError) as error:
        raise LogError(f"there is no evidence log in {folder}: {error}") from error
