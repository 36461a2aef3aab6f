"""884 published codecs with 3,802 vectors, of the package that an agricultural community keeps.

AGPL: fetched at test time into a cache folder, never part of this repository.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests import npm

from beffroi.adapters.codecs.output import Decoded
from beffroi.adapters.codecs.runner import Runner
from beffroi.adapters.sql import open_store
from beffroi.ports.codec import Codec, CodecError, Uplink

PACKAGE, VERSION = "@intelligent-farming/lorawan-codec-normalization", "0.2.2"
CODECS, VECTORS = 884, 3_802
SHARE_MIN = 0.998


@pytest.fixture(scope="module")
def published() -> Path:
    return npm.package(PACKAGE, VERSION, "codecs")


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


def passes(answer: Decoded | CodecError, expected: dict[str, Any]) -> bool:
    """As the package says it: data equal; an expected error or warning is part of a real one.

    Warnings beside an expected error are free: the vectors name them only beside data.
    """
    if isinstance(answer, CodecError):
        return False  # the codec itself never failed in its author's engine
    errors, warnings = expected.get("errors", []), expected.get("warnings", [])
    if not _told(errors, answer.errors) or bool(errors) != bool(answer.errors):
        return False
    if errors:
        return True
    same_warnings = bool(warnings) == bool(answer.warnings) and _told(warnings, answer.warnings)
    return same_warnings and close(answer.data, expected.get("data"))


def _told(expected: list[str], real: list[str]) -> bool:
    return all(any(words in line for line in real) for words in expected)


def check(runner: Runner, folder: Path, sha256: str) -> tuple[int, list[str]]:
    """How many vectors a codec has, and those that fail."""
    vectors = json.loads((folder / "vectors.json").read_text())["uplink"]
    inputs = [vector["input"] for vector in vectors]
    frames = [Uplink(i["fPort"], bytes(i["bytes"]), i.get("recvTime", "")) for i in inputs]
    answers = runner.outcomes(sha256, frames)
    wrong = [
        f"{folder.parent.name}/{folder.name}: {vector['description']}\n"
        f"   got {answer!r:.400}\n   not {vector['expected']!r:.400}"
        for vector, answer in zip(vectors, answers, strict=True)
        if not passes(answer, vector["expected"])
    ]
    return len(vectors), wrong


def test_the_published_vectors(published: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/v.sqlite")
    runner = Runner(store.assets)
    folders = {}
    for path in sorted((published / "codecs").rglob("codec.js")):
        source = path.read_bytes().decode()
        sha256 = hashlib.sha256(source.encode()).hexdigest()
        store.assets.put_codec(Codec(sha256, path.parent.name, source, 0, "test"))
        folders[path.parent] = sha256
    assert len(folders) == CODECS
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda item: check(runner, *item), folders.items()))
    runner.close()
    store.close()
    total, wrong = sum(n for n, _ in results), [line for _, lines in results for line in lines]
    print(f"{total - len(wrong)} of {total} vectors", *wrong, sep="\n")  # noqa: T201
    assert total == VECTORS
    assert (total - len(wrong)) / total >= SHARE_MIN
