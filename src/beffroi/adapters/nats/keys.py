"""The nkeys (Ed25519) with which our own processes speak to the broker; made at the first start.

Each process needs only its own seed: the hub `hub`, the gate `gate`, `sys` and `issuer`. The
broker's configuration holds public keys only, so reading it gives no access.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Protocol, cast

import nkeys

from beffroi.adapters.durable import replace

_NKEYS: Any = nkeys  # the library has no types

ROLES = {
    "issuer": nkeys.PREFIX_BYTE_ACCOUNT,  # signs what the gate decides
    "gate": nkeys.PREFIX_BYTE_USER,  # answers authentication requests
    "sys": nkeys.PREFIX_BYTE_USER,  # lists and cuts connections
    "hub": nkeys.PREFIX_BYTE_USER,  # reads messages
}


class KeyPair(Protocol):
    """What we use of a key pair."""

    public_key: bytes

    def sign(self, data: bytes) -> bytes: ...


def ensure(folder: Path) -> dict[str, str]:
    """Public key of each role; makes the missing seeds (`<role>.nk`, mode 0600)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for role, prefix in ROLES.items():
        path = folder / f"{role}.nk"
        if not path.exists():
            seed = _NKEYS.encode_seed(secrets.token_bytes(32), prefix)
            replace(path, seed)
    return {role: load(folder, role).public_key.decode() for role in ROLES}


def load(folder: Path, role: str) -> KeyPair:
    """The key pair of a role."""
    seed_bytes = bytearray((folder / f"{role}.nk").read_bytes().strip())
    return cast("KeyPair", _NKEYS.from_seed(seed_bytes))


def seed(folder: Path, role: str) -> str:
    """The seed text of a role, as nats-py wants it."""
    return (folder / f"{role}.nk").read_text().strip()
