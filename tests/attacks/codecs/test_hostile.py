"""Thirteen hostile codecs: each costs only frames of its own type; the others go on meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.adapters.codecs.kit import HONEST, Bench, frame, refused

from beffroi.ports.codec import CodecError


def codec_with(body: str) -> str:
    return f"function decodeUplink(input) {{ {body} return {{data: {{first: 1}}}}; }}"


HOSTILE = {
    "endless loop": codec_with("for (;;) {}"),
    "memory bomb of arrays": codec_with("var a = []; for (;;) a.push(new Array(1e6).fill(1));"),
    "memory bomb of strings": codec_with("var s = 'x'; for (;;) s += s + s;"),
    "memory bomb of one buffer": codec_with("var b = new ArrayBuffer(2**32); new Uint8Array(b);"),
    "native loop join": codec_with("new Array(1 << 28).join('x');"),
    "native loop repeat": codec_with("'x'.repeat(2 ** 30);"),
    "native loop sort": codec_with(
        "var a = new Array(3e6); for (var i = 0; i < 3e6; i++) a[i] = -i;"
        "for (;;) a.sort(function (x, y) { return Math.random() - 0.5; });"
    ),
    "regular expression": codec_with("/^(a+)+$/.test('a'.repeat(40) + 'b');"),
    "deep recursion": codec_with("function f() { return f() + 1; } f();"),
    "microtask loop": codec_with(
        "function f() { return Promise.resolve().then(f); } f();"
        "var t = Date.now(); while (Date.now() - t < 1e6) {}"
    ),
    "huge output": ("function decodeUplink() { return {data: {x: new Array(200000).join('y')}}; }"),
    "getter that never ends": (
        "function decodeUplink() { return {data: {get x() { for (;;) {} }}}; }"
    ),
    "top level loop": "while (true) {} " + HONEST,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_codec_is_contained(bench: Bench, name: str) -> None:
    honest = bench.allow(HONEST, "honest")
    (before,) = bench.runner.decode(honest, [frame()])
    assert before == {"first": 7}
    refused(bench.one(HOSTILE[name]))
    (after,) = bench.runner.decode(honest, [frame()])
    assert after == {"first": 7}


def test_there_are_thirteen() -> None:
    assert len(HOSTILE) == 13


def test_other_device_types_go_on_while_one_loops(bench: Bench) -> None:
    honest = bench.allow(HONEST, "honest")
    loop = bench.allow(HOSTILE["endless loop"], "loop")
    bench.runner.decode(honest, [frame()])
    looping = threading.Thread(target=bench.runner.decode, args=(loop, [frame()] * 3))
    looping.start()
    good = 0
    while looping.is_alive():
        (answer,) = bench.runner.decode(honest, [frame()])
        assert answer == {"first": 7}
        good += 1
    looping.join()
    assert good > 3  # many frames of others within the time of the loop


def test_polluted_prototypes_do_not_reach_the_next_frame(bench: Bench) -> None:
    source = (
        "function decodeUplink(i) { var seen = ({}).bad; Object.prototype.bad = 1;"
        "Array.prototype.push = function () {}; JSON.stringify = function () { return '{}'; };"
        "return {data: {seen: seen === undefined ? 0 : 1}}; }"
    )
    answers = bench.run(source, frame(), frame())
    assert answers == [{"seen": 0}, {"seen": 0}]


@pytest.mark.parametrize(
    "expression",
    [
        "std.open('/etc/passwd', 'r')",
        "os.exec(['id'])",
        "require('fs')",
        "fetch('http://127.0.0.1/')",
        "new XMLHttpRequest()",
        "new Worker('x')",
        "process.env",
        "load('/etc/passwd')",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    ],
)
def test_no_files_no_network_no_waiting(bench: Bench, expression: str) -> None:
    body = f"var ok = 0; try {{ {expression}; ok = 1; }} catch (e) {{}}"
    answer = bench.one(f"function decodeUplink() {{ {body} return {{data: {{ok: ok}}}}; }}")
    assert isinstance(answer, CodecError) or answer == {"ok": 0}


def test_a_module_cannot_be_imported(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "m.js").write_text("export const x = 1;")
    refused(bench.one(f"import {{x}} from '{tmp_path}/m.js'; " + HONEST))
    later = f"function decodeUplink() {{ import('{tmp_path}/m.js'); return {{data: {{a: 1}}}}; }}"
    answer = bench.one(later)
    assert isinstance(answer, CodecError) or answer == {"a": 1}


@pytest.mark.parametrize("value", ["NaN", "1 / 0", "-1 / 0", "10n", "[{a: NaN}]", "1e308"])
def test_what_is_no_number_is_refused(bench: Bench, value: str) -> None:
    """JSON would turn NaN into null: nobody would know that a sensor said nonsense."""
    refused(bench.one(f"function decodeUplink() {{ return {{data: {{x: {value}}}}}; }}"))


@pytest.mark.parametrize("value", ["(function () {})", "Symbol('x')", "undefined"])
def test_what_is_no_value_is_absent(bench: Bench, value: str) -> None:
    assert bench.one(f"function decodeUplink() {{ return {{data: {{x: {value}}}}}; }}") == {}


@pytest.mark.parametrize(
    "source",
    [
        "function decodeUplink() { return new Proxy({}, {get() { for (;;) {} }}); }",
        "function decodeUplink() { return {data: new Proxy({}, {ownKeys() { for (;;) {} }})}; }",
        "function decodeUplink() { return {data: {toJSON() { for (;;) {} }}}; }",
        "function decodeUplink() { return {data: {x: {toJSON() { return 'y'.repeat(1e5); }}}}; }",
        "function decodeUplink() { var a = {}; a.a = a; return {data: a}; }",
        "function decodeUplink() { throw {toString() { for (;;) {} }}; }",
        "function decodeUplink() { var e = new Error(); Object.defineProperty(e, 'message',"
        "{get() { for (;;) {} }}); throw e; }",
        "function decodeUplink() { throw 'x'.repeat(1e7); }",
        "function decodeUplink() { return Promise.resolve({data: {x: 1}}); }",
        "async function decodeUplink() { return {data: {x: 1}}; }",
        "function* decodeUplink() { yield {data: {x: 1}}; }",
        "function decodeUplink() { return {data: [1, 2, 3]}; }",
        "function decodeUplink() { var d = {}; for (var i = 0; i < 1e6; i++) d['k' + i] = 1;"
        "return {data: d}; }",
        "function decodeUplink() { return {data: {x: 1e308}}; }",
        "var n = 0; function decodeUplink() { return decodeUplink.constructor('for (;;) {}')(); }",
        "function decodeUplink() { JSON.parse('['.repeat(1e6)); return {data: {}}; }",
        "function decodeUplink() { return eval('('.repeat(1e6)); }",
        "function decodeUplink() { var s = 'a'; for (;;) s = s.split('').concat(s).join(s); }",
        "function decodeUplink() { var n = 3n; for (;;) n = n * n; }",
        'function decodeUplink() { throw {name: \'\\u0000R{"data":{"x":1}}\'}; }',
    ],
)
def test_tricks_with_the_result_are_refused(bench: Bench, source: str) -> None:
    honest = bench.allow(HONEST, "honest")
    refused(bench.one(source))
    assert bench.runner.decode(honest, [frame()]) == [{"first": 7}]


def test_a_hang_that_waits_for_its_frame_costs_little_and_ends_in_suspension(bench: Bench) -> None:
    source = (
        "function decodeUplink(i) { while (i.bytes[0] === 9) {} return {data: {x: i.bytes[0]}}; }"
    )
    frames = [frame(bytes([9 if n % 10 == 5 else 1])) for n in range(200)]
    answers = bench.run(source, *frames)
    assert len(answers) == 200
    assert answers[:5] == [{"x": 1}] * 5
    refused(answers[5], "stopped", "killed")
    assert answers[6:15] == [{"x": 1}] * 9
    for answer in answers[30:]:
        refused(answer, "suspended")


def test_the_engine_limits_memory_below_the_process(bench: Bench) -> None:
    """100 MiB fit into the process; the codec may not have them all the same."""
    source = (
        "function decodeUplink() { return {data: {n: new ArrayBuffer(100 << 20).byteLength}}; }"
    )
    refused(bench.one(source), "out of memory", "Out of memory", "stopped")


def test_what_a_codec_remembers_is_gone_with_the_frame(bench: Bench) -> None:
    source = (
        "var calls = 0; globalThis.kept = globalThis.kept || 0; kept++;"
        "function decodeUplink() { calls++; Math.calls = (Math.calls || 0) + 1;"
        "return {data: {calls: calls, kept: kept, math: Math.calls}}; }"
    )
    assert bench.run(source, *[frame()] * 3) == [{"calls": 1, "kept": 1, "math": 1}] * 3


def test_the_process_holds_nothing_of_the_hub(bench: Bench) -> None:
    """No descriptor but its two ends of the pipe, no environment, no rights."""
    assert bench.one(HONEST) == {"first": 7}
    (seat,) = bench.runner._seats.values()
    assert seat.worker
    assert {"memory", "files"} <= set(seat.worker.walls)
    proc = Path(f"/proc/{seat.worker.pid}")
    if not proc.exists():
        pytest.skip("no /proc on this system")
    assert {int(fd.name) for fd in (proc / "fd").iterdir()} == {0, 1, 2}
    assert (proc / "environ").read_bytes() == b"TZ=UTC\0"
    status = dict(
        line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line
    )
    if "seccomp" in seat.worker.walls:
        assert status["Seccomp"].strip() == "2"
    assert status["NoNewPrivs"].strip() == "1"
    assert int(status["CapEff"], 16) == 0 or "no_network" in seat.worker.walls
