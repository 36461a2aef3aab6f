"""An Ed25519 key in a file. Refuses an unprotected one that other users of the machine can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from beffroi.adapters import durable
from beffroi.adapters.signers import pem
from beffroi.kernel import keys
from beffroi.kernel.dsse import Signature
from beffroi.ports.signer import SignerError


class SeedSigner:
    """Signs with an Ed25519 seed of 32 bytes held in memory."""

    kind = keys.ED25519

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self.public = keys.public_of(seed)

    def sign(self, message: bytes) -> Signature:
        return Signature(keys.key_id(self.kind, self.public), keys.sign(self._seed, message))


def create(path: Path, passphrase: str | None) -> SeedSigner:
    """A new key in a new file of mode 0600; `passphrase` None leaves it open (a service's key)."""
    seed = os.urandom(32)
    data = pem.unlocked(seed) if passphrase is None else pem.locked(seed, passphrase)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        durable.create(path, data)
    except FileExistsError as error:
        raise SignerError(f"{path} exists already; a key is never overwritten") from error
    except OSError as error:
        raise SignerError(f"{path} cannot be written: {error.strerror}") from error
    return SeedSigner(seed)


def load(path: Path, secret: Callable[[str], str]) -> SeedSigner:
    """The key of a file. `secret(what)` is asked for the passphrase if there is one."""
    try:
        with path.open("rb") as file:
            open_to_others = os.fstat(file.fileno()).st_mode & (stat.S_IRGRP | stat.S_IROTH)
            data = file.read(pem.PEM_BYTES_MAX + 1)
    except OSError as error:
        raise SignerError(f"{path} cannot be read: {error.strerror}") from error
    if pem.is_locked(data):  # also on a FAT stick, which knows no modes
        return SeedSigner(pem.opened(data, secret(str(path))))
    if open_to_others:
        raise SignerError(f"other users can read {path}: run chmod 600 {path}")
    return SeedSigner(pem.opened(data, None))
