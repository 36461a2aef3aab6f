"""The allow-list: what is let in, under which name, and how it is taken off again."""

from __future__ import annotations

import hashlib

import pytest
from tests.adapters.codecs import kit
from tests.adapters.codecs.kit import HONEST, Bench, frame, refused

from beffroi.hub import codecs
from beffroi.model.limits import CODEC_BYTES_MAX, NAME_CHARS_MAX
from beffroi.ports.codec import Codec, CodecError

NOW = 1_800_000_000_000
bench = kit.bench


def put(bench: Bench, source: str, name: str = "TPS110") -> Codec:
    return codecs.put(bench.store, bench.runner, name, source, "jeanne", NOW)


def test_a_codec_that_is_added_runs(bench: Bench) -> None:
    codec = put(bench, HONEST, "  TPS110 ")
    assert (codec.name, codec.added_by, codec.added_ms) == ("TPS110", "jeanne", NOW)
    assert codec.sha256 == hashlib.sha256(HONEST.encode()).hexdigest()
    assert bench.store.assets.codecs() == [codec]
    assert bench.runner.decode(codec.sha256, [frame()]) == [{"first": 7}]


def test_a_codec_may_refuse_the_sample_frames(bench: Bench) -> None:
    put(bench, "function decodeUplink(i) { return {errors: ['unknown port']}; }")
    put(bench, "function decodeUplink(i) { throw new Error('too short'); }")
    assert len(bench.store.assets.codecs()) == 2


@pytest.mark.parametrize(
    "source",
    [
        "",
        "  \n ",
        "this is not JavaScript",
        "var x = 1;",
        "for (;;) {}",
        "function decodeUplink() { for (;;) {} }",
        "function decodeUplink() { return {data: {x: '\ud800'}}; }",
        HONEST + "/" * CODEC_BYTES_MAX,
    ],
)
def test_what_cannot_run_is_not_let_in(bench: Bench, source: str) -> None:
    with pytest.raises(CodecError):
        put(bench, source)
    assert bench.store.assets.codecs() == []


@pytest.mark.parametrize("name", ["", "  ", "x" * (NAME_CHARS_MAX + 1), "a\nb", "a\x00"])
def test_a_name_is_needed(bench: Bench, name: str) -> None:
    with pytest.raises(CodecError, match="name"):
        put(bench, HONEST, name)


def test_removal_stops_it_at_once_and_keeps_the_record(bench: Bench) -> None:
    codec = put(bench, HONEST)
    assert bench.runner.decode(codec.sha256, [frame()]) == [{"first": 7}]
    codecs.remove(bench.store, codec.sha256[:8], "paul", NOW + 1)
    refused(bench.runner.decode(codec.sha256, [frame()])[0], "removed")
    (left,) = bench.store.assets.codecs()
    assert codecs.removed(left)
    assert (left.name, left.added_by, left.added_ms) == ("TPS110", "paul", NOW + 1)
    put(bench, HONEST)  # and it can come back
    assert bench.runner.decode(codec.sha256, [frame()]) == [{"first": 7}]


def test_a_hash_must_be_clear(bench: Bench) -> None:
    first = put(bench, HONEST)
    with pytest.raises(CodecError, match="no codec"):
        codecs.remove(bench.store, "zz", "paul", NOW)
    with pytest.raises(CodecError, match="no codec"):
        codecs.find(bench.store, "")
    assert codecs.find(bench.store, first.sha256) == first
