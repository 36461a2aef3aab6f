"""Files that are on the disk when a call returns. The hub has its own: a guard travels alone."""

from __future__ import annotations

import os
from pathlib import Path


def write_all(file: int, data: bytes) -> None:
    """A descriptor may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def replace(path: Path, data: bytes) -> None:
    """The whole file at once, never half of it; mode 0600 from the first byte."""
    beside = path.with_name(f".{path.name}.new")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
