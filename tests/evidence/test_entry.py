"""What may be recorded, and above all what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.evidence.entry import REFS, Draft, EntryError, read_entry, seal
from beffroi.kernel.canonical import encode

SALT = bytes(range(32))


def test_an_entry_reads_back() -> None:
    draft = Draft("command.refused", 5, b"s" * 32, {"reason": "replayed", "number": 3}, b"secret")
    entry = draft.sealed(SALT)
    assert read_entry(entry.encoded()) == entry
    assert entry.sealed == seal(SALT, b"secret")
    assert b"secret" not in entry.encoded()


def test_without_payload_nothing_is_sealed() -> None:
    assert Draft("plan.signed", 5).sealed(SALT).sealed == b""


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Draft("refused", 5), "two parts"),
        (Draft("a.b.c", 5), "two parts"),
        (Draft("command.refused", -1), "whole number"),
        (Draft("command.refused", 5, b"short"), "bytes"),
        (Draft("command.refused", 5, refs={"person": "p1"}), "not among"),
        (Draft("command.refused", 5, refs={"mail": "a"}), "not among"),
        (Draft("command.refused", 5, refs={"target": "Jeanne Dupont"}), "identifier"),
        (Draft("command.refused", 5, refs={"target": "jeanne@mairie.fr"}), "identifier"),
        (Draft("command.refused", 5, refs={"target": "été"}), "identifier"),
        (Draft("command.refused", 5, refs={"target": ""}), "identifier"),
        (Draft("command.refused", 5, refs={"target": "x" * 81}), "identifier"),
        (Draft("command.refused", 5, refs={"count": -3}), "whole number"),
        (Draft("command.refused", 5, refs={"count": True}), "whole number"),
        (Draft("command.refused", 5, refs=dict.fromkeys(REFS[:9], 1)), "map of at most"),
        (Draft("command.refused", 5, payload=b"x" * 262_145), "bytes of payload"),
    ],
)  # fmt: skip
def test_what_is_not_lawful_is_refused(draft: Draft, why: str) -> None:
    with pytest.raises(EntryError, match=why):
        draft.sealed(SALT)


def test_a_salt_has_one_length() -> None:
    with pytest.raises(EntryError):
        Draft("a.b", 1, payload=b"x").sealed(b"short")


@given(st.binary(max_size=200))
def test_only_entries_are_read_as_entries(data: bytes) -> None:
    with pytest.raises(EntryError):
        read_entry(data)


def test_an_unknown_field_is_refused() -> None:
    entry = {"kind": "a.b", "at_ms": 1, "subject": bytes(32), "sealed": b"", "refs": {}}
    read_entry(encode(entry))
    for bad in ({**entry, "more": 1}, {**entry, "sealed": b"x"}, {**entry, "refs": {"who": 1}}):
        with pytest.raises(EntryError):
            read_entry(encode(bad))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1), st.binary(min_size=1))
def test_the_digest_binds_salt_and_payload(salt: bytes, one: bytes, other: bytes) -> None:
    assert (seal(salt, one) == seal(salt, other)) == (one == other)
    assert seal(salt, one) != seal(bytes(b ^ 1 for b in salt), one)
