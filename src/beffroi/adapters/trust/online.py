"""The hub's side: keys it holds, the public part of the trust, what it sends to each guard.

Its key signs snapshot and timestamp only. With it a hub can withhold news until what guards hold
expires; it cannot change a roster or an envelope.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from beffroi.adapters.signers.file import SeedSigner, create
from beffroi.adapters.signers.pem import opened
from beffroi.adapters.trust import chain as chains
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import ROOT, SNAPSHOT, TARGETS, Shelf, ShelfError
from beffroi.adapters.trust.tufkeys import sign
from beffroi.guard.trust_bundle import (
    metadata_name,
    pack_bundle,
    role_of,
)
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import HUB, LOG, Member, Roster

ONLINE = "online"
SERVICE_KEYS = (HUB, LOG, ONLINE)
TIMESTAMP_S, TIMESTAMP_RENEW_S = 86_400, 43_200
SNAPSHOT_S, SNAPSHOT_RENEW_S = 7 * 86_400, 3 * 86_400
TIMESTAMP_NAME = "metadata/timestamp.json"


def seed(home: Path, name: str) -> bytes:
    """The Ed25519 seed of one of the hub's own keys: "hub" signs commands, "log" checkpoints,
    "online" freshness. Made the first time."""
    path = home / "keys" / f"{name}.pem"
    if not path.exists():
        create(path, None)
    return opened(path.read_bytes(), None)


def public(home: Path, name: str) -> bytes:
    return SeedSigner(seed(home, name)).public


def renewed(home: Path, commune: str) -> tuple[bytes, tuple[Member, Member]]:
    """New keys after an attack; the old ones are kept aside, unused. (online key, roster lines)"""
    for name in SERVICE_KEYS:
        path = home / "keys" / f"{name}.pem"
        if path.exists():
            path.replace(path.with_name(f"{name}.old-{public(home, name).hex()[:12]}"))
    return public(home, ONLINE), hub_members(home, commune)


def hub_members(home: Path, commune: str) -> tuple[Member, Member]:
    """The hub's and the log's lines of the roster."""
    hub, log = SeedSigner(seed(home, HUB)), SeedSigner(seed(home, LOG))
    return (
        Member(hub.kind, hub.public, HUB, commune, HUB, name="hub"),
        Member(log.kind, log.public, LOG, commune, LOG, name="journal"),
    )


def shelf_of(home: Path) -> Shelf:
    return Shelf(home / "trust")


def current(home: Path) -> tuple[Roster, dict[str, Envelope]]:
    """The roster and every envelope by target, as signed. ShelfError when none was published."""
    chain = chains.complete(shelf_of(home))
    return chain.roster, dict(chain.envelopes)


def publish(offline: Path, home: Path, now_ms: int) -> Chain:
    """Copy what is signed, and nothing private, into the hub's home; then say that it is fresh."""
    source, shelf = Shelf(offline), shelf_of(home)
    chain = chains.complete(source)
    _not_backwards(chain, shelf)
    for version in range(1, chain.root.signed.version + 1):
        shelf.put(ROOT, source.load(Root, ROOT, version))
    for role in (chain.targets, *chain.roles.values()):
        for path, info in role.signed.targets.items():
            shelf.put_target(path, source.target(info))
    for name, role in chain.roles.items():
        shelf.put(name, role)
    shelf.put(TARGETS, chain.targets)
    refresh(home, now_ms)
    return chain


def _not_backwards(chain: Chain, shelf: Shelf) -> None:
    if shelf.versions(TARGETS) and shelf.versions(TARGETS)[-1] > chain.targets.signed.version:
        raise ShelfError("the hub already has a newer version; is this an old copy of the stick?")


def refresh(home: Path, now_ms: int) -> bool:
    """Sign snapshot and timestamp again if something is new or near its end. True if it did.

    Call it at every start and every hour. ShelfError when this hub's key is not the root's.
    """
    shelf = shelf_of(home)
    chain = chains.complete(shelf)
    signer = SeedSigner(seed(home, ONLINE))
    snapshot, fresh = _snapshot(shelf, chain, signer, now_ms)
    old = shelf.parsed(Timestamp, TIMESTAMP_NAME) if shelf.has(TIMESTAMP_NAME) else None
    if old and not fresh and _left_s(old, now_ms) > TIMESTAMP_RENEW_S and _holds(chain, old):
        return False
    version = _next(old.signed.version if old else 0, now_ms)
    timestamp = Metadata(
        Timestamp(
            version=version,
            expires=_end(now_ms, TIMESTAMP_S),
            snapshot_meta=MetaFile(snapshot.signed.version),
        )
    )
    _sign_online(chain, timestamp, signer)
    shelf.write(TIMESTAMP_NAME, timestamp.to_bytes())
    return True


def _snapshot(
    shelf: Shelf, chain: Chain, signer: SeedSigner, now_ms: int
) -> tuple[Metadata[Snapshot], bool]:
    versions = shelf.versions(SNAPSHOT)
    old = shelf.load(Snapshot, SNAPSHOT, versions[-1]) if versions else None
    meta = {f"{TARGETS}.json": MetaFile(chain.targets.signed.version)}
    meta |= {f"{name}.json": MetaFile(one.signed.version) for name, one in chain.roles.items()}
    fresh = old and _left_s(old, now_ms) > SNAPSHOT_RENEW_S and _holds(chain, old)
    if old and fresh and old.signed.meta == meta:
        return old, False
    version = _next(old.signed.version if old else 0, now_ms)
    snapshot = Metadata(Snapshot(version=version, expires=_end(now_ms, SNAPSHOT_S), meta=meta))
    _sign_online(chain, snapshot, signer)
    shelf.put(SNAPSHOT, snapshot)
    return snapshot, True


def _holds(chain: Chain, metadata: Metadata[Snapshot] | Metadata[Timestamp]) -> bool:
    role = metadata.signed.type
    root = chain.root.signed
    return bool(root.get_verification_result(role, metadata.signed_bytes, metadata.signatures))


def _sign_online(
    chain: Chain, metadata: Metadata[Snapshot] | Metadata[Timestamp], signer: SeedSigner
) -> None:
    root = chain.root.signed
    known = {keyid: root.keys[keyid] for keyid in root.roles[metadata.signed.type].keyids}
    sign(metadata, known, (signer,))
    if not metadata.signatures:
        raise ShelfError("the root names another hub key; run `trust rotate --hub`")


def bundle(home: Path, guard: str) -> dict[str, bytes]:
    """All that one guard needs: every root, the chain, the roster, its own envelopes.

    BundleError (a ValueError) when it would not fit on `d/<guard>/trust`.
    """
    files = _files(shelf_of(home), role_of(guard))
    pack_bundle(files)
    return files


def _files(shelf: Shelf, own: str) -> dict[str, bytes]:
    timestamp = shelf.parsed(Timestamp, TIMESTAMP_NAME)
    snapshot = shelf.load(Snapshot, SNAPSHOT, timestamp.signed.snapshot_meta.version)
    names = [metadata_name(ROOT, version) for version in shelf.versions(ROOT)]
    names += [TIMESTAMP_NAME, metadata_name(SNAPSHOT, snapshot.signed.version)]
    documents: dict[str, bytes] = {}
    for file, meta in snapshot.signed.meta.items():
        role = file.removesuffix(".json")
        if role not in (TARGETS, own):
            continue
        metadata = shelf.load(Targets, role, meta.version)
        names.append(metadata_name(role, meta.version))
        for path, info in metadata.signed.targets.items():
            documents[f"targets/{path}"] = shelf.target(info)
    return {name: shelf.read(name) for name in names} | documents


def _next(version: int, now_ms: int) -> int:
    """At least the time in seconds: a home restored from last week's backup does not fall behind
    what guards have already seen."""
    return max(version + 1, now_ms // 1_000)


def _end(now_ms: int, life_s: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(now_ms // 1_000 + life_s, dt.UTC)


def _left_s(metadata: Metadata[Snapshot] | Metadata[Timestamp], now_ms: int) -> float:
    return metadata.signed.expires.timestamp() - now_ms / 1_000
