"""The largest memory that the judge lets grow can be read again: else its limits begin anew."""

from __future__ import annotations

from beffroi.guard.limits import RECORD_BYTES_MAX
from beffroi.kernel.limits import STATE_BYTES_MAX


def test_a_record_may_be_as_large_as_the_state_in_it() -> None:
    assert RECORD_BYTES_MAX > STATE_BYTES_MAX
