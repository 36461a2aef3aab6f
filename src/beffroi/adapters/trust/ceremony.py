"""What the commune signs offline: write a wanted roster and envelopes as TUF metadata, and sign it.

Works on a folder on the clerk's stick. The root and the documents are signed by the same people
(docs/adr): `Terms.threshold` of them. Refuses to know the hub's private keys, and to build on a
draft that still lacks signatures.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, TargetFile, Targets

from beffroi.adapters.trust import chain as chains
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Shelf, ShelfError
from beffroi.adapters.trust.tufkeys import key_of, sign
from beffroi.guard.trust_bundle import (
    BUNDLE_BYTES_MAX,
    ROSTER,
    envelope_path,
    metadata_name,
    role_of,
)
from beffroi.kernel.envelope import Envelope, read_envelope
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.roster import Member, Roster, read_roster
from beffroi.ports.signer import Signer


class CeremonyError(ShelfError):
    """This cannot be signed; the text says what to do instead."""


@dataclass(frozen=True, slots=True)
class Lives:
    """For how many days what is signed holds. Guards refuse everything after that."""

    root_days: int = 1_095
    documents_days: int = 100  # roster and envelopes' metadata: the longest a freeze can last
    envelope_days: int = 400
    envelope_renew_days: int = 200  # an envelope with less than this left gets a new end


LIVES = Lives()
Change = Callable[[Roster, dict[str, Envelope]], tuple[Roster, Mapping[str, Envelope]]]


@dataclass(frozen=True, slots=True)
class Ceremony:
    """`signers` are the holders that are present. One that is not a holder signs nothing."""

    shelf: Shelf
    signers: Sequence[Signer]
    now_ms: int
    lives: Lives = LIVES

    def begin(
        self,
        roster: Roster,
        holders: Mapping[str, tuple[str, bytes]],
        threshold: int,
        online: bytes,
    ) -> Chain:
        """The first root. `holders`: {name: (kind, public key)}; `online`: the hub's own key for
        freshness, which can decide nothing."""
        if self.shelf.versions(ROOT):
            raise CeremonyError(f"{self.shelf.folder} already holds a root; use `trust rotate`")
        root = Metadata(Root(version=1, expires=self._end(self.lives.root_days)))
        self._name(root.signed, holders, threshold, online)
        self._write(root, None, roster, {})
        return chains.draft(self.shelf)

    def change(self, change: Change) -> Chain:
        """`change(roster, envelopes)` gives the new ones; versions and ends are set here."""
        now = self._whole()
        roster, envelopes = change(now.roster, dict(now.envelopes))
        self._write(now.root, now, roster, envelopes)
        return chains.draft(self.shelf)

    def renew(self) -> Chain:
        """The same content for longer."""
        return self.change(lambda roster, envelopes: (roster, envelopes))

    def rotate(
        self,
        holders: Mapping[str, tuple[str, bytes]],
        threshold: int,
        online: bytes,
        hub: Sequence[Member] = (),
    ) -> Chain:
        """Other holders, another threshold or another key of the hub. Signed by enough of the old
        holders and enough of the new; everything else is signed again by the new. `hub` replaces
        the hub's and the log's keys in the roster when it is given."""
        now = self._whole()
        root = Metadata(
            Root(version=now.root.signed.version + 1, expires=self._end(self.lives.root_days))
        )
        self._name(root.signed, holders, threshold, online)
        roster = now.roster
        if hub:
            roles = {member.role for member in hub}
            kept = tuple(member for member in roster.members if member.role not in roles)
            roster = replace(roster, members=(*hub, *kept))
        self._write(root, now, roster, now.envelopes, before=now.root)
        return chains.draft(self.shelf)

    def cosign(self) -> Chain:
        """Add signatures to a draft."""
        pending = chains.draft(self.shelf)
        if not pending.missing:
            raise CeremonyError("nothing waits for a signature here")
        known = holders(pending.root.signed)
        if ROOT in pending.missing:
            version = pending.root.signed.version
            if version > 1:
                known |= holders(self.shelf.load(Root, ROOT, version - 1).signed)
            self._sign(ROOT, pending.root, known)
        self._sign(TARGETS, pending.targets, known)
        for name, role in pending.roles.items():
            if name in pending.missing:
                self._sign(name, role, known)
        return chains.draft(self.shelf)

    # ----------------------------------------------------------------------------------------
    def _whole(self) -> Chain:
        pending = chains.draft(self.shelf)
        if pending.missing:
            most = max(pending.missing.values())
            raise CeremonyError(
                f"a draft still lacks {most} signature(s): run `trust sign` or `trust discard`"
            )
        return pending

    def _name(
        self,
        root: Root,
        holders: Mapping[str, tuple[str, bytes]],
        threshold: int,
        online: bytes,
    ) -> None:
        if not 1 <= threshold <= len(holders):
            raise CeremonyError(f"{threshold} of {len(holders)} holders cannot be asked for")
        held = [key_of(kind, public, name) for name, (kind, public) in holders.items()]
        fresh = key_of("ed25519", online, "hub")
        if len({key.keyid for key in (*held, fresh)}) != len(held) + 1:
            raise CeremonyError("two holders have the same key")
        for role in (ROOT, TARGETS):
            root.roles[role] = Role([], threshold)
            for key in held:
                root.add_key(key, role)
        for role in (SNAPSHOT, TIMESTAMP):
            root.add_key(fresh, role)

    def _write(
        self,
        root: Metadata[Root],
        now: Chain | None,
        roster: Roster,
        envelopes: Mapping[str, Envelope],
        before: Metadata[Root] | None = None,
    ) -> None:
        """Documents first, what points to them after, the root last."""
        known = holders(root.signed)
        roster, envelopes = self._dated(now, roster, envelopes)
        _readable(roster, envelopes.values())
        roles = self._roles(now, envelopes)
        targets = self._targets(root.signed, now, roster, roles)
        self._fits(root, targets, roles)
        for name, role in roles.items():
            self._sign(name, role, known)
        self._sign(TARGETS, targets, known)
        if now is None or before is not None:
            old = holders(before.signed) if before else {}
            self._sign(ROOT, root, old | known)

    def _dated(
        self, now: Chain | None, roster: Roster, envelopes: Mapping[str, Envelope]
    ) -> tuple[Roster, dict[str, Envelope]]:
        version = now.roster.version + 1 if now else 1
        end_ms = _ms(self._end(self.lives.documents_days))
        roster = replace(roster, version=version, expires_ms=end_ms)
        soon_ms = self.now_ms + self.lives.envelope_renew_days * DAY_MS
        dated = {}
        for target, envelope in envelopes.items():
            if envelope.commune != roster.commune:
                raise CeremonyError(f"{target} is of {envelope.commune}, not {roster.commune}")
            old = now.envelopes.get(target) if now else None
            kept = old if old and same_rules(envelope, old) else None
            if kept and kept.expires_ms >= soon_ms:
                dated[target] = kept
                continue
            dated[target] = replace(
                envelope,
                version=old.version + 1 if old else 1,
                epoch=max(envelope.epoch, old.epoch if old else 0),
                expires_ms=_ms(self._end(self.lives.envelope_days)),
            )
        return roster, dated

    def _roles(
        self, now: Chain | None, envelopes: Mapping[str, Envelope]
    ) -> dict[str, Metadata[Targets]]:
        """One role per guard, so that each is sent only its own. A guard once named keeps its role
        (an empty one), for a snapshot may never lose a name."""
        wanted: dict[str, dict[str, TargetFile]] = {name: {} for name in (now.roles if now else ())}
        for envelope in envelopes.values():
            path = envelope_path(envelope.target)
            info = self.shelf.put_target(path, envelope.encoded())
            wanted.setdefault(role_of(envelope.guard), {})[path] = info
        roles = {}
        for name, infos in wanted.items():
            version = max(self.shelf.versions(name), default=0) + 1
            end = self._end(self.lives.documents_days)
            roles[name] = Metadata(Targets(version=version, expires=end, targets=infos))
        return roles

    def _targets(
        self,
        root: Root,
        now: Chain | None,
        roster: Roster,
        roles: Mapping[str, Metadata[Targets]],
    ) -> Metadata[Targets]:
        people = root.roles[TARGETS]
        delegated = {
            name: DelegatedRole(
                name, list(people.keyids), people.threshold, True, sorted(role.signed.targets)
            )
            for name, role in sorted(roles.items())
        }
        return Metadata(
            Targets(
                version=max(self.shelf.versions(TARGETS), default=0) + 1 if now else 1,
                expires=self._end(self.lives.documents_days),
                targets={ROSTER: self.shelf.put_target(ROSTER, roster.encoded())},
                delegations=Delegations(holders(root), delegated),
            )
        )

    def _fits(
        self,
        root: Metadata[Root],
        targets: Metadata[Targets],
        roles: Mapping[str, Metadata[Targets]],
    ) -> None:
        """What cannot be sent to a guard is not signed. Signatures and the snapshot, which are
        not made yet, are counted generously."""
        own = len(root.signed_bytes) + len(targets.signed_bytes)
        own += sum(len(self.shelf.read(metadata_name(ROOT, v))) for v in self.shelf.versions(ROOT))
        own += targets.signed.targets[ROSTER].length
        spare = 4_096 + 100 * len(roles) + 300 * len(root.signed.roles[TARGETS].keyids)
        for name, role in roles.items():
            documents = sum(info.length + 100 for info in role.signed.targets.values())
            size = own + spare + len(role.signed_bytes) + documents
            if size > BUNDLE_BYTES_MAX:
                raise CeremonyError(
                    f"{name.removeprefix('guard-')} would be sent {size} bytes, more than "
                    f"{BUNDLE_BYTES_MAX}: give it fewer targets, or shorter catalogues"
                )

    def _sign(self, role: str, metadata: Metadata[Any], known: Mapping[str, Key]) -> None:
        sign(metadata, known, self.signers)
        self.shelf.put(role, metadata)

    def _end(self, days: int) -> dt.datetime:
        whole_s = self.now_ms // 1_000
        return dt.datetime.fromtimestamp(whole_s, dt.UTC) + dt.timedelta(days=days)


def _readable(roster: Roster, envelopes: Iterable[Envelope]) -> None:
    """What guards could not read back is not signed: it would silence all of them at once."""
    try:
        read_roster(roster.encoded())
        for envelope in envelopes:
            read_envelope(envelope.encoded())
    except ValueError as error:
        raise CeremonyError(f"guards could not read this: {error}") from error


def same_rules(new: Envelope, old: Envelope) -> bool:
    """They allow the same, whatever their versions and ends."""
    return (
        replace(
            new,
            version=old.version,
            expires_ms=old.expires_ms,
            epoch=max(new.epoch, old.epoch),
        )
        == old
    )


def holders(root: Root) -> dict[str, Key]:
    """Those who sign trust documents: {key id: key}."""
    return {keyid: root.keys[keyid] for keyid in root.roles[ROOT].keyids}


def add_member(member: Member) -> Change:
    return lambda roster, envelopes: (
        replace(roster, members=(*roster.members, member)),
        envelopes,
    )


def revoke(person: str, key: str = "") -> Change:
    """All keys of a person, or the one whose id begins with `key`. CeremonyError for none."""

    def change(
        roster: Roster, envelopes: dict[str, Envelope]
    ) -> tuple[Roster, Mapping[str, Envelope]]:
        kept = tuple(m for m in roster.members if m.person != person or not m.key.startswith(key))
        if len(kept) == len(roster.members):
            raise CeremonyError(f"the roster has no such key of {person!r}")
        return replace(roster, members=kept), envelopes

    return change


def put_envelopes(proposed: Iterable[Envelope], gone: Iterable[str] = ()) -> Change:
    """New or changed envelopes; `gone` names targets that can no longer be commanded at all."""

    def change(
        roster: Roster, envelopes: dict[str, Envelope]
    ) -> tuple[Roster, Mapping[str, Envelope]]:
        for target in gone:
            envelopes.pop(target, None)
        return roster, {**envelopes, **{one.target: one for one in proposed}}

    return change


def all_of(changes: Sequence[Change]) -> Change:
    """One after the other, signed once."""

    def change(
        roster: Roster, envelopes: dict[str, Envelope]
    ) -> tuple[Roster, Mapping[str, Envelope]]:
        for one in changes:
            roster, new = one(roster, envelopes)
            envelopes = dict(new)
        return roster, envelopes

    return change


def discard(shelf: Shelf) -> None:
    """Throw the draft away: every version that lacks signatures. CeremonyError if none does."""
    pending = chains.draft(shelf)
    if not pending.missing:
        raise CeremonyError("there is no draft; what is signed stays signed")
    versions = {TARGETS: pending.targets.signed.version, ROOT: pending.root.signed.version}
    versions |= {name: role.signed.version for name, role in pending.roles.items()}
    for role in pending.missing:
        shelf.drop(role, versions[role])


def next_epoch(target: str) -> Change:
    """Recovery of a burnt counter: commands of the old epoch are void, counting begins anew."""

    def change(
        roster: Roster, envelopes: dict[str, Envelope]
    ) -> tuple[Roster, Mapping[str, Envelope]]:
        if target not in envelopes:
            raise CeremonyError(f"there is no envelope for {target}")
        old = envelopes[target]
        return roster, {**envelopes, target: replace(old, epoch=old.epoch + 1)}

    return change


def _ms(when: dt.datetime) -> int:
    return int(when.timestamp() * 1_000)
