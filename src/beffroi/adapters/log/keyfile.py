"""The seed of an Ed25519 key in a file that only its owner can read. For logs and witnesses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from beffroi.ports.log_store import LogError

SEED_BYTES = 32


def load_seed(path: Path) -> bytes:
    """LogError when it is missing, damaged, or readable by others."""
    try:
        mode, seed = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise LogError(f"the key {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise LogError(f"the key {path} can be read by others (mode {mode:o}): chmod 600 it")
    if len(seed) != SEED_BYTES:
        raise LogError(f"the key {path} is damaged: restore it from the sealed copy")
    return seed


def make_seed(path: Path) -> bytes:
    """A new one, durable. An existing key is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    seed = os.urandom(SEED_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, seed)
        os.fsync(handle)
    finally:
        os.close(handle)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return seed
