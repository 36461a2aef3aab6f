"""Where the lab's devices keep their keys between two runs, as real devices would in flash.

Folders 0700, keys 0600. Knows files only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from beffroi.ports.identity import Bundle

ABOUT = "bundle.json"


def keep(folder: Path, bundle: Bundle) -> None:
    """One folder for each device."""
    place = folder / bundle.device
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in bundle.files.items():
        _secret(place / name, content)
    about = {"serial": bundle.cert_serial, "not_after_ms": bundle.cert_not_after_ms}
    _secret(place / ABOUT, json.dumps(about).encode())


def load(folder: Path) -> dict[str, Bundle]:
    """Everything kept, by device."""
    found: dict[str, Bundle] = {}
    if not folder.is_dir():
        return found
    for place in sorted(folder.iterdir()):
        if (place / ABOUT).is_file():
            about = json.loads((place / ABOUT).read_bytes())
            files = {f.name: f.read_bytes() for f in place.iterdir() if f.name != ABOUT}
            found[place.name] = Bundle(place.name, files, about["serial"], about["not_after_ms"])
    return found


def _secret(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
