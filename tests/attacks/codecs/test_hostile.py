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


@pytest.mark.parametrize(
    "value", ["NaN", "1/0", "-1/0", "(function(){})", "Symbol('x')", "10n", "undefined"]
)
def test_what_is_no_value_never_becomes_one(bench: Bench, value: str) -> None:
    answer = bench.one(f"function decodeUplink() {{ return {{data: {{x: {value}}}}}; }}")
    assert isinstance(answer, CodecError) or answer.get("x") is None
