"""Checkpoints, cosignatures, inclusion proofs: beside a Merkle tree written from its definition
(`world.tree`), and with notes that must fail (C2SP signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.world import (
    NOW,
    ORIGIN,
    ROSTER,
    checkpoint,
    entry,
    inclusion,
    logged,
    public,
    seed,
    tree,
)

from beffroi.kernel import keys
from beffroi.kernel.logged import LoggedError, leaf_hash, root_of, witnesses
from beffroi.kernel.note import (
    COSIGNATURE,
    SIGNATURE,
    Checkpoint,
    NoteError,
    NoteSignature,
    cosigned,
    key_hint,
    read_note,
)

LEAVES = [b"leaf %d" % n for n in range(65)]
DIGEST = b"d" * 32
NOTE = checkpoint(6, tree(LEAVES[:6]), ("val", "mont"))
TEXT = NOTE.text().decode()
BODY, LINES = TEXT.split("\n\n")
ROOT = BODY.split("\n")[2]
LINE = LINES.split("\n")[0]


@pytest.mark.parametrize("size", range(1, 66))
def test_every_leaf_of_every_tree(size: int) -> None:
    leaves = LEAVES[:size]
    root = tree(leaves)
    for index in range(size):
        path = inclusion(leaves, index)
        leaf = leaf_hash(leaves[index])
        assert root_of(leaf, index, size, path) == root
        for wrong in {0, index - 1, index + 1, size - 1} - {index}:
            if 0 <= wrong < size:
                assert led_to(leaf, wrong, size, path) != root
        assert led_to(leaf_hash(b"other"), index, size, path) != root
        assert led_to(leaf, index, size, path[:-1]) != root or not path
        with pytest.raises(LoggedError):
            root_of(leaf, index, size, (*path, bytes(32)))
        if path:
            with pytest.raises(LoggedError, match="short"):
                root_of(leaf, index, size, path[:-1])


def led_to(leaf: bytes, index: int, size: int, path: tuple[bytes, ...]) -> bytes | None:
    try:
        return root_of(leaf, index, size, path)
    except LoggedError:
        return None


@given(st.integers(1, 65), st.data())
def test_a_changed_path_leads_elsewhere(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion(LEAVES[:size], index))
    if not path:
        return
    at = data.draw(st.integers(0, len(path) - 1))
    path[at] = data.draw(st.binary(min_size=32, max_size=32).filter(lambda h: h != path[at]))
    assert led_to(leaf_hash(LEAVES[index]), index, size, tuple(path)) != tree(LEAVES[:size])


@given(st.integers(1, 64), st.integers(1, 65), st.integers(0, 64))
def test_another_size_leads_elsewhere(true: int, said: int, index: int) -> None:
    """Where the shapes of both trees agree around the leaf the hash is the same by construction:
    the checkpoint's root then is another one."""
    if index >= true or said == true:
        return
    root = led_to(leaf_hash(LEAVES[index]), index, said, inclusion(LEAVES[:true], index))
    assert root != tree(LEAVES[:said])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (6, 6), (2**53, 6)])
def test_outside_the_log(index: int, size: int) -> None:
    with pytest.raises(LoggedError, match="outside"):
        root_of(bytes(32), index, size, ())


def test_a_note_is_read_as_it_was_written() -> None:
    assert read_note(NOTE.text()) == NOTE
    assert NOTE.text() == BODY.encode() + b"\n\n" + LINES.encode()
    assert NOTE.signed_by(ORIGIN, public("log"))
    assert NOTE.cosigned_by("val", public("val")) == NOW // 1_000
    assert NOTE.cosigned_by("mont", public("mont")) == NOW // 1_000
    zero = read_note(f"{ORIGIN}\n0\n{ROOT}\n\n{LINE}\n".encode())
    assert zero.size == 0


def swap(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


LAST_BITS = ROOT[:-2] + chr(ord(ROOT[-2]) + 1) + "="  # bits that the padding throws away
MUST_FAIL = {
    "nothing": "",
    "only an empty line": "\n",
    "only two empty lines": "\n\n",
    "no signatures": BODY + "\n\n",
    "no empty line": TEXT.replace("\n\n", "\n"),
    "no body": "\n\n" + LINES,
    "no origin": TEXT.split("\n", 1)[1],
    "an empty origin": swap(ORIGIN, ""),
    "a space in the origin": swap(ORIGIN, "beffroi bourg"),
    "a plus in the origin": swap(ORIGIN, "beffroi+bourg"),
    "a tab in the origin": swap(ORIGIN, "beffroi\tbourg"),
    "a no-break space in the origin": swap(ORIGIN, "beffroi\u00a0bourg"),
    "a carriage return after the origin": swap(ORIGIN + "\n", ORIGIN + "\r\n"),
    "an origin too long": swap(ORIGIN, "o" * 201),
    "no size": swap("\n6\n", "\n"),
    "an empty size": swap("\n6\n", "\n\n"),
    "a size with a zero before it": swap("\n6\n", "\n06\n"),
    "a size of two zeros": swap("\n6\n", "\n00\n"),
    "a negative size": swap("\n6\n", "\n-6\n"),
    "a size with a plus": swap("\n6\n", "\n+6\n"),
    "a size in hexadecimal": swap("\n6\n", "\n0x6\n"),
    "a size with a space": swap("\n6\n", "\n6 \n"),
    "a size with an underscore": swap("\n6\n", "\n6_0\n"),
    "a size in Arabic digits": swap("\n6\n", "\n\u0666\n"),
    "a size that is a fraction": swap("\n6\n", "\n6.0\n"),
    "a size of 2**53": swap("\n6\n", f"\n{2**53}\n"),
    "a size of twenty digits": swap("\n6\n", "\n" + "9" * 20 + "\n"),
    "no root": swap(ROOT + "\n", ""),
    "a root of 31 bytes": swap(ROOT, base64.b64encode(bytes(31)).decode()),
    "a root of 33 bytes": swap(ROOT, base64.b64encode(bytes(33)).decode()),
    "a root without padding": swap(ROOT, ROOT[:-1]),
    "a root in URL alphabet": swap(ROOT, "-_" + ROOT[2:]),
    "a root in hexadecimal": swap(ROOT, "00" * 32),
    "a root with other last bits": swap(ROOT, LAST_BITS),
    "a root with a space": swap(ROOT, ROOT + " "),
    "an extension line": swap(ROOT + "\n", ROOT + "\nextension\n"),
    "lines in another order": swap(f"\n6\n{ROOT}", f"\n{ROOT}\n6"),
    "three empty lines": TEXT.replace("\n\n", "\n\n\n"),
    "text after the signatures": TEXT + "more\n",
    "an empty line after the signatures": TEXT + "\n",
    "no line end at the end": TEXT[:-1],
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "a hyphen for the dash": swap("\u2014 ", "- "),
    "an en dash": swap("\u2014 ", "\u2013 "),
    "no space after the dash": swap("\u2014 ", "\u2014"),
    "two spaces after the dash": swap("\u2014 ", "\u2014  "),
    "no name": swap(LINE, "\u2014 " + LINE.split(" ")[2]),
    "no signature value": swap(LINE, "\u2014 " + ORIGIN),
    "a name with a plus": swap(LINE, LINE.replace(ORIGIN, "a+b")),
    "a name with a no-break space": swap(LINE, LINE.replace(ORIGIN, "a\u00a0b")),
    "a name too long": swap(LINE, LINE.replace(ORIGIN, "n" * 201)),
    "a value that is no base64": swap(LINE, f"\u2014 {ORIGIN} ????"),
    "a value of wrong padding": swap(LINE, f"\u2014 {ORIGIN} AAAAA"),
    "a value of one character": swap(LINE, f"\u2014 {ORIGIN} A"),
    "a value of three paddings": swap(LINE, f"\u2014 {ORIGIN} AAAAA==="),
    "a value with other last bits": swap(LINE, f"\u2014 {ORIGIN} AAAAAAAAAB=="),
    "a value of four bytes": swap(LINE, f"\u2014 {ORIGIN} " + base64.b64encode(bytes(4)).decode()),
    "a value of 201 bytes": swap(LINE, f"\u2014 {ORIGIN} " + base64.b64encode(bytes(201)).decode()),
    "seventeen signatures": BODY + "\n\n" + (LINE + "\n") * 17,
    "a line separator of Unicode": swap(LINE, LINE + "\u2028"),
    "a vertical tab": swap(LINE, LINE + "\v"),
    "a byte order mark": "\ufeff" + TEXT,
    "a zero byte": TEXT + "\0",
}


@pytest.mark.parametrize("name", MUST_FAIL)
def test_a_note_that_must_fail(name: str) -> None:
    assert MUST_FAIL[name] != TEXT
    with pytest.raises(NoteError):
        read_note(MUST_FAIL[name].encode())


def test_notes_that_are_no_text_or_too_long() -> None:
    with pytest.raises(NoteError, match="UTF-8"):
        read_note(b"\xff" + TEXT.encode())
    long = f"{ORIGIN}\n6\n{ROOT}\n\n" + (LINE + "\n") * 16
    with pytest.raises(NoteError, match="more than"):
        read_note(long.encode() + b"\n" * 4_096)


def test_the_borders_of_a_note() -> None:
    raw = base64.b64encode(bytes(200)).decode()
    short = base64.b64encode(bytes(5)).decode()
    most = BODY + "\n\n" + f"\u2014 {'n' * 200} {raw}\n" + f"\u2014 n {short}\n" * 15
    assert len(read_note(most.encode()).signatures) == 16
    assert read_note(swap("\n6\n", f"\n{2**53 - 1}\n").encode()).size == 2**53 - 1
    assert read_note(swap(ORIGIN + "\n", "o" * 200 + "\n").encode()).origin == "o" * 200
    full = "".join(f"\u2014 {'n' * 200} {raw}\n" for _ in range(8))
    full += f"\u2014 n {short}\n" * 6
    left = 4_096 - len((BODY + "\n\n" + full).encode()) - len(f"\u2014  {short}\n".encode())
    exact = (BODY + "\n\n" + full + f"\u2014 {'n' * left} {short}\n").encode()
    assert len(exact) == 4_096
    assert len(read_note(exact).signatures) == 15
    with pytest.raises(NoteError, match="4097 bytes, more than 4096"):
        read_note(exact.replace(b"n ", b"nn ", 1))


@given(st.integers(0, 8 * len(NOTE.text()) - 1))
def test_a_note_with_one_bit_changed_proves_nothing_new(at: int) -> None:
    raw = bytearray(NOTE.text())
    raw[at // 8] ^= 1 << at % 8
    try:
        note = read_note(bytes(raw))
    except NoteError:
        return
    held = [
        note.signed_by(ORIGIN, public("log")),
        note.cosigned_by("val", public("val")) is not None,
        note.cosigned_by("mont", public("mont")) is not None,
    ]
    assert held.count(False) == 1 if note.body == NOTE.body else not any(held)


def test_what_is_no_signature_of_the_log() -> None:
    body = NOTE.body
    key, other = public("log"), public("eve")
    good = key_hint(ORIGIN, SIGNATURE, key) + keys.sign(seed("log"), body)

    def signed(name: str, raw: bytes) -> bool:
        note = replace(NOTE, signatures=(NoteSignature(name, raw),))
        return note.signed_by(ORIGIN, key)

    assert signed(ORIGIN, good)
    assert not signed("other", good)
    assert not signed(ORIGIN, b"\0\0\0\0" + good[4:])
    assert not signed(ORIGIN, key_hint("other", SIGNATURE, key) + good[4:])
    assert not signed(ORIGIN, key_hint(ORIGIN, COSIGNATURE, key) + good[4:])
    assert not signed(ORIGIN, key_hint(ORIGIN, SIGNATURE, other) + good[4:])
    assert not signed(ORIGIN, good[:4] + keys.sign(seed("eve"), body))
    assert not signed(ORIGIN, good + b"\0")
    assert not replace(NOTE, size=7).signed_by(ORIGIN, key)
    assert not replace(NOTE, root=bytes(32)).signed_by(ORIGIN, key)
    assert not replace(NOTE, origin="other").signed_by(ORIGIN, key)
    assert not replace(NOTE, signatures=()).signed_by(ORIGIN, key)


def test_what_is_no_cosignature() -> None:
    body, key = NOTE.body, public("val")
    seconds = 1_700_000_000
    time = seconds.to_bytes(8, "big")
    hint = key_hint("val", COSIGNATURE, key)
    said = keys.sign(seed("val"), cosigned(seconds, body))

    def when(name: str, raw: bytes, note: Checkpoint = NOTE) -> int | None:
        return replace(note, signatures=(NoteSignature(name, raw),)).cosigned_by("val", key)

    assert when("val", hint + time + said) == seconds
    assert when("mont", hint + time + said) is None
    assert when("val", b"\0\0\0\0" + time + said) is None
    assert when("val", key_hint("val", SIGNATURE, key) + time + said) is None
    assert when("val", hint + (seconds + 1).to_bytes(8, "big") + said) is None
    assert when("val", hint + time + said[:-1]) is None
    assert when("val", hint + time + said + b"\0") is None
    assert when("val", hint + time + keys.sign(seed("val"), body)) is None
    assert when("val", hint + time + keys.sign(seed("mont"), cosigned(seconds, body))) is None
    assert when("val", hint + time + said, replace(NOTE, size=7)) is None
    far = 2**60 + 1
    late = far.to_bytes(8, "big") + keys.sign(seed("val"), cosigned(far, body))
    assert when("val", hint + late) == far, "all eight bytes of the time"
    bad = NoteSignature("val", hint + time + bytes(64))
    both = replace(NOTE, signatures=(bad, NoteSignature("val", hint + time + said)))
    assert both.cosigned_by("val", key) == seconds, "the second line of that name holds"


def test_the_bytes_that_a_witness_signs_and_the_hint_of_a_key() -> None:
    assert cosigned(7, b"o\n1\nr\n") == b"cosignature/v1\ntime 7\no\n1\nr\n"
    assert key_hint("n", 4, b"k") == keys.sha256(b"n\n\x04k")[:4]
    # The key of Go's checksum database, as it is published: "sum.golang.org+033de0ae+" and this.
    public = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert key_hint("sum.golang.org", SIGNATURE, public[1:]).hex() == "033de0ae"
    assert public[0] == SIGNATURE


def test_witnesses_are_counted_by_organisation() -> None:
    def count(*names: str) -> int:
        return witnesses(logged(DIGEST, witnesses=names), DIGEST, ORIGIN, ROSTER)

    assert count() == 0
    assert count("val") == count("val", "val") == count("eve", "mont") == 1
    assert count("val", "mont") == count("mont", "val", "eve") == 2


def test_a_proof_names_its_fault() -> None:
    good = logged(DIGEST)
    faults = {
        "unreadable: not": replace(good, checkpoint=b"x"),
        "is of beffroi/val": replace(
            good, checkpoint=checkpoint(6, bytes(32), (), "beffroi/val").text()
        ),
        "not signed by our log": replace(
            good, checkpoint=checkpoint(6, bytes(32), (), ORIGIN, "eve").text()
        ),
        "entry is unreadable": replace(good, entry=b"\xff"),
        "not about an approval": replace(good, entry=entry(DIGEST, kind="x")),
        "about another command": replace(good, entry=entry(bytes(32))),
        "not in the log": replace(good, entry=entry(DIGEST, more=1)),
        "too short": replace(good, path=good.path[:1]),
    }
    for text, proof in faults.items():
        with pytest.raises(LoggedError, match=text):
            witnesses(proof, DIGEST, ORIGIN, ROSTER)
