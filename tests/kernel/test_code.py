"""The short code on a board."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.code import ALPHABET, CODE_CHARS, code_of, named_by, number_of


def test_an_example() -> None:
    assert code_of(bytes(32)) == "000000"
    assert code_of(b"\xff" * 32) == "ZZZZZZ"
    assert number_of("zzzzzz") == 2**30 - 1


@given(st.binary(min_size=32, max_size=32))
def test_it_is_thirty_bits_of_the_digest(digest: bytes) -> None:
    code = code_of(digest)
    assert len(code) == CODE_CHARS
    assert set(code) <= set(ALPHABET)
    assert number_of(code) == int.from_bytes(digest[:4], "big") >> 2


@given(st.binary(min_size=32, max_size=32))
def test_a_person_may_type_it_their_way(digest: bytes) -> None:
    code = code_of(digest)
    typed = f" {code[:3]}-{code[3:]}".lower().replace("0", "o").replace("1", "l")
    assert number_of(typed) == number_of(code)
    assert named_by(typed, [digest, bytes(32)])[0] in (digest, bytes(32))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345U", "12345é"])
def test_what_is_no_code_names_nothing(typed: str) -> None:
    assert number_of(typed) is None
    assert named_by(typed, [bytes(32)]) == ()


def test_two_commands_of_one_code_are_both_told() -> None:
    """An attacker who can have many commands logged finds such a pair: the check tells it."""
    seen: dict[str, bytes] = {}
    for number in range(200_000):
        digest = hashlib.sha256(b"%d" % number).digest()
        other = seen.setdefault(code_of(digest), digest)
        if other != digest:
            assert named_by(code_of(digest), [other, digest, bytes(32)]) == (other, digest)
            return
    pytest.fail("no two of 200,000 share a code: it is longer than it says")
