"""The card: only a sealed one that nobody can write starts a monitor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.guard.monitor.card import CardError, mark_of, read_card, sealed
from beffroi.lab.output_stage import seal, two_streets


def test_a_sealed_card_is_read(tmp_path: Path) -> None:
    card, mark = sealed(*seal(tmp_path, two_streets()))
    assert card.junction == "lab"
    assert [group.amber_ms for group in card.groups] == [3_000, 3_000, 0]
    assert card.clearance_ms == {(0, 1): 2_000, (1, 2): 2_000}
    both = read_card(changed({"conflicts": [["b", "a", 3_000, 1_000]]}))
    assert both.after_ms == {(1, 0): 3_000, (0, 1): 1_000}
    assert mark == mark_of(tmp_path / "card.json")


@pytest.mark.parametrize("mode", [0o644, 0o464, 0o446, 0o666])
@pytest.mark.parametrize("which", ["card.json", "card.sha256"])
def test_a_card_that_can_be_written_is_refused(tmp_path: Path, mode: int, which: str) -> None:
    card, of = seal(tmp_path, two_streets())
    (tmp_path / which).chmod(mode)
    with pytest.raises(CardError, match="switch"):
        sealed(card, of)


def test_a_changed_card_is_refused(tmp_path: Path) -> None:
    card, of = seal(tmp_path, two_streets())
    card.chmod(0o644)
    card.write_bytes(card.read_bytes().replace(b"2000", b"0000"))
    card.chmod(0o444)
    with pytest.raises(CardError, match="not the card"):
        sealed(card, of)


def test_a_link_is_no_card(tmp_path: Path) -> None:
    card, of = seal(tmp_path, two_streets())
    (tmp_path / "link").symlink_to(card)
    for path in (tmp_path / "link", tmp_path / "absent", tmp_path):
        with pytest.raises(CardError):
            sealed(path, of)


def test_a_pipe_is_no_card_and_does_not_hold_the_start(tmp_path: Path) -> None:
    _, of = seal(tmp_path, two_streets())
    os.mkfifo(tmp_path / "pipe", 0o444)
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    with pytest.raises(CardError, match="plain file"):
        sealed(tmp_path / "pipe", of)
    os.close(writer)


def changed(change: dict[str, Any]) -> bytes:
    return json.dumps({**two_streets(), **change}).encode()


@pytest.mark.parametrize(
    "data",
    [
        changed({"groups": []}),
        changed({"more": 1}),
        changed({"groups": [{"name": "a", "kind": "vehicle", "amber_ms": 2_999}]}),
        changed({"groups": [{"name": "a", "kind": "vehicle", "amber_ms": True}]}),
        changed({"groups": [{"name": "a", "kind": "pedestrian", "amber_ms": 3_000}]}),
        changed({"groups": [{"name": "a", "kind": "tram", "amber_ms": 3_000}]}),
        changed({"conflicts": [["a", "a", 0]]}),
        changed({"conflicts": [["a", "b", 0], ["b", "a", 0]]}),
        changed({"conflicts": [["a", "z", 0]]}),
        changed({"conflicts": [["a", "b", -1]]}),
        changed({"conflicts": [["a", "b"]]}),
        changed({"conflicts": [["a", "b", 0, 0, 0]]}),
        changed({"conflicts": [["a", "b", 0, 40_000]]}),
        b'{"junction":"x","junction":"y","groups":[],"conflicts":[]}',
        b"[]",
        b"",
    ],
)
def test_a_wrong_card_is_refused(data: bytes) -> None:
    with pytest.raises(CardError):
        read_card(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(CardError):
        read_card(data)
