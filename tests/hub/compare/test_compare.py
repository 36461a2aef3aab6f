"""Comparison: files that only their commune can sign, and conclusions only where they hold."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.indicators.town import NOW, Town

from beffroi.cli.results import peers_of
from beffroi.hub.compare import fair
from beffroi.hub.compare.fair import Fair, compare
from beffroi.hub.compare.peerfile import (
    KIND,
    PeerFigure,
    PeerFileError,
    read_file,
    write_file,
)
from beffroi.hub.compare.peers import Peers
from beffroi.hub.compare.population import BOUNDS, class_of, places, size_of
from beffroi.kernel import keys
from beffroi.kernel.dsse import pae
from beffroi.model.limits import COMPARE_COMMUNES_MIN
from beffroi.model.measure import DAY_MS, Measured, Span

SEED, OTHER = b"\1" * 32, b"\2" * 32
PINS = {"01001": keys.public_of(SEED)}
SPAN = Span(NOW - 30 * DAY_MS, NOW - DAY_MS)


def made(
    commune: str = "01001", seed: bytes = SEED, value: float = 80.0, made_ms: int = NOW
) -> bytes:
    figures = {
        "W1": Measured(value, 0.9, 100, spread=1.0),
        "S2": Measured(3.0, 1.0, 3),
        "P2": Measured(None),
    }
    return write_file(commune, SPAN, made_ms, figures, seed)


def test_a_file_says_what_is_public_and_proven_only() -> None:
    found = read_file(made(), PINS, NOW)
    assert dict(found.figures) == {"W1": PeerFigure(80.0, 0.9, 100, 1.0)}
    assert (found.commune, found.span) == ("01001", SPAN)


def resigned(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Signed by the right key: what is inside must be refused by itself."""
    envelope = json.loads(made())
    body = json.loads(base64.b64decode(envelope["payload"]))
    change(body)
    payload = json.dumps(body).encode()
    sig = base64.b64encode(keys.sign(SEED, pae(KIND, payload))).decode()
    envelope["payload"] = base64.b64encode(payload).decode()
    envelope["signatures"][0]["sig"] = sig
    return json.dumps(envelope).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.update(v=2),
        lambda b: b.update(extra=1),
        lambda b: b.update(start_ms=-1),
        lambda b: b.update(start_ms=True),
        lambda b: b.update(end_ms=b["start_ms"]),
        lambda b: b.update(made_ms=NOW + 3 * DAY_MS),
        lambda b: b["figures"].update(S2=b["figures"]["W1"]),
        lambda b: b["figures"].update(XX=b["figures"]["W1"]),
        lambda b: b["figures"]["W1"].update(value="80"),
        lambda b: b["figures"]["W1"].update(value=True),
        lambda b: b["figures"]["W1"].update(value=1e300),
        lambda b: b["figures"]["W1"].update(value=10**400),
        lambda b: b["figures"]["W1"].update(n=10**400),
        lambda b: b["figures"]["W1"].update(known=1.5),
        lambda b: b["figures"]["W1"].update(n=-1),
        lambda b: b["figures"]["W1"].update(spread=-1),
        lambda b: b["figures"]["W1"].pop("n"),
        lambda b: b.update(figures=[]),
        lambda b: b.update(commune=["01001"]),
    ],
)
def test_what_is_signed_and_wrong_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(PeerFileError):
        read_file(resigned(change), PINS, NOW)


def test_nobody_speaks_for_another_commune() -> None:
    for data, pins in (
        (made(seed=OTHER), PINS),  # not the pinned key
        (made("01002"), PINS),  # nobody pinned a key for it
        (made("01002"), {"01002": keys.public_of(OTHER)}),  # ours, for another
        (made(), {"01001": bytes(32)}),  # a weak point: any signature would hold
    ):
        with pytest.raises(PeerFileError):
            read_file(data, pins, NOW)


@given(st.binary(max_size=300))
def test_rubbish_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PeerFileError):
        read_file(data, PINS, NOW)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_the_payload_can_be_changed(at: int, by: int) -> None:
    envelope = json.loads(made())
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[at % len(payload)] ^= by
    envelope["payload"] = base64.b64encode(bytes(payload)).decode()
    with pytest.raises(PeerFileError):
        read_file(json.dumps(envelope).encode(), PINS, NOW)


@pytest.mark.parametrize(
    "data",
    [
        b'{"payloadType":1,"payloadType":2,"payload":"","signatures":[]}',
        b"[" * 20_000,
        b" " * 70_000,
        json.dumps({"payloadType": KIND, "payload": "e30=", "signatures": []}).encode(),
        made() + b"x",
    ],
)
def test_bombs_and_twins_are_refused(data: bytes) -> None:
    with pytest.raises(PeerFileError):
        read_file(data, PINS, NOW)


def figures(*values: float, known: float = 1.0) -> list[PeerFigure]:
    return [PeerFigure(value, known, 10, None) for value in values]


def test_thin_data_conclude_nothing() -> None:
    few = figures(*range(COMPARE_COMMUNES_MIN - 1))
    assert compare(Measured(99.0), few) == Fair("thin", COMPARE_COMMUNES_MIN - 1)
    poor = figures(*range(30), known=0.4)
    assert compare(Measured(99.0), poor) == Fair("thin", 0)


def test_what_overlaps_is_alike() -> None:
    peers = figures(*range(1, 22))
    found = compare(Measured(11.0), peers)
    assert (found.said, found.median, found.communes) == ("alike", 11, 21)
    assert (found.sure_low, found.sure_high) == (6, 16)
    assert compare(Measured(17.0), peers).said == "above"
    assert compare(Measured(17.0, spread=1.5), peers).said == "alike"
    assert compare(Measured(5.0), peers).said == "below"
    assert compare(Measured(None), peers).said == "unproven"
    assert compare(None, peers).said == "unproven"


@given(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=60))
def test_the_interval_holds_the_median_and_lies_within(values: list[float]) -> None:
    found = compare(Measured(0.0), figures(*values))
    assert found.low is not None
    assert found.median is not None
    assert found.sure_low is not None
    assert found.sure_high is not None
    assert found.high is not None
    assert found.low <= found.sure_low <= found.median <= found.sure_high <= found.high


def test_all_communes_have_a_class() -> None:
    assert len(places()) > 34_000
    assert places()["01001"].inhabitants > 500
    classes = {class_of(n) for n in (0, *BOUNDS)}
    assert len(classes) == len(BOUNDS) + 1
    assert sum(size_of(one) for one in classes) == len(places())
    assert class_of(3_499) != class_of(3_500)
    assert sum(p.inhabitants < 3_500 for p in places().values()) / len(places()) > 0.9


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.store.close()


def test_files_are_kept_and_compared_within_the_class(town: Town) -> None:
    peers: Peers = peers_of(town.board)
    alike = [c for c, p in places().items() if class_of(p.inhabitants) == class_of(1_000)][:10]
    large = next(c for c, p in places().items() if p.inhabitants > 200_000)
    for i, code in enumerate([*alike, large]):
        with pytest.raises(PeerFileError):
            peers.take(made(code), NOW, "u-1")  # not pinned yet
        peers.pin(code, keys.public_of(SEED).hex(), "u-1")
        peers.take(made(code, value=70.0 + i), NOW, "u-1")
    with pytest.raises(PeerFileError, match="as new"):
        peers.take(made(alike[0], value=1.0), NOW, "u-1")
    found = peers.comparison("99999", 1_000, {"W1": Measured(90.0)}, NOW)
    assert (found.peers, found.by_indicator["W1"].said) == (10, "above")
    assert "S2" not in found.by_indicator
    old = peers.comparison("99999", 1_000, {}, NOW + 500 * DAY_MS)
    assert old.peers == 0
    peers.pin(alike[0], keys.public_of(OTHER).hex(), "u-1")  # its key was changed
    assert peers.comparison("99999", 1_000, {}, NOW).peers == 9
    with pytest.raises(PeerFileError):
        peers.pin("99999", keys.public_of(SEED).hex(), "u-1")
    with pytest.raises(PeerFileError):
        peers.pin(alike[0], "00" * 32, "u-1")


def test_words_of_a_conclusion_are_a_closed_list() -> None:
    assert {fair.THIN, fair.ALIKE, fair.ABOVE, fair.BELOW, fair.UNPROVEN} == {
        "thin", "alike", "above", "below", "unproven",
    }  # fmt: skip
