"""The guard's own copy of who may command and what is allowed. The root is pinned at install.

python-tuf's client checks a bundle, wherever it came from: signatures by thresholds, expiry,
rollback, freeze, mix-and-match, hashes, lengths. Here: the bundle in memory as its only source,
the guard's clock, one durable file, and two rules of our own: everything that the signed role
lists must be there, and no document may be older than one already seen (until the root names
other keys). Refuses to know the network and what the documents are used for.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from beffroi.guard.trust_bundle import ROSTER, envelope_path, role_of
from beffroi.guard.trust_file import Kept, fold, read_kept, unfold, write_kept
from beffroi.kernel.canonical import CanonicalError, encode
from beffroi.kernel.document import FieldError
from beffroi.kernel.envelope import Envelope, read_envelope
from beffroi.kernel.keys import sha256
from beffroi.kernel.roster import Roster, read_roster

CONFIG = UpdaterConfig(
    max_root_rotations=64,
    max_delegations=2,
    root_max_length=32_768,
    timestamp_max_length=4_096,
    snapshot_max_length=131_072,
    targets_max_length=262_144,
    prefix_targets_with_hash=False,
)
_Doc = TypeVar("_Doc")


class TrustError(Exception):
    """A bundle was refused; the text says which rule does not hold."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """Verified. The roster's `expires_ms` is the earliest end of the whole chain, the timestamp's
    day included: past it the judge refuses everything."""

    roster: Roster
    envelopes: Mapping[str, Envelope]  # by target


class Trust:
    """One guard's trust, kept in the single file `path`. Not for two processes at a time.

    `root` is the commune's pinned root metadata; it never comes from the hub.
    """

    def __init__(self, path: Path, commune: str, guard: str, root: bytes) -> None:
        self._path, self._commune, self._guard, self._root = path, commune, guard, root
        self._kept = read_kept(path)

    def current(self) -> Trusted | None:
        """What was accepted last, None before the first. It may have expired: see its roster."""
        kept = self._kept
        if not kept.roster:
            return None
        roster = read_roster(kept.roster)
        return Trusted(
            replace(roster, expires_ms=min(roster.expires_ms, kept.expires_ms)),
            {target: read_envelope(data) for target, data in kept.envelopes.items()},
        )

    def take(self, files: Mapping[str, bytes], now_ms: int) -> Trusted:
        """Check a bundle by the guard's clock and keep it, durably, before returning it.

        TrustError if it is refused, OSError if it cannot be kept. What python-tuf has verified by
        then (a new root, a newer timestamp) is kept all the same: what was once seen must not be
        unseen.
        """
        with tempfile.TemporaryDirectory(prefix="beffroi-trust-") as name:
            folder = Path(name)
            unfold(folder, self._kept.metadata)
            try:
                accepted = self._checked(folder, files, now_ms)
            except (DownloadError, RepositoryError) as error:
                self._keep(replace(self._kept, metadata=fold(folder)))
                raise TrustError(_sentence(error)) from error
            self._keep(replace(accepted, metadata=fold(folder)))
        current = self.current()
        assert current is not None  # noqa: S101 - just kept
        return current

    def _keep(self, kept: Kept) -> None:
        if kept != self._kept:
            write_kept(self._path, kept)
            self._kept = kept

    def _checked(self, folder: Path, files: Mapping[str, bytes], now_ms: int) -> Kept:
        chain = _Chain(folder, files, self._root, now_ms)
        roster = _document(read_roster, chain.fetch(ROSTER), ROSTER)
        if roster.commune != self._commune:
            raise RepositoryError(f"the roster is of {roster.commune}, not of {self._commune}")
        people = chain.people()
        seen = dict(self._kept.floor) if self._kept.people == people else {}
        _not_older(seen, ROSTER, roster.version)
        envelopes: dict[str, bytes] = {}
        for path in chain.paths(self._guard):
            data = chain.fetch(path)
            envelope = _document(read_envelope, data, path)
            self._ours(envelope, path)
            _not_older(seen, path, envelope.version)
            _not_older(seen, f"{path}/epoch", envelope.epoch)
            envelopes[envelope.target] = data
        return Kept({}, roster.encoded(), envelopes, chain.expires_ms(), people, seen)

    def _ours(self, envelope: Envelope, path: str) -> None:
        mine = (envelope.guard, envelope.commune) == (self._guard, self._commune)
        if not mine or path != envelope_path(envelope.target):
            raise RepositoryError(
                f"{path} is for {envelope.target} of {envelope.guard} in {envelope.commune}"
            )


class _Chain:
    """One run of python-tuf's client over one bundle. RepositoryError or DownloadError."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], root: bytes, now_ms: int) -> None:
        self._folder = folder
        source = _Files(files)
        self._updater = Updater(
            str(folder), "metadata/", None, "targets/", source, CONFIG, bootstrap=root
        )
        # python-tuf reads the machine's clock here; a guard has its own idea of the time
        self._set = self._updater._trusted_set
        self._set.reference_time = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
        self._updater.refresh()

    def fetch(self, path: str) -> bytes:
        info = self._updater.get_targetinfo(path)
        if info is None:
            raise RepositoryError(f"{path} is not among the signed documents")
        file = self._folder / "document"
        self._updater.download_target(info, str(file))
        return file.read_bytes()

    def paths(self, guard: str) -> Iterator[str]:
        """What the signed delegations list for this guard: a bundle cannot leave one out."""
        delegations = self._set.targets.delegations
        roles = (delegations.roles if delegations else None) or {}
        if role_of(guard) in roles:
            yield from roles[role_of(guard)].paths or ()

    def people(self) -> bytes:
        """Changes when the root names other keys, or another threshold, for the documents."""
        role = self._set.root.roles["targets"]
        return sha256(encode([role.threshold, *sorted(role.keyids)]))

    def expires_ms(self) -> int:
        return int(min(one.expires for one in iter(self._set)).timestamp() * 1000)


class _Files(FetcherInterface):
    """The bundle as python-tuf's only source."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        if url not in self._files:
            raise DownloadHTTPError(f"{url} is not in the bundle", 404)
        return iter((self._files[url],))


def _document(read: Callable[[bytes], _Doc], data: bytes, path: str) -> _Doc:
    try:
        return read(data)
    except (CanonicalError, FieldError) as error:
        raise RepositoryError(f"{path} is unreadable: {error}") from error


def _not_older(seen: dict[str, int], name: str, version: int) -> None:
    if version < seen.get(name, 0):
        raise RepositoryError(f"{name} {version} is older than {seen[name]}, seen before")
    seen[name] = version


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
