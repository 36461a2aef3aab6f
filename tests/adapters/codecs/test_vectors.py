"""884 published codecs with 3,802 vectors, of the package that an agricultural community keeps.

AGPL: fetched at test time into a cache folder, never part of this repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.codecs.runner import Runner
from beffroi.adapters.sql import open_store
from beffroi.ports.codec import Codec, CodecError, Uplink

PACKAGE, VERSION = "@intelligent-farming/lorawan-codec-normalization", "0.2.2"
VECTORS = 3_802
SHARE_MIN = 0.998
RECV_TIME = "2026-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def published() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "beffroi-tests"
    folder = cache / f"codecs-{VERSION}" / "node_modules" / PACKAGE
    if not (folder / "package.json").exists():
        npm = shutil.which("npm")
        if npm is None:
            _absent("npm is not installed")
        root = cache / f"codecs-{VERSION}"
        root.mkdir(parents=True, exist_ok=True)
        command = [npm or "", "install", "--no-save", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=180)
        if done.returncode:
            _absent(f"npm could not fetch {PACKAGE}: {done.stderr[-300:]}")
    return folder


def _absent(why: str) -> None:
    if os.environ.get("BEFFROI_DATA_REQUIRED") == "1":
        pytest.fail(f"the vectors must be tested here: {why}")
    pytest.skip(f"needs the published vectors: {why}")


def close(mine: Any, theirs: Any) -> bool:
    """Equal, numbers within the last bits of a double."""
    if isinstance(theirs, dict):
        same = isinstance(mine, dict) and set(mine) == set(theirs)
        return same and all(close(mine[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        same = isinstance(mine, list) and len(mine) == len(theirs)
        return same and all(close(a, b) for a, b in zip(mine, theirs, strict=True))
    if isinstance(theirs, float | int) and not isinstance(theirs, bool):
        return isinstance(mine, float | int) and abs(mine - theirs) <= 1e-9 * max(1, abs(theirs))
    return bool(mine == theirs)


def passes(answer: dict[str, Any] | CodecError, expected: dict[str, Any]) -> bool:
    if isinstance(answer, CodecError):
        return bool(expected.get("errors"))
    return close(answer, expected.get("data"))


def test_the_published_vectors(published: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/v.sqlite")
    runner = Runner(store.assets)
    total, wrong = 0, []
    for path in sorted((published / "codecs").rglob("vectors.json")):
        vectors = json.loads(path.read_text())["uplink"]
        source = (path.parent / "codec.js").read_text()
        sha256 = hashlib.sha256(source.encode()).hexdigest()
        store.assets.put_codec(Codec(sha256, path.parent.name, source, 0, "test"))
        inputs = [v["input"] for v in vectors]
        frames = [
            Uplink(i["fPort"], bytes(i["bytes"]), i.get("recvTime", RECV_TIME)) for i in inputs
        ]
        answers = runner.decode(sha256, frames)
        assert len(answers) == len(vectors)
        total += len(vectors)
        for vector, answer in zip(vectors, answers, strict=True):
            if not passes(answer, vector["expected"]):
                name = f"{path.parent.parent.name}/{path.parent.name}: {vector['description']}"
                wrong.append((name, repr(answer)[:300], repr(vector["expected"])[:300]))
    runner.close()
    store.close()
    print(f"{total - len(wrong)} of {total} vectors")  # noqa: T201
    for line in wrong:
        print(*line, sep="\n   ")  # noqa: T201
    assert total == VECTORS
    assert (total - len(wrong)) / total >= SHARE_MIN
