"""The rules of a witness: one test each, and whatever order two histories are shown in."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evidence.kit import ORIGIN, mth, public, seed

from beffroi.evidence.merkle import consistency
from beffroi.evidence.note import sign_note
from beffroi.evidence.vkey import Vkey, VkeyError, read_vkey
from beffroi.evidence.witness import (
    AddCheckpoint,
    Refusal,
    RequestError,
    Seen,
    judge,
    read_request,
)
from beffroi.kernel.note import COSIGNATURE, SIGNATURE, Checkpoint

LOGS = {ORIGIN: [public("former"), public("log")]}
HONEST = [b"h%d" % i for i in range(40)]
FORKED = [*HONEST[:10], *(b"f%d" % i for i in range(10, 40))]


def note(history: list[bytes], size: int, key: str = "log", origin: str = ORIGIN) -> Checkpoint:
    bare = Checkpoint(origin, size, mth(history[:size]))
    return replace(bare, signatures=(sign_note(bare, origin, seed(key)),))


def ask(history: list[bytes], old: int, new: int, **more: str) -> AddCheckpoint:
    proof = consistency(
        min(old, new), new, lambda level, at: mth(history[at << level : (at + 1) << level])
    )
    return AddCheckpoint(old, proof, note(history, new, **more))


def seen(history: list[bytes], size: int) -> Seen:
    return Seen(size, mth(history[:size]))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 7), (7, 7), (7, 8), (16, 40)])
def test_a_log_that_grows_is_cosigned(old: int, new: int) -> None:
    assert judge(ask(HONEST, old, new), LOGS, seen(HONEST, old)) == seen(HONEST, new)


@pytest.mark.parametrize(
    ("request_", "known", "refusal"),
    [
        (ask(HONEST, 0, 5, origin="beffroi/ailleurs"), seen(HONEST, 0), Refusal.UNKNOWN_LOG),
        (ask(HONEST, 0, 5, key="nobody"), seen(HONEST, 0), Refusal.NOT_SIGNED),
        (ask(HONEST, 9, 5), seen(HONEST, 9), Refusal.BACKWARDS),
        (ask(HONEST, 5, 9), seen(HONEST, 7), Refusal.NOT_THE_LAST),
        (ask(HONEST, 0, 9), seen(HONEST, 7), Refusal.NOT_THE_LAST),
        (ask(FORKED, 20, 20), seen(HONEST, 20), Refusal.SPLIT_VIEW),
        (ask(FORKED, 20, 30), seen(HONEST, 20), Refusal.NOT_CONSISTENT),
        (replace(ask(HONEST, 5, 9), proof=()), seen(HONEST, 5), Refusal.NOT_CONSISTENT),
        (replace(ask(HONEST, 9, 9), proof=(bytes(32),)), seen(HONEST, 9), Refusal.NOT_CONSISTENT),
        (replace(ask(HONEST, 0, 9), proof=(bytes(32),)), seen(HONEST, 0), Refusal.NOT_CONSISTENT),
    ],
    ids=lambda value: value.name if isinstance(value, Refusal) else "",
)
def test_each_rule_refuses(request_: AddCheckpoint, known: Seen, refusal: Refusal) -> None:
    assert judge(request_, LOGS, known) is refusal


def test_a_cosignature_alone_is_not_the_logs_signature() -> None:
    bare = replace(note(HONEST, 5), signatures=())
    assert judge(AddCheckpoint(0, (), bare), LOGS, Seen()) is Refusal.NOT_SIGNED


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 40), st.booleans()),
        max_size=30,
    )
)
@settings(max_examples=60)
def test_two_histories_are_never_both_cosigned(tries: list[tuple[bool, int, int, bool]]) -> None:
    """Whatever a log shows in whatever order, all that was cosigned is one history."""
    known, cosigned = Seen(), [(0, mth([]))]
    for forked, old, new, honest_about_old in tries:
        history = FORKED if forked else HONEST
        verdict = judge(ask(history, known.size if honest_about_old else old, new), LOGS, known)
        if isinstance(verdict, Seen):
            known = verdict
            cosigned.append((known.size, known.root))
    assert cosigned == sorted(cosigned, key=lambda pair: pair[0])
    assert any(
        all(mth(history[:size]) == root for size, root in cosigned) for history in (HONEST, FORKED)
    )


def test_requests_read_back() -> None:
    for old, new in ((0, 7), (7, 8), (16, 40)):
        request = ask(HONEST, old, new)
        assert read_request(request.encoded()) == request


def test_requests_changed_anywhere_are_refused_or_judged() -> None:
    data = ask(HONEST, 16, 40).encoded()
    for at in range(len(data)):
        bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            verdict = judge(read_request(bad), LOGS, seen(HONEST, 16))
        except RequestError:
            continue
        assert isinstance(verdict, Refusal), at


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"old 1", b"old -1\n\nx", b"old 01\n\nx", b"old 1\nzz\n\nx", b"x" * 20_000,
        b"old 1\n" + b"AAAA\n" * 3 + b"\nx", b"old 1\n" + b"A" * 43 + b"=\n" * 70 + b"\nx",
        b"old 1\n" + b"A" * 42 + b"B=\n\nx", b"OLD 1\n\n" + note(HONEST, 3).text(),
    ],
)  # fmt: skip
def test_what_is_not_a_request_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        read_request(data)


def test_random_bytes_never_raise_anything_else() -> None:
    dice = random.Random(7)
    for _ in range(300):
        with pytest.raises(RequestError):
            read_request(dice.randbytes(dice.randrange(300)))


def test_keys_as_people_exchange_them() -> None:
    key = Vkey(ORIGIN, public("log"), SIGNATURE)
    assert read_vkey(key.text() + "\n") == key
    assert read_vkey(Vkey("temoin.x", public("w"), COSIGNATURE).text()).kind == COSIGNATURE
    text = key.text()
    for at in range(len(text)):
        for other in ("x", "+", "0"):
            bad = text[:at] + other + text[at + 1 :]
            if bad != text:
                with pytest.raises(VkeyError):
                    read_vkey(bad)
