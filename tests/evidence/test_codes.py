"""From a board's code to the entry of the log."""

from __future__ import annotations

from beffroi.evidence.codes import entries_named
from beffroi.evidence.entry import Entry
from beffroi.kernel.code import code_of

A, B = bytes(range(32)), bytes(range(4)) + bytes(28)  # the same first 30 bits
C = b"\xff" * 32


def entry(kind: str, subject: bytes) -> bytes:
    return Entry(kind, 1, subject).encoded()


LOG = [
    (0, entry("command.approved", C)),
    (1, entry("command.approved", A)),
    (2, entry("command.sent", A)),
    (3, b"damaged"),
    (4, entry("command.approved", B)),
    (5, entry("command.approved", bytes(32))),
]


def test_every_approval_with_that_code_is_told() -> None:
    assert [index for index, _ in entries_named(code_of(A), LOG)] == [1, 4]
    assert [index for index, _ in entries_named(code_of(C).lower(), LOG)] == [0]


def test_no_code_names_nothing_not_even_the_empty_subject() -> None:
    assert entries_named("000000", LOG) == []
    assert entries_named("", LOG) == []
    assert entries_named("HELLO!", LOG) == []
