"""The evidence log of a commune in files: one writer, many readers.

Order of a commit: entries and tiles durable; checkpoint signed; one SQLite commit swaps the latest
checkpoint (if it is the one we know) and stores payloads; then `checkpoint` is published as a file,
and only then do callers hear of it. A crash anywhere leaves the last checkpoint and what it covers.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from beffroi.adapters.log.disk import Disk
from beffroi.adapters.log.files import Grown
from beffroi.adapters.log.keyfile import add_public, load_seed, make_seed, public_keys
from beffroi.adapters.log.queue import Batch, Commits
from beffroi.adapters.log.reading import CHECKPOINT, FILES, KEY, LOCK, SIDE, Reading
from beffroi.adapters.log.side import Payload
from beffroi.evidence.entry import Draft
from beffroi.evidence.limits import SALT_BYTES
from beffroi.evidence.note import sign_note
from beffroi.evidence.vkey import Vkey
from beffroi.kernel import keys
from beffroi.kernel.note import Checkpoint
from beffroi.ports.log_store import LogError, Placed


def origin_of(commune: str) -> str:
    return f"beffroi/{commune}"


class Log(Reading):
    """Implements ports.log_store.LogStore. `folder` is the `evidence` folder of a home.

    LogError when the folder does not hold what was signed. `adopt` accepts the checkpoint file
    alone after the SQLite file was lost: payloads are gone, and witnesses still know the truth.
    `seed`: the Ed25519 key to sign with; without it `log.key` in the folder, made the first time.
    A log whose key was changed goes on: what the former key (in `log.pub`) signed is its own.
    """

    def __init__(
        self,
        folder: Path,
        commune: str,
        *,
        seed: bytes | None = None,
        disk: Disk | None = None,
        adopt: bool = False,
        salt: Callable[[], bytes] = lambda: os.urandom(SALT_BYTES),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _alone(folder / LOCK)
        self._salt, self._disk = salt, disk or Disk()
        try:
            origin = origin_of(commune)
            self._seed = seed or _seed(folder)
            mine = Vkey(origin, keys.public_of(self._seed))
            super().__init__(folder, origin, [mine, *public_keys(folder)], self._disk)
            self._recover(adopt)
            add_public(folder, mine)
        except BaseException:
            os.close(self._lock)
            raise
        self._broken = False
        self._commits = Commits(self._commit)

    # --- writing ---------------------------------------------------------------------------------

    def append(self, drafts: Sequence[Draft]) -> list[Placed]:
        """See LogStore. What several threads bring at once becomes durable at once."""
        entries, payloads = [], []
        for place, draft in enumerate(drafts):
            salt = self._salt()
            entries.append(draft.sealed(salt).encoded())
            if draft.payload:
                payloads.append((place, salt, draft.payload))
        if not entries:
            return []
        first = self._commits.put(Batch(entries, payloads))
        return [Placed(first + place, entry) for place, entry in enumerate(entries)]

    def _commit(self, batches: Sequence[Batch]) -> list[int]:
        """The index of each batch's first entry. On the writer's thread only."""
        if self._broken:
            self._recover(adopt=False)  # raises as long as the disk is not well again
            self._broken = False
        grown = self._grown
        entries: list[bytes] = []
        payloads: list[Payload] = []
        firsts = []
        for batch in batches:
            first = grown.size + len(entries)
            firsts.append(first)
            entries += batch.entries
            payloads += [(first + place, salt, data) for place, salt, data in batch.payloads]
        try:
            self._write(entries, payloads)
        except BaseException as error:
            self._broken = True  # nobody knows what the disk holds: read it again before going on
            self._disk.forget()
            if isinstance(error, OSError | sqlite3.Error):
                raise LogError(f"the log cannot be written: {error}") from error
            raise
        return firsts

    def _write(self, entries: Sequence[bytes], payloads: Sequence[Payload]) -> None:
        grown = self._files.grow(self._grown, entries)
        self._disk.settle()
        new = self._sign(grown)
        self._side.swap(self.origin, self._latest.text(), new.text(), payloads)
        self._grown, self._latest = grown, new
        self._publish()

    def _sign(self, grown: Grown) -> Checkpoint:
        bare = Checkpoint(self.origin, grown.size, grown.range.root)
        return Checkpoint(
            self.origin, grown.size, grown.range.root, (sign_note(bare, self.origin, self._seed),)
        )

    def _publish(self) -> None:
        """For readers outside. Not synced: the swap was, and a start publishes again."""
        self._replace(self.folder / FILES / CHECKPOINT, self._latest.text())

    # --- starting --------------------------------------------------------------------------------

    def _recover(self, adopt: bool) -> None:
        try:
            self._read_again(adopt)
        except (OSError, sqlite3.Error) as error:
            self._disk.forget()
            raise LogError(f"the log cannot be written: {error}") from error

    def _read_again(self, adopt: bool) -> None:
        kept, published = self._kept(), self._published()
        if kept is None:
            kept = self._first(published, adopt)
        elif published is not None and published.size > kept.size:
            raise LogError(
                f"the checkpoint file has {published.size} entries, the second place {kept.size}: "
                f"{SIDE} was rolled back. Restore both from the same moment"
            )
        try:
            grown = self._files.recover(kept.size)
        except LogError as error:
            raise LogError(f"entries that were signed for are missing: {error}") from error
        if not keys.same(grown.range.root, kept.root):
            raise LogError(
                f"the entries are not those of checkpoint {kept.size}: the files were changed. "
                "`beffroi evidence fsck` names them; restore a copy"
            )
        self._disk.settle()
        new = self._sign(grown)
        self._side.swap(self.origin, kept.text(), new.text())  # durable again, after any failure
        self._side.drop_beyond(kept.size)
        self._grown, self._latest = grown, new
        self._publish()

    def _first(self, published: Checkpoint | None, adopt: bool) -> Checkpoint:
        """Of a new log, or of one whose second place was lost."""
        if published is not None and not adopt:
            raise LogError(
                f"{SIDE} is lost or was replaced: restore it, or accept the log without payloads "
                "with `beffroi evidence adopt`"
            )
        first = published or self._sign(Grown())
        self._side.swap(self.origin, None, first.text())
        return first

    def erase(self, indices: Sequence[int]) -> int:
        return self._side.erase(indices)

    def close(self) -> None:
        """After what is queued is durable."""
        self._commits.close()
        self._disk.forget()
        self._side.close()
        os.close(self._lock)


def _alone(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise LogError("another program is writing this log: there is one writer") from error
    return handle


def _seed(folder: Path) -> bytes:
    path = folder / KEY
    if path.exists() or (folder / FILES / CHECKPOINT).exists() or (folder / SIDE).exists():
        return load_seed(path)
    return make_seed(path)
