"""Envelopes that the town's services propose, on their way from the hub to the ceremony.

A proposal is worth nothing: the holders read it in plain words, then sign or do not. The file may
come from a hub that is not to be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beffroi.kernel.canonical import CanonicalError, decode, encode
from beffroi.kernel.envelope import Envelope, read_envelope

FILE_BYTES_MAX = 16_777_216
GUARD = "guard"  # the asset's attribute that names its guard


class ProposalError(Exception):
    """No proposal can be made or read; the text says what to do."""


def proposals_of(home: Path, commune: str, guard: str, assets: Sequence[str]) -> list[Envelope]:
    """Of the assets named, or of every asset that names its guard in its attribute "guard"."""
    from beffroi.adapters.sql import open_store
    from beffroi.cli.settings import load
    from beffroi.domains.base import Terms
    from beffroi.domains.registry import domains

    if guard and not assets:
        raise ProposalError("name the assets of this guard with --asset")
    store = open_store(load(home).store_url)
    try:
        found = {asset.id: asset for asset in store.assets.assets()}
    finally:
        store.close()
    unknown = sorted(set(assets) - found.keys())
    if unknown:
        raise ProposalError(f"no such asset: {', '.join(unknown)}")
    proposed = []
    for name in assets or sorted(found):
        asset = found[name]
        its_guard = guard or str(asset.attrs.get(GUARD, ""))
        if not its_guard or asset.domain not in domains():
            continue
        terms = Terms(commune, its_guard, 1, 0, 0)
        envelope = domains()[asset.domain].envelope(asset, terms)
        if envelope is not None:
            proposed.append(envelope)
    if not proposed:
        raise ProposalError("no asset that can be commanded names a guard; use --guard and --asset")
    return proposed


def write_proposals(proposed: Sequence[Envelope]) -> bytes:
    return encode({"envelopes": [one.encoded() for one in proposed]})


def read_proposals(data: bytes) -> list[Envelope]:
    try:
        value = decode(data, FILE_BYTES_MAX)
    except CanonicalError as error:
        raise ProposalError(f"not a file of `beffroi trust propose`: {error}") from error
    listed = value.get("envelopes") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise ProposalError("not a file of `beffroi trust propose`")
    try:
        return [read_envelope(one) for one in listed if isinstance(one, bytes)]
    except ValueError as error:
        raise ProposalError(f"an envelope in it is unreadable: {error}") from error
