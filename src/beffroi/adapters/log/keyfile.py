"""Keys of logs and witnesses in files: the seed for its owner only, the public keys for readers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from beffroi.adapters.durable import create, replace
from beffroi.evidence.vkey import Vkey, VkeyError, read_vkey
from beffroi.ports.log_store import LogError

SEED_BYTES = 32
PUBLIC = "log.pub"


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
    create(path, seed)
    return seed


def public_keys(folder: Path) -> list[Vkey]:
    """Of the log in `folder`: the one it signs with now, then those it had before."""
    path = folder / PUBLIC
    try:
        return [read_vkey(line) for line in path.read_text().splitlines() if line]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, VkeyError) as error:
        raise LogError(f"{path} is damaged: {error}") from error


def add_public(folder: Path, key: Vkey) -> None:
    """From now on the log signs with this one."""
    known = public_keys(folder)
    if known[:1] == [key]:
        return
    lines = [key, *(one for one in known if one != key)]
    replace(folder / PUBLIC, "".join(f"{one.text()}\n" for one in lines).encode())
