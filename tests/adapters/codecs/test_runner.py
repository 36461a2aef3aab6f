"""What an honest codec gets, and how the runner looks after its processes."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.codecs.kit import HONEST, Bench, bench_at, codec, frame, refused

from beffroi.adapters.codecs import runner as runner_module
from beffroi.adapters.codecs.output import Decoded
from beffroi.adapters.codecs.runner import Runner
from beffroi.model.limits import (
    CODEC_BYTES_MAX,
    CODEC_PROCESSES_MAX,
    CODEC_STRIKES_MAX,
    CODEC_SUSPEND_S,
    CODEC_SUSPEND_S_MAX,
)
from beffroi.ports.codec import CodecBrokenError, CodecError

LOOP_ON_9 = (
    "function decodeUplink(i) { while (i.bytes[0] === 9); return {data: {first: i.bytes[0]}}; }"
)


@pytest.mark.parametrize(
    "source",
    [
        "function decodeUplink(i) { return {data: {n: i.bytes.length, p: i.fPort}}; }",
        "const decodeUplink = (i) => ({data: {n: i.bytes.length, p: i.fPort}});",
        "exports.decodeUplink = function (i) { return {data: {n: i.bytes.length, p: i.fPort}}; };",
        "module.exports = {decodeUplink: (i) => ({data: {n: i.bytes.length, p: i.fPort}})};",
        "function Decoder(bytes, port) { return {n: bytes.length, p: port}; }",
        "function Decode(fPort, bytes, variables) { return {n: bytes.length, p: fPort}; }",
        "function Decoder() { return {}; }\n"
        "function decodeUplink(i) { console.log('hi'); return {data: {n: i.bytes.length, p: 5}}; }",
        "\ufefffunction decodeUplink(i) { var s = '\0\0'; "
        "return {data: {n: s.length, p: i.fPort}}; }",
    ],
)
def test_every_dialect_is_understood(bench: Bench, source: str) -> None:
    assert bench.one(source, frame(b"\x01\xff", 5)) == {"n": 2, "p": 5}


def test_input_is_as_ts013_has_it(bench: Bench) -> None:
    source = (
        "function decodeUplink(i) { return {data: {keys: Object.keys(i).sort(), bytes: i.bytes,"
        "array: Array.isArray(i.bytes), year: i.recvTime.slice(0, 4), type: typeof i.recvTime,"
        "plain: Object.getPrototypeOf(i) === Object.prototype}}; }"
    )
    assert bench.one(source, frame(b"\x00\xff", 2, "2026-11-24T08:00:00.000Z")) == {
        "keys": ["bytes", "fPort", "recvTime"],
        "bytes": [0, 255],
        "array": True,
        "year": "2026",
        "type": "string",
        "plain": True,
    }


def test_warnings_and_errors(bench: Bench) -> None:
    source = (
        "function decodeUplink(i) { if (i.bytes[0] > 1) return {errors: ['no such', 'frame']};"
        "return {data: {a: 1}, warnings: ['battery low']}; }"
    )
    sha = bench.allow(source)
    good, bad = bench.runner.outcomes(sha, [frame(b"\x01"), frame(b"\x02")])
    assert good == Decoded({"a": 1}, ["battery low"])
    assert bad == Decoded(None, [], ["no such", "frame"])
    assert bench.runner.decode(sha, [frame(b"\x01")]) == [{"a": 1}]
    refused(bench.runner.decode(sha, [frame(b"\x02")])[0], "no such; frame")


def test_a_bad_frame_costs_only_itself(bench: Bench) -> None:
    source = (
        "function decodeUplink(i) { if (i.bytes[0] === 2) throw new Error('two'); "
        "return {data: {first: i.bytes[0]}}; }"
    )
    answers = bench.run(source, *(frame(bytes([n])) for n in (1, 2, 3)))
    assert answers[0] == {"first": 1}
    assert type(refused(answers[1], "two")) is CodecError
    assert answers[2] == {"first": 3}


def test_many_frames_keep_their_order(bench: Bench) -> None:
    frames = [frame(bytes([n % 256])) for n in range(700)]
    assert bench.run(HONEST, *frames) == [{"first": n % 256} for n in range(700)]
    assert bench.run(HONEST) == [{"first": 7}]
    assert bench.runner.decode(bench.allow(HONEST), []) == []


def test_a_frame_too_long_for_lorawan_is_refused_alone(bench: Bench) -> None:
    answers = bench.run(HONEST, frame(b"\x01"), frame(b"\x02" * 256), frame(b"\x03" * 255))
    assert [answers[0], answers[2]] == [{"first": 1}, {"first": 3}]
    refused(answers[1], "255")


@pytest.mark.parametrize(
    "source",
    [
        "function decodeUplink(i) { return",
        "no_such_function();",
        "var nothing = 1;",
        "throw new Error('at load')",
        "import x from 'y'; function decodeUplink() {}",
    ],
)
def test_a_codec_that_does_not_load_is_broken(bench: Bench, source: str) -> None:
    assert isinstance(refused(bench.one(source)), CodecBrokenError)


def test_only_allowed_codecs_run(bench: Bench) -> None:
    unknown = codec(HONEST)
    refused(bench.runner.decode(unknown.sha256, [frame()])[0], "allow-list")
    sha = bench.allow(HONEST)
    assert bench.runner.decode(sha, [frame()]) == [{"first": 7}]
    bench.store.assets.put_codec(replace(unknown, source=""))  # removed
    refused(bench.runner.decode(sha, [frame()])[0], "removed")
    bench.store.assets.put_codec(replace(unknown, source=HONEST + " "))  # changed in the store
    refused(bench.runner.decode(sha, [frame()])[0], "hash")


def test_the_child_checks_the_hash_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "unfit", lambda _codec: None)  # a parent that does not
    forged = replace(codec(HONEST), source=HONEST + " ")
    refused(bench.runner.trial(forged, [frame()])[0], "died", "hung up")


def test_trials_need_no_allow_list() -> None:
    alone = Runner(None)
    assert alone.trial(codec(HONEST), [frame()]) == [{"first": 7}]
    refused(alone.decode(codec(HONEST).sha256, [frame()])[0], "trials only")
    large = codec(HONEST + " " * CODEC_BYTES_MAX)
    refused(alone.trial(large, [frame()])[0], "larger")
    alone.close()


def test_processes_are_bounded_and_come_back(bench: Bench) -> None:
    sources = [f"{HONEST} // {n}" for n in range(CODEC_PROCESSES_MAX + 3)]
    for source in [*sources, *sources]:
        assert bench.one(source) == {"first": 7}
        loaded = [s for s in bench.runner._seats.values() if s.worker]
        assert len(loaded) <= CODEC_PROCESSES_MAX


def test_a_process_that_died_is_replaced(bench: Bench) -> None:
    assert bench.one(HONEST) == {"first": 7}
    (seat,) = bench.runner._seats.values()
    assert seat.worker
    os.kill(seat.worker.pid, signal.SIGKILL)
    answers = [bench.one(HONEST) for _ in range(2)]
    assert answers[-1] == {"first": 7}


def test_no_process_outlives_the_runner(tmp_path: Path) -> None:
    with bench_at(tmp_path) as bench:
        bench.one(HONEST)
        (seat,) = bench.runner._seats.values()
        assert seat.worker
        pid = seat.worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_suspension_comes_lengthens_and_ends(tmp_path: Path) -> None:
    now = [1_000.0]
    with bench_at(tmp_path, clock=lambda: now[0]) as bench:
        sha = bench.allow(LOOP_ON_9)
        bad, good = frame(b"\x09"), frame(b"\x01")

        def strike_out() -> float:
            mixed = [f for _ in range(CODEC_STRIKES_MAX) for f in (bad, good)]  # buys no time
            answers = bench.runner.decode(sha, mixed)
            refused(answers[-1], "suspended")
            refused(bench.runner.decode(sha, [good])[0], "suspended")
            return bench.runner.suspended()[sha]

        pauses = []
        for _ in range(3):
            pauses.append(strike_out())
            now[0] += pauses[-1]
            assert bench.runner.decode(sha, [good]) == [{"first": 1}]
        assert pauses == [CODEC_SUSPEND_S, 2 * CODEC_SUSPEND_S, 4 * CODEC_SUSPEND_S]
        now[0] += CODEC_SUSPEND_S_MAX + 1
        assert strike_out() == CODEC_SUSPEND_S


def test_single_strikes_far_apart_suspend_nobody(tmp_path: Path) -> None:
    now = [1_000.0]
    with bench_at(tmp_path, clock=lambda: now[0]) as bench:
        sha = bench.allow(LOOP_ON_9)
        for _ in range(CODEC_STRIKES_MAX + 1):
            refused(bench.runner.decode(sha, [frame(b"\x09")])[0], "stopped")
            now[0] += 60
        assert bench.runner.suspended() == {}
