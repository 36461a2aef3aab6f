"""Where Vite put the scripts and styles: hashed names from its manifest. Knows nothing of pages."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

STATIC_DIR = Path(__file__).parent / "static"
BUILT = "built"


class BundleError(Exception):
    """The interface was not built; the text says how."""


@cache
def manifest() -> dict[str, Any]:
    path = STATIC_DIR / BUILT / "manifest.json"
    if not path.exists():
        raise BundleError(
            "the interface's scripts are not built: install the package again "
            "(`make setup`), or run `python hatch_build.py` in the source tree"
        )
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def script(name: str) -> str:
    """Address of the island `name`: "map" -> /static/built/assets/map-XXXX.js."""
    return f"/static/{BUILT}/{manifest()[f'src/{name}.ts']['file']}"


def styles(name: str) -> list[str]:
    """Addresses of the style sheets that the island `name` and all it imports bring."""
    found: dict[str, None] = {}
    waiting, seen = [f"src/{name}.ts"], set[str]()
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            entry = manifest()[key]
            found |= dict.fromkeys(entry.get("css", []))
            waiting += entry.get("imports", [])
    return [f"/static/{BUILT}/{path}" for path in found]


def sheet() -> str:
    """Address of the common style sheet."""
    return f"/static/{BUILT}/{manifest()['src/style.css']['file']}"
