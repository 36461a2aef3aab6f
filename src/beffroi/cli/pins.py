"""A signer's own folder: for each commune its pinned root and a verified copy of its documents.

Nothing here comes from a hub unchecked: a bundle passes the same client as a guard's.
"""

from __future__ import annotations

import os
from pathlib import Path

from beffroi.adapters import durable
from beffroi.kernel.document import is_id

ROOT_BYTES_MAX = 32_768


class PinError(Exception):
    """This commune is not pinned here, or another one is; the text says what to do."""


def signer_home() -> Path:
    """BEFFROI_SIGNER_HOME, else the XDG configuration folder."""
    named = os.environ.get("BEFFROI_SIGNER_HOME")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "beffroi-signer"


def folder_of(commune: str) -> Path:
    if not is_id(commune):
        raise PinError("not the id of a commune")
    return signer_home() / commune


def pin(commune: str, root: bytes) -> Path:
    """PinError if another root is pinned: that one is taken away by hand, after asking why."""
    path = folder_of(commune) / "root.json"
    if path.exists() and path.read_bytes() != root:
        raise PinError(f"another root of {commune} is pinned in {path}; ask why before removing it")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.replace(path, root)
    return path


def pinned(commune: str) -> bytes:
    path = folder_of(commune) / "root.json"
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PinError(
            f"{commune} n'est pas connue ici / is not known here: beffroi signer pin"
        ) from error


def read_root(path: Path) -> bytes:
    """A root file, or the newest of a folder of trust."""
    if path.is_dir():
        found = {
            int(one.name.split(".")[0]): one
            for one in (path / "metadata").glob("*.root.json")
            if one.name.split(".")[0].isdecimal()
        }
        if not found:
            raise PinError(f"{path} holds no root")
        path = found[max(found)]
    with path.open("rb") as file:
        data = file.read(ROOT_BYTES_MAX + 1)
    if len(data) > ROOT_BYTES_MAX:
        raise PinError(f"{path} is too long for a root")
    return data
