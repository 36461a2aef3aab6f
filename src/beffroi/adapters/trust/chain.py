"""Read a shelf and believe only what enough people have signed.

A draft is what fewer have signed so far. Expiry is not looked at here: a clerk must be able to
renew what has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from beffroi.adapters.trust.shelf import ROOT, TARGETS, Shelf, ShelfError
from beffroi.guard.trust_bundle import ROSTER
from beffroi.kernel.envelope import Envelope, read_envelope
from beffroi.kernel.roster import Roster, read_roster

D = TypeVar("D")


class ChainError(ShelfError):
    """Signatures are missing or do not hold; the text says whose."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`missing`: how many signatures each role still lacks; empty for what is complete."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    roles: Mapping[str, Metadata[Targets]]
    roster: Roster
    envelopes: Mapping[str, Envelope]  # by target
    missing: Mapping[str, int]


def complete(shelf: Shelf) -> Chain:
    """The newest state that enough people have signed. ChainError when there is none."""
    return _read(shelf, draft=False)


def draft(shelf: Shelf) -> Chain:
    """The newest state, whoever has signed it."""
    return _read(shelf, draft=True)


def _read(shelf: Shelf, *, draft: bool) -> Chain:
    missing: dict[str, int] = {}
    root = _root(shelf, missing, draft=draft)
    targets = _newest(shelf, TARGETS, _lacks_targets(root.signed), missing, draft=draft)
    roles = {}
    for name in _delegated(targets.signed):
        lacks = _lacks_role(targets.signed, name)
        roles[name] = _newest(shelf, name, lacks, missing, draft=draft)
    roster = _document(read_roster, shelf.target(_info(targets.signed, ROSTER)), ROSTER)
    envelopes = {}
    for role in roles.values():
        for path, info in role.signed.targets.items():
            envelope = _document(read_envelope, shelf.target(info), path)
            envelopes[envelope.target] = envelope
    return Chain(root, targets, roles, roster, envelopes, missing)


def _root(shelf: Shelf, missing: dict[str, int], *, draft: bool) -> Metadata[Root]:
    versions = shelf.versions(ROOT)
    if not versions or versions != list(range(1, len(versions) + 1)):
        raise ChainError(f"{shelf.folder} holds no complete chain of roots")
    last: Metadata[Root] | None = None
    for version in versions:
        one = shelf.load(Root, ROOT, version)
        before = last.signed if last else None
        lacks = root_lacks(one, before)
        if lacks and not (draft and version == versions[-1]):
            if last is None or version != versions[-1]:
                raise ChainError(f"root {version} lacks {lacks} signatures")
            return last
        if lacks:
            missing[ROOT] = lacks
        last = one
    assert last is not None  # noqa: S101 - versions is not empty
    return last


def root_lacks(root: Metadata[Root], before: Root | None) -> int:
    """How many signatures a root still needs, by its own keys and by those of the one before."""
    result = root.signed.get_root_verification_result(before, root.signed_bytes, root.signatures)
    return max(result.first.missing, result.second.missing)


def _newest(
    shelf: Shelf,
    role: str,
    lacks: Callable[[Metadata[Targets]], int],
    missing: dict[str, int],
    *,
    draft: bool,
) -> Metadata[Targets]:
    for version in reversed(shelf.versions(role)):
        metadata = shelf.load(Targets, role, version)
        count = lacks(metadata)
        if count and not draft:
            continue
        if count:
            missing[role] = count
        return metadata
    raise ChainError(f"no version of {role} has enough signatures; run `beffroi trust sign`")


def _lacks_targets(root: Root) -> Callable[[Metadata[Targets]], int]:
    return lambda one: (
        root.get_verification_result(TARGETS, one.signed_bytes, one.signatures).missing
    )


def _lacks_role(targets: Targets, name: str) -> Callable[[Metadata[Targets]], int]:
    return lambda one: (
        targets.get_verification_result(name, one.signed_bytes, one.signatures).missing
    )


def _delegated(targets: Targets) -> tuple[str, ...]:
    roles = targets.delegations.roles if targets.delegations else None
    return tuple(roles or ())


def _info(targets: Targets, path: str) -> TargetFile:
    if path not in targets.targets:
        raise ChainError(f"{path} is not among the signed documents")
    return targets.targets[path]


def _document(read: Callable[[bytes], D], data: bytes, path: str) -> D:
    try:
        return read(data)
    except ValueError as error:
        raise ChainError(f"{path} is unreadable: {error}") from error
